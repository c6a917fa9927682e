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

-- What guards the trail, each guard in words: what a table of the trail or a governed one refuses, and what the
-- portal's role may. Names, never numbers of the catalogue: the same guards give the same words in a database that
-- was put back. Kinds:
--   trigger     with whether it is enabled, and the text of its function
--   constraint  of every kind: check, unique, exclusion, key, reference; and whether the rows were held against it
--   index       unique ones, of which not all are a constraint's; and rules, which may do something else instead
--   function    of the trail, and every other that runs with its owner's rights
--   grant       on tables, columns, schemas and functions, to `app` or to everybody
--   owner       of a table or function: it may do whatever it likes; and what the roles themselves may
create or replace function audit.guards() returns table (kind text, place text, name text, says text)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    with guarded as (
        select c.oid, c.relowner, c.relacl, n.nspname || '.' || c.relname as place
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p')
          and (n.nspname = 'audit' or (n.nspname = 'public' and c.relname in (select g.table_name from audit.governed g)))
    ), functions as (
        select p.oid, p.proowner, p.proacl, n.nspname || '.' || p.proname as place,
               pg_get_function_identity_arguments(p.oid) as arguments
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where p.prokind in ('f', 'p')
          and (n.nspname = 'audit' or (p.prosecdef and n.nspname not in ('pg_catalog', 'information_schema')))
    ), granted (place, name, acl) as (
        select place, '', coalesce(relacl, acldefault('r', relowner)) from guarded
        union all
        select g.place, a.attname, a.attacl from guarded g join pg_attribute a on a.attrelid = g.oid
        where a.attacl is not null and not a.attisdropped
        union all
        select place, arguments, coalesce(proacl, acldefault('f', proowner)) from functions
        union all
        select nspname, '', coalesce(nspacl, acldefault('n', nspowner)) from pg_namespace
        where nspname in ('audit', 'public')
    )
    select 'trigger', g.place, t.tgname::text,
           t.tgenabled::text || ' ' || pg_get_triggerdef(t.oid) || ' ' || pg_get_functiondef(t.tgfoid)
    from pg_trigger t join guarded g on g.oid = t.tgrelid where not t.tgisinternal
    union all
    select 'constraint', g.place, c.conname::text, c.convalidated || ' ' || pg_get_constraintdef(c.oid)
    from pg_constraint c join guarded g on g.oid = c.conrelid where c.contype <> 't'
    union all
    select 'index', g.place, x.relname::text, i.indisvalid || ' ' || pg_get_indexdef(i.indexrelid)
    from pg_index i join guarded g on g.oid = i.indrelid join pg_class x on x.oid = i.indexrelid where i.indisunique
    union all
    select 'rule', g.place, r.rulename::text, r.ev_enabled::text || ' ' || pg_get_ruledef(r.oid)
    from pg_rewrite r join guarded g on g.oid = r.ev_class
    union all
    select 'function', f.place, f.arguments, pg_get_functiondef(f.oid) from functions f
    union all
    select 'grant', g.place, g.name,
           case a.grantee when 0 then 'public' else pg_get_userbyid(a.grantee) end || ' ' || a.privilege_type
           || case when a.is_grantable then ' and may grant it' else '' end
    from granted g, aclexplode(g.acl) a where a.grantee = 0 or pg_get_userbyid(a.grantee) = 'app'
    union all
    select 'owner', o.place, o.name, pg_get_userbyid(o.owner)
    from (select place, '', relowner from guarded union all select place, arguments, proowner from functions)
         o (place, name, owner)
    union all
    select 'role', r.rolname::text, '', format('superuser %s, creates roles %s, bypasses row security %s, replicates %s',
           r.rolsuper, r.rolcreaterole, r.rolbypassrls, r.rolreplication)
    from pg_roles r where r.rolname in ('app', 'migrator', 'audit_owner')
    union all
    select 'role', pg_get_userbyid(m.member), pg_get_userbyid(m.roleid), 'is a member'
    from pg_auth_members m where pg_get_userbyid(m.member) in ('app', 'migrator', 'audit_owner');
end;

-- The guards as one digest: any that was dropped, disabled, added or rewritten changes the next checkpoint.
create or replace function audit.trigger_digest() returns bytea
language sql stable security definer set search_path = pg_catalog, pg_temp
return (
    select sha256(coalesce(string_agg(
        audit.field(g.kind) || audit.field(g.place) || audit.field(g.name) || audit.field(g.says), ''::bytea
        order by g.kind collate "C", g.place collate "C", g.name collate "C", g.says collate "C"), ''))
    from audit.guards() g);

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
grant execute on function audit.guards(), audit.trigger_digest(), audit.unguarded() to app, migrator;
grant execute on function audit.hold_subjects(text[]) to app;
grant execute on function audit.build_nodes(bigint), audit.file_checkpoint(bigint, bytea, bytea, text),
    audit.file_cosignature(bigint, text, text) to app;
grant execute on function audit.begin_epoch(bigint, text, text, bigint, bytea, bigint, bytea, text, text, text, text)
    to app;
grant execute on function audit.register_governed(text, text, text, text, text[]), audit.capture(), audit.refuse(),
    audit.hold_transitions(), audit.hold_columns(), audit.hold_once_set(), audit.hold_rows() to migrator;
