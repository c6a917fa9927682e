from django.db import migrations

from audit.transitions import hold_columns, hold_once_set, hold_rows, hold_transitions

SCHEME_EDGES = {"draft": {"published", "discarded"}, "published": {"superseded"}}
STATE_EDGES = {
    "provisional": {"confirmed", "challenged"},
    "confirmed": {"challenged"},
    "challenged": {"confirmed"},
}

# A scheme begins as a draft, comes into force as the proposal that a second person accepted says, and is read-only then.
# Fires after hold_state, by its name: a step that does not exist is refused as such.
HOLD_SCHEMES = """
create or replace function public.inventory_hold_scheme() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        if new.state <> 'draft' then
            raise exception 'a tiering scheme begins as a draft' using errcode = 'check_violation';
        end if;
        return new;
    end if;
    if old.state <> 'draft' or new.state <> 'draft' then
        if (old.name, old.content, old.note) is distinct from (new.name, new.content, new.note) then
            raise exception 'tiering scheme % is % and its content never changes', old.number, old.state
                using errcode = 'check_violation', hint = 'Draft the next version.';
        end if;
    end if;
    if old.published_at is not null
       and (old.published_at, old.published_by_id) is distinct from (new.published_at, new.published_by_id) then
        raise exception 'who published tiering scheme % and when never changes', old.number
            using errcode = 'check_violation';
    end if;
    if new.state = 'published' and old.state <> 'published' and not exists (
            select from public.proposals_proposal p
            where p.kind = 'tiering scheme' and p.state = 'accepted' and p.applied_at is null
              and p.subject = 'inventory.tieringscheme:' || new.id and p.decided_by_id = new.published_by_id) then
        raise exception 'no accepted proposal says that tiering scheme % may come into force', new.number
            using errcode = 'check_violation', hint = 'A scheme is published in two persons.';
    end if;
    return new;
end $$;
create or replace trigger hold_the_scheme before insert or update on inventory_tieringscheme
    for each row execute function public.inventory_hold_scheme();
alter table inventory_tieringscheme enable always trigger hold_the_scheme;
"""
LET_SCHEMES_GO = """
drop trigger hold_the_scheme on inventory_tieringscheme;
drop function public.inventory_hold_scheme();
"""

# An override rests on what a second person accepted. A model's tier is the granted one, else the computed one.
HOLD_TIERS = """
create or replace function public.inventory_hold_override() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if not exists (
            select from public.proposals_proposal p
            where p.id = new.proposal_id and p.kind = 'tier override' and p.state = 'accepted' and p.applied_at is null
              and p.subject = 'inventory.assessment:' || new.assessment_id and p.decided_by_id = new.granted_by_id
              and p.trail = 'inventory.model:' || new.model_id
              and p.change ->> 'tier' = new.tier::text and p.change ->> 'until' = new.until::text) then
        raise exception 'no accepted proposal says that model % may have tier %', new.model_id, new.tier
            using errcode = 'check_violation', hint = 'A second person accepts an override before it is in force.';
    end if;
    return new;
end $$;
create or replace trigger hold_override before insert on inventory_tieroverride
    for each row execute function public.inventory_hold_override();
alter table inventory_tieroverride enable always trigger hold_override;

create or replace function public.inventory_hold_tier() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if new.tier is not distinct from old.tier or exists (
            select from public.inventory_assessment a
            left join public.inventory_tieroverride o on o.model_id = a.model_id and o.ended_at is null
            where a.model_id = new.id and a.superseded_at is null and new.tier = coalesce(o.tier, a.tier)) then
        return new;
    end if;
    raise exception 'neither a rating nor an override gives model % tier %', new.ref, new.tier
        using errcode = 'check_violation', hint = 'A tier is computed from answers, or granted by a second person.';
end $$;
create or replace trigger hold_tier before update of tier on inventory_model
    for each row execute function public.inventory_hold_tier();
alter table inventory_model enable always trigger hold_tier;
"""
LET_TIERS_GO = """
drop trigger hold_tier on inventory_model;
drop function public.inventory_hold_tier();
drop trigger hold_override on inventory_tieroverride;
drop function public.inventory_hold_override();
"""


class Migration(migrations.Migration):
    dependencies = [("inventory", "0020_tiering")]
    operations = [
        hold_columns("inventory_tieringscheme", "number", "drafted_at", "drafted_by_id"),
        hold_transitions("inventory_tieringscheme", "state", SCHEME_EDGES),
        hold_rows("inventory_tieringscheme", "state", "superseded"),
        hold_rows("inventory_tieringscheme", "state", "discarded"),
        migrations.RunSQL(HOLD_SCHEMES, LET_SCHEMES_GO),
        hold_columns(
            "inventory_assessment",
            *("model_id", "scheme_id", "answers", "exposure", "tier", "bands", "scores", "residual"),
            *("answered_at", "answered_by_id", "rated_at", "rated_by_id"),
        ),
        hold_transitions("inventory_assessment", "state", STATE_EDGES),
        hold_once_set("inventory_assessment", "superseded_at", "superseded_by_id"),
        hold_columns(
            "inventory_tieroverride",
            *("model_id", "assessment_id", "proposal_id", "computed_tier", "tier", "reason", "until"),
            *("granted_at", "granted_by_id"),
        ),
        hold_once_set("inventory_tieroverride", "ended_at", "ended_by_id", "end"),
        migrations.RunSQL(HOLD_TIERS, LET_TIERS_GO),
    ]
