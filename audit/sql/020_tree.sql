-- The Merkle tree over sealed_record, its checkpoints, and what guards the tables.

create table if not exists audit.node (
    level integer not null check (level >= 1),
    index bigint  not null check (index >= 0),
    hash  bytea   not null,
    primary key (level, index)
);

create table if not exists audit.checkpoint (
    id        bigint generated always as identity primary key,
    size      bigint not null,
    root      bytea  not null,
    triggers  bytea  not null,   -- audit.trigger_digest() when it was signed
    signed_at timestamptz not null default clock_timestamp(),
    note      text   not null    -- the whole C2SP signed note, without cosignatures
);
create index if not exists checkpoint_size on audit.checkpoint (size, id);

create table if not exists audit.cosignature (
    id            bigint generated always as identity primary key,
    checkpoint_id bigint not null references audit.checkpoint,
    witness       text not null,
    line          text not null,
    received_at   timestamptz not null default clock_timestamp(),
    unique (checkpoint_id, witness)
);

-- Completes every pair of siblings below `upto` leaves, level by level. RFC 6962: sha256(0x01, left, right).
create or replace function audit.build_nodes(upto bigint) returns bigint
language plpgsql security definer set search_path = pg_catalog as $$
declare
    at_level  integer := 1;
    first     bigint;
    last      bigint;
    built     bigint := 0;
begin
    perform pg_advisory_xact_lock(hashtext('audit.build_nodes'));
    loop
        last := upto >> at_level;
        exit when last = 0;
        select coalesce(max(index) + 1, 0) into first from audit.node where level = at_level;
        if first < last and at_level = 1 then
            insert into audit.node
            select 1, l.position / 2, sha256('\x01'::bytea || l.leaf_hash || r.leaf_hash)
            from audit.sealed_record l join audit.sealed_record r on r.position = l.position + 1
            where l.position >= first * 2 and l.position < last * 2 and l.position % 2 = 0;
        elsif first < last then
            insert into audit.node
            select at_level, l.index / 2, sha256('\x01'::bytea || l.hash || r.hash)
            from audit.node l join audit.node r on r.level = l.level and r.index = l.index + 1
            where l.level = at_level - 1 and l.index >= first * 2 and l.index < last * 2 and l.index % 2 = 0;
        end if;
        built := built + greatest(last - first, 0);
        at_level := at_level + 1;
    end loop;
    return built;
end $$;

-- What guards the trail, as one digest: every trigger of the governed and the audit tables, whether it is
-- enabled, and the text of its function. A dropped, disabled or rewritten one changes the next checkpoint.
create or replace function audit.trigger_digest() returns bytea
language sql stable security definer set search_path = pg_catalog
return (
    select sha256(coalesce(string_agg(
        audit.field(n.nspname || '.' || c.relname) || audit.field(t.tgname::text) || audit.field(t.tgenabled::text)
        || audit.field(pg_get_triggerdef(t.oid)) || audit.field(pg_get_functiondef(t.tgfoid)), ''::bytea
        order by n.nspname collate "C", c.relname collate "C", t.tgname collate "C"), ''))
    from pg_trigger t
    join pg_class c on c.oid = t.tgrelid
    join pg_namespace n on n.oid = c.relnamespace
    where not t.tgisinternal
      and (n.nspname = 'audit' or (n.nspname = 'public' and c.relname in (select table_name from audit.governed))));

-- Governed tables whose capture trigger is missing or not ENABLE ALWAYS.
create or replace function audit.unguarded() returns setof text
language sql stable security definer set search_path = pg_catalog
begin atomic
    select g.table_name from audit.governed g
    where not exists (
        select from pg_trigger t join pg_class c on c.oid = t.tgrelid
        where c.relnamespace = 'public'::regnamespace and c.relname = g.table_name
          and t.tgname = 'audit_capture' and t.tgenabled = 'A');
end;

create or replace function audit.file_checkpoint(size bigint, root bytea, triggers bytea, note text) returns bigint
language plpgsql security definer set search_path = pg_catalog as $$
declare
    filed bigint;
begin
    if size < coalesce((select max(c.size) from audit.checkpoint c), 0) then
        raise exception 'a checkpoint of % records would be smaller than the last one', size;
    end if;
    insert into audit.checkpoint (size, root, triggers, note) values (size, root, triggers, note)
    returning id into filed;
    return filed;
end $$;

create or replace function audit.file_cosignature(checkpoint_id bigint, witness text, line text) returns void
language sql security definer set search_path = pg_catalog
begin atomic
    insert into audit.cosignature (checkpoint_id, witness, line) values (checkpoint_id, witness, line)
    on conflict do nothing;
end;

-- ---- governing a table: called by the migrator, who owns the tables but not the trail --------------
create or replace function audit.register_governed(table_name text, subject text, trail_column text, trail text)
returns void
language sql security definer set search_path = pg_catalog
begin atomic
    insert into audit.governed values (table_name, subject, trail_column, trail)
    on conflict (table_name) do update
    set subject = excluded.subject, trail_column = excluded.trail_column, trail = excluded.trail;
end;

do $$
declare
    name text;
begin
    foreach name in array array['sealed_record', 'node', 'checkpoint', 'cosignature'] loop
        execute format('create or replace trigger append_only before update or delete on audit.%I
                        for each row execute function audit.refuse()', name);
        execute format('create or replace trigger no_truncate before truncate on audit.%I
                        for each statement execute function audit.refuse()', name);
        execute format('alter table audit.%I enable always trigger append_only', name);
        execute format('alter table audit.%I enable always trigger no_truncate', name);
    end loop;
    foreach name in array array['entry', 'row_history'] loop
        execute format('create or replace trigger append_only before update or delete on audit.%I
                        for each row execute function audit.refuse_but_sealing()', name);
        execute format('create or replace trigger no_truncate before truncate on audit.%I
                        for each statement execute function audit.refuse()', name);
        execute format('alter table audit.%I enable always trigger append_only', name);
        execute format('alter table audit.%I enable always trigger no_truncate', name);
    end loop;
end $$;

-- ---- who may what ----------------------------------------------------------------------------------
grant usage on schema audit to migrator, app;
revoke all on all tables in schema audit from public, app, migrator;
grant select on all tables in schema audit to app, migrator;
revoke all on all functions in schema audit from public;
grant execute on function audit.field(bytea), audit.field(text), audit.clock(), audit.me(),
    audit.entry_digest(text, text, text[], text, text, text, text, bytea) to app, migrator;
grant execute on function audit.record(text, text, text[], text, text, text, text, bytea) to app, migrator;
grant execute on function audit.trigger_digest(), audit.unguarded() to app, migrator;
grant execute on function audit.build_nodes(bigint), audit.file_checkpoint(bigint, bytea, bytea, text),
    audit.file_cosignature(bigint, text, text) to app;
grant execute on function audit.register_governed(text, text, text, text), audit.capture(), audit.refuse(),
    audit.hold_transitions(), audit.hold_columns() to migrator;
