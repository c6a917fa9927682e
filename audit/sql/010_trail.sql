-- The audit trail in the database: who may append, what is captured, what one transaction seals.
-- Applied by `manage.py bootstrap_database` as audit_owner; every statement may be run again.
--
-- entry          one business event, announced by a service through audit.record()
-- row_history    one row for each change of a governed row, written by the trigger audit.capture()
-- sealed_record  one transaction: its entries and the digests of its history rows = one Merkle leaf
-- subject_head   digest of each governed row as it stands now: "has it changed since?"
--
-- Every function names pg_temp last in its search path: left out, it would be searched FIRST, and a caller's
-- temporary table or type would stand in for the catalogue's.

create table if not exists audit.head (
    only_row  boolean primary key default true check (only_row),
    size      bigint not null,
    sealed_at timestamptz not null
);
insert into audit.head values (true, 0, '-infinity') on conflict do nothing;

-- A simulated clock belongs to the demo bank's history. Only audit_owner may set it.
create table if not exists audit.simulated_clock (
    only_row boolean primary key default true check (only_row),
    reads    timestamptz not null
);

create table if not exists audit.tx (txid bigint primary key);

create table if not exists audit.entry (
    id        bigint generated always as identity primary key,
    txid      bigint not null,
    event     text   not null check (event <> ''),
    subject   text   not null check (subject <> ''),
    trails    text[] not null,
    actor     text   not null,   -- person, by subject name; '' for the portal itself
    account   text   not null,
    through   text   not null,   -- page, api, worker, command, outside
    request   text   not null,
    body      bytea  not null,   -- canonical JSON of the event's data: these bytes are hashed
    digest    bytea  not null,   -- audit.entry_digest of all the above
    sealed_in bigint
);
-- Of the whole table: seal() asks for all entries of its transaction, sealed or not, at every commit.
create index if not exists entry_txid on audit.entry (txid);
create index if not exists entry_sealed_in on audit.entry (sealed_in);
create index if not exists entry_trails on audit.entry using gin (trails);
create index if not exists entry_subject on audit.entry (subject, id);
create index if not exists entry_event on audit.entry (event, id);

create table if not exists audit.row_history (
    id          bigint generated always as identity primary key,
    txid        bigint not null,
    table_name  text   not null,
    pk          text   not null,
    op          text   not null check (op in ('I', 'U', 'D')),
    subject     text   not null,
    trail       text   not null,
    body        bytea  not null,  -- the row as JSON text in UTF-8: these bytes are hashed
    body_sha256 bytea  not null,
    digest      bytea  not null,  -- over table, pk, op, subject, trail, database user and body_sha256
    db_user     text   not null,
    sealed_in   bigint
);
create index if not exists row_history_unsealed on audit.row_history (txid) where sealed_in is null;
create index if not exists row_history_sealed_in on audit.row_history (sealed_in);
-- With `sealed_in`, so that the last version of each row at a position is found without reading the rows.
create index if not exists row_history_versions on audit.row_history (table_name, pk, id) include (sealed_in);
drop index if exists audit.row_history_row;
create index if not exists row_history_trail on audit.row_history (trail, id);

create table if not exists audit.sealed_record (
    position  bigint primary key check (position >= 0),
    sealed_at timestamptz not null,
    txid      bigint not null,
    db_user   text   not null,
    body      bytea  not null,   -- the canonical record: these bytes are the Merkle leaf's input
    leaf_hash bytea  not null
);
create index if not exists sealed_record_at on audit.sealed_record (sealed_at);
create index if not exists sealed_record_leaf on audit.sealed_record (leaf_hash);

create table if not exists audit.subject_head (
    subject  text primary key,
    digest   bytea not null,     -- sha256 of the row's body; empty once the row is gone
    moved_by bigint not null     -- row_history.id
);

create table if not exists audit.governed (
    table_name   text primary key,
    subject      text not null,
    trail_column text not null,
    trail        text not null
);
alter table audit.governed add column if not exists without text[] not null default '{}';

-- Length-prefixed field: four bytes big-endian, then the bytes. No two lists of fields share bytes.
create or replace function audit.field(value bytea) returns bytea
language sql immutable strict parallel safe set search_path = pg_catalog, pg_temp
return int4send(octet_length(value)) || value;

create or replace function audit.field(value text) returns bytea
language sql immutable strict parallel safe set search_path = pg_catalog, pg_temp
return int4send(octet_length(convert_to(value, 'UTF8'))) || convert_to(value, 'UTF8');

create or replace function audit.clock() returns timestamptz
language sql volatile security definer set search_path = pg_catalog, pg_temp
return coalesce((select reads from audit.simulated_clock), clock_timestamp());

create or replace function audit.me() returns bigint
language sql stable set search_path = pg_catalog, pg_temp
return pg_current_xact_id()::text::bigint;

-- The sealed record holds this digest and not the entry's words, so that an export can show one model's
-- entries of a transaction that touched several.
create or replace function audit.entry_digest(
    event text, subject text, trails text[], actor text, account text, through text, request text, body bytea
) returns bytea
language sql stable parallel safe set search_path = pg_catalog, pg_temp
return sha256(
    audit.field('assay-entry-v1') || audit.field(event) || audit.field(subject)
    || audit.field(array_to_json(trails)::text) || audit.field(actor) || audit.field(account)
    || audit.field(through) || audit.field(request) || audit.field(body));

-- ---- announcing -----------------------------------------------------------------------------------
create or replace function audit.record(
    event text, subject text, trails text[], actor text, account text, through text, request text, body bytea
) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    entry_id  bigint;
    announces jsonb := convert_from(body, 'UTF8')::jsonb -> 'announces';
begin
    -- What is once sealed stays for good: an entry that nobody can read would spoil each page that shows it.
    if actor !~ '^([a-z_]+\.[a-z_]+:[0-9]+)?$' then
        raise exception 'an entry names its actor as accounts.person:7, or by nothing for the portal, not as %', actor;
    end if;
    if jsonb_typeof(convert_from(body, 'UTF8')::jsonb) <> 'object' then
        raise exception 'the data of an entry is a JSON object';
    end if;
    if jsonb_typeof(announces) <> 'array' or exists (
           select from jsonb_array_elements(case jsonb_typeof(announces) when 'array' then announces end) named
           where jsonb_typeof(named) <> 'string' or named #>> '{}' !~ '^[a-z_]+\.[a-z_]+:[0-9]+$') then
        raise exception 'an entry names the rows that it announces in a list, each as accounts.person:7';
    end if;
    insert into audit.entry (txid, event, subject, trails, actor, account, through, request, body, digest)
    values (audit.me(), event, subject, trails, actor, account, through, request, body,
            audit.entry_digest(event, subject, trails, actor, account, through, request, body))
    returning id into entry_id;
    insert into audit.tx values (audit.me()) on conflict do nothing;
    return entry_id;
end $$;

-- ---- capturing ------------------------------------------------------------------------------------
-- Trigger arguments: the subject's name ('inventory.model'), the column that names the trail
-- ('model_id', or '' where the row hangs on no trail), the trail's name ('inventory.model', or '' where
-- the column itself holds 'inventory.model:42'), and the columns that never enter the trail.
-- An update that moves only such columns leaves no row; one that moves nothing at all does, since that is how
-- audit.guards captures a row again.
-- Time zone, date style and float digits are fixed: the same row must give the same bytes in every session.
create or replace function audit.capture() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp set timezone = 'UTC' set datestyle = 'ISO, YMD' set intervalstyle = 'postgres'
set extra_float_digits = 1 set bytea_output = 'hex'
as $$
declare
    without    text[] := tg_argv[3:];
    row_json   jsonb := to_jsonb(case when tg_op = 'DELETE' then old else new end) - without;
    row_pk     text  := row_json ->> 'id';
    row_op     text  := left(tg_op, 1);
    row_body   bytea := convert_to(row_json::text, 'UTF8');
    row_sha256 bytea := sha256(row_body);
    row_subject text := tg_argv[0] || ':' || row_pk;
    row_trail  text  := coalesce(
        case tg_argv[2] when '' then '' else tg_argv[2] || ':' end || (row_json ->> nullif(tg_argv[1], '')), '');
    history_id bigint;
begin
    if tg_op = 'UPDATE' and (to_jsonb(old) ->> 'id') is distinct from row_pk then
        raise exception 'the id of a governed row never changes (% %)', tg_table_name, to_jsonb(old) ->> 'id';
    end if;
    if tg_op = 'UPDATE' and cardinality(without) > 0 and old is distinct from new
       and to_jsonb(old) - without = row_json then
        return null;
    end if;
    insert into audit.row_history (txid, table_name, pk, op, subject, trail, body, body_sha256, digest, db_user)
    values (
        audit.me(), tg_table_name, row_pk, row_op, row_subject, row_trail, row_body, row_sha256,
        sha256(audit.field('assay-row-v1') || audit.field(tg_table_name::text) || audit.field(row_pk)
               || audit.field(row_op) || audit.field(row_subject) || audit.field(row_trail)
               || audit.field(session_user::text) || row_sha256),
        session_user
    ) returning id into history_id;
    insert into audit.subject_head values (row_subject, case when tg_op = 'DELETE' then '' else row_sha256 end, history_id)
    on conflict (subject) do update set digest = excluded.digest, moved_by = excluded.moved_by;
    insert into audit.tx values (audit.me()) on conflict do nothing;
    return null;
end $$;

-- ---- holding --------------------------------------------------------------------------------------
-- The heads of `subjects` as they stand, held until the caller's transaction ends: whoever would move one waits.
-- In one order, so that two callers never wait for each other. `app` may not lock the table itself.
create or replace function audit.hold_subjects(subjects text[]) returns table (subject text, digest bytea)
language sql volatile strict security definer set search_path = pg_catalog, pg_temp
begin atomic
    select h.subject, h.digest from audit.subject_head h where h.subject = any (subjects)
    order by h.subject collate "C" for share;
end;

-- ---- sealing --------------------------------------------------------------------------------------
-- Fires at commit, once for each row in audit.tx. All bytes that do not need the position are made
-- before the lock (the update of audit.head) is taken: the lock is held from there to the commit.
-- A row counts as announced where an entry of its transaction names it: as its subject, or under `announces` in its
-- body. That it hangs on a trail on which something else was announced does not count. A kind as a whole
-- ('inventory.model') is announced by audit.guards alone, after a migration, and never for the portal's own role.
create or replace function audit.seal() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp set timezone = 'UTC' set datestyle = 'ISO, YMD'
as $$
declare
    entry_count integer;
    entry_bytes bytea;
    row_count   integer;
    row_bytes   bytea;
    place       bigint;
    sealed      timestamptz;
    record_body bytea;
begin
    insert into audit.entry (txid, event, subject, trails, actor, account, through, request, body, digest)
    select new.txid, 'audit.outside_portal', o.subject, o.trails, '', '', 'outside', '', o.body,
           audit.entry_digest('audit.outside_portal', o.subject, o.trails, '', '', 'outside', '', o.body)
    from (
        with announced (subject) as (
            select e.subject from audit.entry e where e.txid = new.txid
            union
            select jsonb_array_elements_text(convert_from(e.body, 'UTF8')::jsonb -> 'announces')
            from audit.entry e where e.txid = new.txid
        ), captured_again (kind) as (
            select e.subject from audit.entry e
            where e.txid = new.txid and e.event in ('audit.columns_changed', 'audit.table_governed')
        )
        select coalesce(nullif(h.trail, ''), min(h.subject)) as subject,
               array_remove(array[h.trail], '') as trails,
               convert_to(json_build_object(
                   'database_user', session_user, 'rows', count(*), 'tables', json_agg(distinct h.table_name)
               )::text, 'UTF8') as body
        from audit.row_history h
        where h.txid = new.txid and h.sealed_in is null
          and h.subject not in (select a.subject from announced a)
          and (h.db_user = 'app' or split_part(h.subject, ':', 1) not in (select c.kind from captured_again c))
        group by h.trail, case when h.trail = '' then h.subject end
    ) o
    order by o.subject;

    select count(*), coalesce(string_agg(digest, ''::bytea order by id), '')
    into entry_count, entry_bytes
    from audit.entry where txid = new.txid and sealed_in is null;

    select count(*), coalesce(string_agg(digest, ''::bytea order by id), '')
    into row_count, row_bytes
    from audit.row_history where txid = new.txid and sealed_in is null;

    if entry_count + row_count > 0 then
        update audit.head set size = size + 1, sealed_at = greatest(audit.clock(), sealed_at)
        returning size - 1, sealed_at into place, sealed;
        record_body := audit.field('assay-sealed-record-v1') || int8send(place)
            || audit.field(to_char(sealed, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) || audit.field(session_user::text)
            || int4send(entry_count) || entry_bytes || int4send(row_count) || row_bytes;
        insert into audit.sealed_record values (
            place, sealed, new.txid, session_user, record_body, sha256('\x00'::bytea || record_body));
        update audit.entry set sealed_in = place where txid = new.txid and sealed_in is null;
        update audit.row_history set sealed_in = place where txid = new.txid and sealed_in is null;
    end if;
    delete from audit.tx where txid = new.txid;
    return null;
end $$;

do $$ begin
    if not exists (select from pg_trigger where tgrelid = 'audit.tx'::regclass and tgname = 'seal') then
        create constraint trigger seal after insert on audit.tx
            deferrable initially deferred for each row execute function audit.seal();
        alter table audit.tx enable always trigger seal;
    end if;
end $$;

-- ---- append-only ----------------------------------------------------------------------------------
create or replace function audit.refuse() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    raise exception 'audit.% is append-only: % is refused', tg_table_name, tg_op
        using errcode = 'insufficient_privilege', hint = 'A record is corrected by adding a new one.';
end $$;

-- entry and row_history learn once in which sealed record they are; nothing else of them ever changes.
create or replace function audit.refuse_but_sealing() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'UPDATE' and old.sealed_in is null and new.sealed_in is not null then
        old.sealed_in := new.sealed_in;
        if old is not distinct from new then  -- as rows: as JSON it cost half of a seal of 10,000 rows
            return new;
        end if;
    end if;
    raise exception 'audit.% is append-only: % is refused', tg_table_name, tg_op
        using errcode = 'insufficient_privilege', hint = 'A record is corrected by adding a new one.';
end $$;

-- The head moves one record at a time and never back in time.
create or replace function audit.hold_head() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'UPDATE' and new.size = old.size + 1 and new.sealed_at >= old.sealed_at then
        return new;
    end if;
    raise exception 'audit.head only moves forward, by one record: % is refused', tg_op
        using errcode = 'insufficient_privilege';
end $$;

-- ---- what governed rows may do ----------------------------------------------------------------------
-- BEFORE UPDATE: the column named first moves only along the edges that follow ('from>to').
create or replace function audit.hold_transitions() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    was text := to_jsonb(old) ->> tg_argv[0];
    is_ text := to_jsonb(new) ->> tg_argv[0];
begin
    if was is distinct from is_ and ((was || '>' || is_) = any (tg_argv)) is not true then  -- null is no state
        raise exception '% of % % cannot go from % to %', tg_argv[0], tg_table_name, to_jsonb(new) ->> 'id', was, is_
            using errcode = 'check_violation', hint = 'docs/states.md lists the transitions that exist.';
    end if;
    return new;
end $$;

-- BEFORE UPDATE: the named columns never change once the row is there.
create or replace function audit.hold_columns() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    name text;
begin
    foreach name in array tg_argv loop
        if to_jsonb(old) -> name is distinct from to_jsonb(new) -> name then
            raise exception '% of % % never changes', name, tg_table_name, to_jsonb(new) ->> 'id'
                using errcode = 'check_violation', hint = 'A record is corrected by adding a new one.';
        end if;
    end loop;
    return new;
end $$;

-- BEFORE UPDATE: the column named first goes from empty to a value once, those that follow in the same step or never.
create or replace function audit.hold_once_set() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    name text;
begin
    if coalesce(to_jsonb(old) ->> tg_argv[0], '') = '' and coalesce(to_jsonb(new) ->> tg_argv[0], '') <> '' then
        return new;
    end if;
    foreach name in array tg_argv loop
        if to_jsonb(old) -> name is distinct from to_jsonb(new) -> name then
            raise exception '% of % % is set once, together with %',
                name, tg_table_name, to_jsonb(new) ->> 'id', array_to_string(tg_argv, ', ')
                using errcode = 'check_violation', hint = 'A record is corrected by adding a new one.';
        end if;
    end loop;
    return new;
end $$;

-- BEFORE UPDATE: a row whose column named first holds the value that follows is read-only from then on. An update
-- that changes nothing passes: so audit.guards captures a row again after a migration.
create or replace function audit.hold_rows() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if to_jsonb(old) ->> tg_argv[0] = tg_argv[1] and old is distinct from new then
        raise exception '% % is % and read-only', tg_table_name, to_jsonb(old) ->> 'id', tg_argv[1]
            using errcode = 'check_violation', hint = 'The record stays as it ended.';
    end if;
    return new;
end $$;
