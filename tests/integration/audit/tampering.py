"""What a superuser can do to the log, in SQL, with the guards switched off: each kind by its name.

Every one is done after a checkpoint that somebody outside keeps (a receipt), and before the next, so that the portal
goes on, rebuilds its tree where it must, and signs with its own key what it finds.
"""

import contextlib
import struct
from collections.abc import Callable

import psycopg

from audit import effects, verifier

VICTIM = 2  # position of the record that is tampered with; the log holds 0..5
GUARDED = ("entry", "row_history", "sealed_record", "node", "checkpoint", "cosignature", "head")

Tamper = Callable[[psycopg.Connection], None]
TAMPERING: dict[str, Tamper] = {}


def named(name: str):
    def keep(function: Tamper) -> Tamper:
        TAMPERING[name] = function
        return function

    return keep


@contextlib.contextmanager
def guards_off(superuser: psycopg.Connection):
    """Disable every trigger of the log, and enable them again as they were."""
    with superuser.transaction():
        for table in GUARDED:
            superuser.execute(f"alter table audit.{table} disable trigger all")
        yield
        for table in GUARDED:
            superuser.execute(f"alter table audit.{table} enable trigger all")
            for (name,) in superuser.execute(
                "select tgname from pg_trigger where tgrelid = %s::regclass and not tgisinternal", [f"audit.{table}"]
            ).fetchall():
                superuser.execute(f"alter table audit.{table} enable always trigger {name}")


def forge(superuser, position: int, *, sealed_at: str | None = None, place: int | None = None) -> None:
    """Write record `position` anew from its entries and rows as they stand now, with a leaf that fits."""
    body = record_at(superuser, position)
    parsed = verifier.parse_record(body)
    entries, rows = (
        [
            bytes(d)
            for (d,) in superuser.execute(f"select digest from audit.{t} where sealed_in = %s order by id", [position])
        ]
        for t in ("entry", "row_history")
    )
    body = (
        verifier.field(verifier.RECORD_FORMAT)
        + struct.pack(">q", position if place is None else place)
        + verifier.field(sealed_at or parsed["sealed_at"])
        + verifier.field(parsed["db_user"])
        + struct.pack(">i", len(entries))
        + b"".join(entries)
        + struct.pack(">i", len(rows))
        + b"".join(rows)
    )
    superuser.execute(
        "update audit.sealed_record set body = %s, leaf_hash = %s, sealed_at = %s::timestamptz where position = %s",
        [body, verifier.leaf_hash(body), sealed_at or parsed["sealed_at"], position],
    )


def record_at(superuser, position: int) -> bytes:
    return superuser.execute("select body from audit.sealed_record where position = %s", [position]).fetchone()[0]


def move(superuser, position: int, to: int) -> None:
    for table in ("entry", "row_history"):
        superuser.execute(f"update audit.{table} set sealed_in = %s where sealed_in = %s", [to, position])
    superuser.execute("update audit.sealed_record set position = %s where position = %s", [to, position])


def drop_from(superuser, position: int) -> None:
    for table in ("entry", "row_history"):
        superuser.execute(f"delete from audit.{table} where sealed_in >= %s", [position])
    superuser.execute("delete from audit.sealed_record where position >= %s", [position])
    superuser.execute("update audit.head set size = %s", [position])


def forget_signatures(superuser) -> None:
    """Nodes and checkpoints go, so that the portal builds and signs them again over what is there."""
    for table in ("cosignature", "checkpoint", "node"):
        superuser.execute(f"delete from audit.{table}")


ENTRY_ANEW = """
    update audit.entry set digest = audit.entry_digest(event, subject, trails, actor, account, through, request, body)
    where sealed_in = %s
"""
ROW_ANEW = """
    update audit.row_history set body_sha256 = sha256(body), digest = sha256(
        audit.field('assay-row-v1') || audit.field(table_name) || audit.field(pk) || audit.field(op)
        || audit.field(subject) || audit.field(trail) || audit.field(db_user) || sha256(body))
    where sealed_in = %s
"""
EDIT_ENTRY = "update audit.entry set body = convert_to('{\"name\":\"forged\"}', 'UTF8') where sealed_in = %s"
EDIT_ROW = "update audit.row_history set body = body || convert_to(' ', 'UTF8') where sealed_in = %s"


@named("edit an entry")
def edit_entry(superuser):
    superuser.execute(EDIT_ENTRY, [VICTIM])


@named("edit an entry and its digest")
def edit_entry_and_digest(superuser):
    superuser.execute(EDIT_ENTRY, [VICTIM])
    superuser.execute(ENTRY_ANEW, [VICTIM])


@named("name another actor")
def name_another_actor(superuser):
    superuser.execute("update audit.entry set actor = 'accounts.person:666' where sealed_in = %s", [VICTIM])


@named("edit a row's bytes")
def edit_row(superuser):
    superuser.execute(EDIT_ROW, [VICTIM])


@named("edit a row's bytes and digests")
def edit_row_and_digests(superuser):
    superuser.execute(EDIT_ROW, [VICTIM])
    superuser.execute(ROW_ANEW, [VICTIM])


@named("move a row to another trail")
def move_row_to_another_trail(superuser):
    superuser.execute("update audit.row_history set trail = 'accounts.unit:666' where sealed_in = %s", [VICTIM])


@named("delete an entry")
def delete_entry(superuser):
    superuser.execute("delete from audit.entry where sealed_in = %s", [VICTIM])


@named("delete a row's change")
def delete_row(superuser):
    superuser.execute("delete from audit.row_history where sealed_in = %s", [VICTIM])


@named("insert a forged entry into an old record")
def insert_entry(superuser):
    superuser.execute(
        "insert into audit.entry"
        " (txid, event, subject, trails, actor, account, through, request, body, digest, sealed_in)"
        " select txid, 'accounts.unit_closed', subject, trails, actor, account, through, request, body,"
        " audit.entry_digest('accounts.unit_closed', subject, trails, actor, account, through, request, body),"
        " sealed_in"
        " from audit.entry where sealed_in = %s",
        [VICTIM],
    )


@named("replace a record and its leaf")
def replace_record(superuser):
    superuser.execute(EDIT_ENTRY, [VICTIM])
    superuser.execute(ENTRY_ANEW, [VICTIM])
    forge(superuser, VICTIM)


@named("delete a record and renumber the rest")
def delete_and_renumber(superuser):
    for table in ("entry", "row_history"):
        superuser.execute(f"delete from audit.{table} where sealed_in = %s", [VICTIM])
    superuser.execute("delete from audit.sealed_record where position = %s", [VICTIM])
    for position in range(VICTIM + 1, 6):
        forge(superuser, position, place=position - 1)
        move(superuser, position, position - 1)
    superuser.execute("update audit.head set size = 5")
    forget_signatures(superuser)


@named("cut off the end")
def cut_off_the_end(superuser):
    drop_from(superuser, 4)
    forget_signatures(superuser)


@named("swap two records")
def swap_records(superuser):
    forge(superuser, 2, place=3)
    forge(superuser, 3, place=2)
    for position, to in ((2, -1), (3, 2), (-1, 3)):
        superuser.execute("alter table audit.sealed_record drop constraint if exists sealed_record_position_check")
        move(superuser, position, to)
    forget_signatures(superuser)


@named("backdate a record")
def backdate(superuser):
    forge(superuser, VICTIM, sealed_at="2001-01-01T00:00:00.000000Z")
    forget_signatures(superuser)


@named("rewrite everything from the middle to the tip, signed again")
def rewrite_to_the_tip(superuser):
    for position in range(VICTIM, 6):
        superuser.execute(EDIT_ENTRY, [position])
        superuser.execute(ENTRY_ANEW, [position])
        forge(superuser, position)
    forget_signatures(superuser)


@named("alter a filed file")
def alter_file(superuser):
    sha256 = superuser.execute("select sha256 from audit_artefact").fetchone()[0]
    path = effects.path_of(sha256)
    path.chmod(0o600)
    path.write_bytes(b"another report")


@named("remove a filed file")
def remove_file(superuser):
    effects.path_of(superuser.execute("select sha256 from audit_artefact").fetchone()[0]).unlink()


@named("replace the checkpoint history")
def replace_checkpoints(superuser):
    rewrite_to_the_tip(superuser)
    superuser.execute("update audit.head set sealed_at = '2020-01-01Z'")
