from django.db import migrations

# An administrator counts while the role is in force and the person is not disabled. Of two acts at once, the later waits
# for the roles' locks and counts what the earlier left.
HOLD_ADMINISTRATORS = """
create or replace function public.accounts_keep_administrators() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    leaving bigint;
begin
    if tg_table_name = 'accounts_person' then
        if not old.is_active or new.is_active then
            return new;
        end if;
        leaving := new.id;
    else
        if old.role <> 'administrator' or old.ended_at is not null or new.ended_at is null then
            return new;
        end if;
        leaving := new.person_id;
    end if;
    perform from public.accounts_roleassignment r where r.role = 'administrator' and r.ended_at is null
    order by r.id for no key update;
    if exists (select from public.accounts_roleassignment r join public.accounts_person p on p.id = r.person_id
               where r.role = 'administrator' and r.ended_at is null and p.is_active and p.id = leaving)
       and (select count(distinct p.id) from public.accounts_roleassignment r
            join public.accounts_person p on p.id = r.person_id
            where r.role = 'administrator' and r.ended_at is null and p.is_active and p.id <> leaving) < 2 then
        raise exception 'fewer than two administrators would stay without person %', leaving
            using errcode = 'check_violation', hint = 'Give another person the role first.';
    end if;
    return new;
end $$;
create or replace trigger keep_administrators before update on accounts_person
    for each row execute function public.accounts_keep_administrators();
create or replace trigger keep_administrators before update on accounts_roleassignment
    for each row execute function public.accounts_keep_administrators();
alter table accounts_person enable always trigger keep_administrators;
alter table accounts_roleassignment enable always trigger keep_administrators;
"""
LET_GO = """
drop trigger keep_administrators on accounts_person;
drop trigger keep_administrators on accounts_roleassignment;
drop function public.accounts_keep_administrators();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_token_uses")]
    operations = [migrations.RunSQL(HOLD_ADMINISTRATORS, LET_GO)]
