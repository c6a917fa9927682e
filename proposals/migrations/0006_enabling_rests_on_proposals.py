from django.db import migrations

# To disable somebody takes one administrator, who must be quick; to undo it takes two.
HOLD_ENABLING = """
create or replace function public.proposals_hold_enabling() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if old.is_active or not new.is_active or exists (
           select from public.proposals_proposal p
           where p.kind = 'enable person' and p.state = 'accepted' and p.applied_at is null
             and p.subject = 'accounts.person:' || new.id) then
        return new;
    end if;
    raise exception 'no accepted proposal says that person % is enabled again', new.id
        using errcode = 'check_violation', hint = 'A second person accepts that somebody is enabled again.';
end $$;
create or replace trigger hold_enabling before update on accounts_person
    for each row execute function public.proposals_hold_enabling();
alter table accounts_person enable always trigger hold_enabling;
"""
LET_GO = """
drop trigger hold_enabling on accounts_person;
drop function public.proposals_hold_enabling();
"""


class Migration(migrations.Migration):
    dependencies = [("proposals", "0005_roles_rest_on_proposals"), ("accounts", "0006_roles_and_tokens_held")]
    operations = [migrations.RunSQL(HOLD_ENABLING, LET_GO)]
