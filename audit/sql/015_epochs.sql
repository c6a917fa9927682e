-- Epochs of the log. Each has one signing key and one tree that only grew; a new one begins where the key is replaced,
-- or where the database was restored from a backup and records were lost. Epoch 1 began with the log and has no row.

create table if not exists audit.epoch (
    number           bigint primary key check (number >= 2),
    reason           text   not null check (reason in ('rotation', 'restore')),
    key              text   not null unique,  -- verifier key (origin+hash+base64) of the epoch that began
    old_key          text   not null,         -- of the epoch that ended
    old_size         bigint not null,         -- its last checkpoint
    old_root         bytea  not null,
    kept_size        bigint not null check (kept_size >= 0),  -- up to here the tree went on
    kept_root        bytea  not null,
    asked_by         text   not null check (asked_by ~ '^accounts\.person:[0-9]+$'),
    accepted_by      text   not null check (accepted_by ~ '^accounts\.person:[0-9]+$'),
    after_checkpoint bigint not null,         -- id of the newest checkpoint when it began
    begun_at         timestamptz not null default clock_timestamp(),
    note             text   not null,         -- the whole C2SP signed note
    check (asked_by <> accepted_by),
    check (key <> old_key),
    check (kept_size <= old_size and (reason = 'rotation') = (kept_size = old_size))
);

-- As with checkpoints: it takes nothing on trust but the signatures, which only the keys' holders can make. The lock
-- keeps checkpoints out meanwhile, so that none by the old key comes in behind.
-- What a restore lost may hold epochs too: filed again, such a one kept more than there is now, and is not compared.
create or replace function audit.begin_epoch(
    number bigint, reason text, old_key text, old_size bigint, old_root bytea, kept_size bigint, kept_root bytea,
    key text, asked_by text, accepted_by text, note text
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    in_force text;
    said     text := concat_ws(E'\n', 'assay-epoch-v1', 'number ' || number, 'reason ' || reason,
        'old-key ' || old_key, 'old-size ' || old_size, 'old-root ' || encode(old_root, 'base64'),
        'kept-size ' || kept_size, 'kept-root ' || encode(kept_root, 'base64'), 'new-key ' || key,
        'asked-by ' || asked_by, 'accepted-by ' || accepted_by) || E'\n\n';
begin
    lock table audit.checkpoint in share row exclusive mode;
    if number <> coalesce((select max(e.number) from audit.epoch e), 1) + 1 then
        raise exception 'epoch % does not follow the one in force', number;
    end if;
    select e.key into in_force from audit.epoch e order by e.number desc limit 1;
    if old_key <> in_force then
        raise exception 'epoch % names another key than the one in force', number;
    end if;
    if kept_size > 0 and kept_size <= (select h.size from audit.head h)
       and kept_root is distinct from audit.stored_root(kept_size) then
        raise exception 'the root of % records is not that of the stored tree', kept_size;
    end if;
    if reason = 'rotation' and old_size < (select max(c.size) from audit.checkpoint c) then
        raise exception 'a checkpoint was signed since: epoch % would leave it out', number;
    end if;
    if not starts_with(note, said)
       or substr(note, length(said) + 1) !~ '^(— [^ \n]+ [A-Za-z0-9+/]+=*\n){1,2}$' then
        raise exception 'the note does not say what is filed, with one signature or two';
    end if;
    insert into audit.epoch values (
        number, reason, key, old_key, old_size, old_root, kept_size, kept_root, asked_by, accepted_by,
        (select coalesce(max(c.id), 0) from audit.checkpoint c), clock_timestamp(), note);
end $$;

-- BEFORE INSERT on audit.checkpoint: once an epoch began, none but its key signs. Of the key its hash is compared,
-- which stands in the signature line; whether it signed, the verifiers say.
create or replace function audit.hold_epoch() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    in_force text;
begin
    select split_part(e.key, '+', 2) into in_force from audit.epoch e order by e.number desc limit 1;
    if in_force <> encode(substr(decode(substring(new.note from '([A-Za-z0-9+/]+=*)\n$'), 'base64'), 1, 4), 'hex') then
        raise exception 'a new epoch of the log began: its key % signs, no other', in_force
            using errcode = 'check_violation';
    end if;
    return new;
end $$;
