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
    unique (checkpoint_id, line)  -- not (checkpoint_id, witness): a false one must not keep the true one out
);

-- Completes every pair of siblings below `upto` leaves, level by level. RFC 6962: sha256(0x01, left, right).
-- Builders queue on a table lock, which needs this function's rights: an advisory lock could be taken, and
-- kept, by anyone who may connect.
create or replace function audit.build_nodes(upto bigint) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    at_level  integer := 1;
    first     bigint;
    last      bigint;
    built     bigint := 0;
begin
    if upto < 0 or upto > (select size from audit.head) then
        raise exception 'there are no % sealed records to build nodes over', upto;
    end if;
    lock table audit.node in share row exclusive mode;
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
language sql stable security definer set search_path = pg_catalog, pg_temp
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

-- What ought to guard the trail and does not: triggers that are missing, lead to another function, are not ENABLE
-- ALWAYS, or capture with other arguments than the table is governed with; and any other trigger of these tables
-- that somebody disabled.
drop function if exists audit.unguarded();
create function audit.unguarded() returns table (table_name text, trigger_name text)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    with found as (
        select case n.nspname when 'public' then '' else n.nspname || '.' end || c.relname as on_table,
               t.tgname::text as name, t.tgenabled as enabled, t.tgfoid as function, t.tgargs as arguments
        from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
        where not t.tgisinternal and n.nspname in ('public', 'audit')
    ), wanted (on_table, name, function, arguments) as (
        select g.table_name, 'audit_capture', 'audit.capture()'::regprocedure, (
            select string_agg(convert_to(part, 'UTF8') || '\x00'::bytea, ''::bytea order by place)
            from unnest(array[g.subject, g.trail_column, g.trail] || g.without) with ordinality p (part, place))
        from audit.governed g
        union all
        select g.table_name, 'audit_no_truncate', 'audit.refuse()'::regprocedure, ''::bytea
        from audit.governed g
        union all
        select 'audit.' || t.name, w.name, w.function, ''::bytea
        from (values ('sealed_record'), ('node'), ('checkpoint'), ('cosignature'), ('epoch')) t (name),
             (values ('append_only', 'audit.refuse()'::regprocedure), ('no_truncate', 'audit.refuse()')) w (name, function)
        union all
        select 'audit.' || t.name, w.name, w.function, ''::bytea
        from (values ('entry'), ('row_history')) t (name),
             (values ('append_only', 'audit.refuse_but_sealing()'::regprocedure),
                     ('no_truncate', 'audit.refuse()')) w (name, function)
        union all
        values ('audit.tx', 'seal', 'audit.seal()'::regprocedure, ''::bytea),
               ('audit.head', 'hold_head', 'audit.hold_head()', ''),
               ('audit.checkpoint', 'hold_epoch', 'audit.hold_epoch()', '')
    )
    select w.on_table, w.name from wanted w
    where not exists (
        select from found f
        where f.on_table = w.on_table and f.name = w.name and f.enabled = 'A' and f.function = w.function
          and f.arguments = w.arguments)
    union
    select f.on_table, f.name from found f
    where f.enabled = 'D' and f.on_table in (select w.on_table from wanted w)
    order by 1, 2;
end;

-- Root of the first `upto` records, from stored nodes: the complete subtrees that tile them, right to left.
create or replace function audit.stored_root(upto bigint) returns bytea
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    piece bytea;
    root  bytea;
begin
    for at_level in 0..62 loop
        continue when (upto >> at_level) & 1 = 0;
        if at_level = 0 then
            select leaf_hash into strict piece from audit.sealed_record where position = upto - 1;
        else
            select hash into strict piece from audit.node where level = at_level and index = (upto >> at_level) - 1;
        end if;
        root := case when root is null then piece else sha256('\x01'::bytea || piece || root) end;
    end loop;
    return root;
end $$;

-- Whoever holds the app role may call this, so it takes nothing on trust but the signature, which only the key's
-- holder can make; the checkpointer signs again over a note that is not its own.
create or replace function audit.file_checkpoint(size bigint, root bytea, triggers bytea, note text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    filed bigint;
begin
    if size < coalesce((select max(c.size) from audit.checkpoint c), 0) then
        raise exception 'a checkpoint of % records would be smaller than the last one', size;
    end if;
    if size < 1 or size > (select h.size from audit.head h) then
        raise exception 'a checkpoint of % records cannot be: the log does not have them', size;
    end if;
    if root is distinct from audit.stored_root(size) then
        raise exception 'the root of % records is not that of the stored tree', size;
    end if;
    if note !~ '^[^\n]+\n[0-9]+\n[^\n]+\n([^\n]+\n)*\n— [^ \n]+ [A-Za-z0-9+/]+=*\n$'
       or split_part(note, E'\n', 2) <> size::text or split_part(note, E'\n', 3) <> encode(root, 'base64') then
        raise exception 'the note does not say what is filed: origin, %, its root, one signature', size;
    end if;
    insert into audit.checkpoint (size, root, triggers, note) values (size, root, triggers, note)
    returning id into filed;
    return filed;
end $$;

create or replace function audit.file_cosignature(checkpoint_id bigint, witness text, line text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if line !~ '^— [^ \n]+ [A-Za-z0-9+/]+=*\n$' or split_part(line, ' ', 2) <> witness then
        raise exception 'a cosignature is one line, "— NAME BASE64", by the witness that it is filed for';
    end if;
    insert into audit.cosignature (checkpoint_id, witness, line) values (checkpoint_id, witness, line)
    on conflict do nothing;
end $$;

-- ---- governing a table: called by the migrator, who owns the tables but not the trail --------------
drop function if exists audit.register_governed(text, text, text, text);
create or replace function audit.register_governed(
    table_name text, subject text, trail_column text, trail text, without text[]
) returns boolean  -- whether the table was not governed before
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    was_governed boolean := exists (select from audit.governed g where g.table_name = register_governed.table_name);
begin
    insert into audit.governed values (table_name, subject, trail_column, trail, without)
    on conflict on constraint governed_pkey do update
    set subject = excluded.subject, trail_column = excluded.trail_column, trail = excluded.trail,
        without = excluded.without;
    return not was_governed;
end $$;

do $$
declare
    name text;
begin
    foreach name in array array['sealed_record', 'node', 'checkpoint', 'cosignature', 'epoch'] loop
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
    create or replace trigger hold_head before update or delete on audit.head
        for each row execute function audit.hold_head();
    alter table audit.head enable always trigger hold_head;
    create or replace trigger hold_epoch before insert on audit.checkpoint
        for each row execute function audit.hold_epoch();
    alter table audit.checkpoint enable always trigger hold_epoch;
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
grant execute on function audit.hold_subjects(text[]) to app;
grant execute on function audit.build_nodes(bigint), audit.file_checkpoint(bigint, bytea, bytea, text),
    audit.file_cosignature(bigint, text, text) to app;
grant execute on function audit.begin_epoch(bigint, text, text, bigint, bytea, bigint, bytea, text, text, text, text)
    to app;
grant execute on function audit.register_governed(text, text, text, text, text[]), audit.capture(), audit.refuse(),
    audit.hold_transitions(), audit.hold_columns(), audit.hold_once_set(), audit.hold_rows() to migrator;
