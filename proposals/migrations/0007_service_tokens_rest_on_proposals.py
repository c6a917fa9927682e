from django.db import migrations

# A person's own token is made by that person alone. A service account's is the one that a proposal asked for and a second
# person accepted, and comes to be in the hands of whoever answers for the account. One proposal is one token: of two that
# are made of it at once, the later waits for the proposal's lock and finds the earlier.
HOLD_TOKENS = """
create or replace function public.proposals_hold_token() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    is_service boolean;
begin
    select a.kind = 'service' into is_service from public.accounts_account a
    where a.id = new.account_id and a.person_id = new.person_id and new.made_by_id = new.person_id;
    if is_service then
        perform from public.proposals_proposal p
        where p.kind = 'service token' and p.state = 'accepted' and p.applied_at is null
          and p.subject = 'accounts.account:' || new.account_id and p.change ->> 'name' = new.name
          and p.change -> 'scopes' = to_jsonb(new.scopes) and p.change ->> 'unit' = new.unit_id::text
          and (p.change ->> 'expires_at')::timestamptz = new.expires_at
        for no key update;
        if found and not exists (select from public.accounts_apitoken t
                                 where t.account_id = new.account_id and t.name = new.name
                                   and t.expires_at = new.expires_at) then
            return new;
        end if;
    elsif not is_service then
        return new;
    end if;
    raise exception 'nobody may make this token of account % so', new.account_id using errcode = 'check_violation',
        hint = 'People make their own; a service account''s is accepted by a second person and made by who answers for it.';
end $$;
create or replace trigger hold_token before insert on accounts_apitoken
    for each row execute function public.proposals_hold_token();
alter table accounts_apitoken enable always trigger hold_token;
"""
LET_GO = """
drop trigger hold_token on accounts_apitoken;
drop function public.proposals_hold_token();
"""


class Migration(migrations.Migration):
    dependencies = [("proposals", "0006_enabling_rests_on_proposals")]
    operations = [migrations.RunSQL(HOLD_TOKENS, LET_GO)]
