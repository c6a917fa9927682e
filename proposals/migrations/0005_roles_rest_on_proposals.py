from django.db import migrations

# Without a proposal only a bank's first two administrators begin: somebody must propose, and another decide.
HOLD_ROLES = """
create or replace function public.proposals_hold_role() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'INSERT' and new.granted_by_id is null then
        if new.role = 'administrator' and (select count(*) from public.accounts_roleassignment) < 2 then
            return new;
        end if;
    elsif tg_op = 'INSERT' then
        if exists (select from public.proposals_proposal p
                   where p.kind = 'role' and p.state = 'accepted' and p.applied_at is null
                     and p.subject = 'accounts.person:' || new.person_id and p.decided_by_id = new.granted_by_id
                     and p.change ->> 'role' = new.role
                     and p.change ->> 'unit' is not distinct from new.unit_id::text) then
            return new;
        end if;
    elsif (old.ended_at, old.ended_by_id) is not distinct from (new.ended_at, new.ended_by_id) then
        return new;
    elsif old.ended_at is null then
        if exists (select from public.proposals_proposal p
                   where p.kind = 'end role' and p.state = 'accepted' and p.applied_at is null
                     and p.subject = 'accounts.roleassignment:' || new.id and p.decided_by_id = new.ended_by_id) then
            return new;
        end if;
    end if;
    raise exception 'no accepted proposal says that role % of person % may begin or end so', new.role, new.person_id
        using errcode = 'check_violation', hint = 'A role begins and ends with a proposal that a second person accepted.';
end $$;
create or replace trigger hold_role before insert or update on accounts_roleassignment
    for each row execute function public.proposals_hold_role();
alter table accounts_roleassignment enable always trigger hold_role;
"""
LET_GO = """
drop trigger hold_role on accounts_roleassignment;
drop function public.proposals_hold_role();
"""


class Migration(migrations.Migration):
    dependencies = [("proposals", "0004_conflicts"), ("accounts", "0005_roles_over_the_whole_bank")]
    operations = [migrations.RunSQL(HOLD_ROLES, LET_GO)]
