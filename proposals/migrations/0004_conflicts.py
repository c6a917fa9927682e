import django.db.models.deletion
from django.db import migrations, models

from audit.transitions import hold_columns

# Fires after hold_state, by its name: a step that does not exist is refused as such.
HOLD_DECISION = """
create or replace function public.proposals_hold_decision() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if old.decided_at is not null and (old.decided_by_id, old.decided_at, old.decided_in, old.decision_reason)
            is distinct from (new.decided_by_id, new.decided_at, new.decided_in, new.decision_reason)
       or old.applied_at is not null and old.applied_at is distinct from new.applied_at then
        raise exception 'the decision on proposal % never changes', new.id using errcode = 'check_violation';
    end if;
    if new.state not in ('accepted', 'declined') or old.state = new.state then
        return new;
    end if;
    if not exists (select from public.proposals_conflict c where c.proposal_id = new.id) then
        raise exception 'nobody noted who may not decide proposal %', new.id using errcode = 'check_violation';
    end if;
    if exists (select from public.proposals_conflict c
               where c.proposal_id = new.id and c.person_id = new.decided_by_id) then
        raise exception 'person % is in conflict and may not decide proposal %', new.decided_by_id, new.id
            using errcode = 'check_violation', hint = 'proposals_conflict says why.';
    end if;
    return new;
end $$;
create or replace trigger hold_the_decision before update on proposals_proposal
    for each row execute function public.proposals_hold_decision();
alter table proposals_proposal enable always trigger hold_the_decision;
"""
LET_GO = """
drop trigger hold_the_decision on proposals_proposal;
drop function public.proposals_hold_decision();
"""


class Migration(migrations.Migration):
    """A proposal that was asked before this has no conflicts noted: it can be withdrawn and asked again."""

    dependencies = [("proposals", "0003_expired_and_applied")]
    operations = [
        migrations.CreateModel(
            name="Conflict",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "why",
                    models.CharField(
                        choices=[
                            ("asked", "asked for it"),
                            ("about", "is whom it is about"),
                            ("owns", "owns what it is about"),
                            ("built", "built what it is about"),
                        ],
                        max_length=10,
                    ),
                ),
                ("trail", models.CharField(blank=True, help_text="The proposal's trail", max_length=120)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.person"
                    ),
                ),
                (
                    "proposal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="conflicts",
                        to="proposals.proposal",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("proposal", "person", "why"), name="conflict_once_per_reason"
                    ),
                ],
            },
        ),
        hold_columns("proposals_conflict", "proposal_id", "person_id", "why", "trail"),
        migrations.RunSQL(HOLD_DECISION, LET_GO),
    ]
