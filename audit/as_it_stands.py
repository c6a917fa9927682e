"""What no proof over the log can show: whether rows, guards and files are today what the log last said of them."""

from collections.abc import Iterator

from django.conf import settings
from django.db import connection
from psycopg import sql

from audit import effects
from audit.checkpoints import overdue_since
from audit.governed import GOVERNED, Governed
from audit.models import Artefact, Checkpoint

BATCH = 2000

# Each side must give the same JSON that audit.capture() took, whatever this session is set to.
CAPTURED_SETTINGS = "set local timezone = 'UTC'; set local datestyle = 'ISO, YMD'; set local extra_float_digits = 1"

CHANGED_ROWS = """
    select count(*) from (select id::text as pk, to_jsonb(t) - {without}::text[] as body from {table} t) live
    full join (
        select distinct on (pk) pk, op, convert_from(body, 'UTF8')::jsonb as body
        from audit.row_history where table_name = {name} order by pk, id desc
    ) captured on captured.pk = live.pk
    where live.body is distinct from case when captured.op <> 'D' then captured.body end
"""

MOVED_HEADS = """
    select count(*) from audit.subject_head head
    full join (
        select distinct on (subject) subject, case when op = 'D' then '' else body_sha256 end as digest
        from audit.row_history order by subject, id desc
    ) captured on captured.subject = head.subject
    where head.digest is distinct from captured.digest
"""

ORPHANS = """
    select count(*) filter (where sealed_in is null), count(*) filter (where sealed_in >= %s or sealed_in < 0)
    from (select sealed_in from audit.entry union all select sealed_in from audit.row_history) parts
"""


def defects(*, size: int) -> list[str]:
    """Sentences about guards, unsealed parts and governed rows; `size` is the number of sealed records."""
    return [*_guards(), *_unsealed(size), *_rows()]


def _guards() -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute("select table_name, trigger_name from audit.unguarded()")
        for table, trigger in cursor.fetchall():
            yield f"table {table} is not guarded: its trigger {trigger} is missing, disabled or not what it was"
        cursor.execute("select table_name, subject, trail_column, trail, without from audit.governed")
        listed = {name: Governed(name, *rest, tuple(without)) for name, *rest, without in cursor.fetchall()}
        existing = set(connection.introspection.table_names(cursor))
        for governed in sorted(GOVERNED, key=lambda g: g.table):
            if governed.table in existing and governed.table not in listed:
                yield f"table {governed.table} is no longer listed as governed"
            elif governed != listed.get(governed.table, governed):
                yield f"table {governed.table} is listed as governed in another way than the portal governs it"
        cursor.execute("select exists (select from audit.simulated_clock)")
        (clock_is_simulated,) = cursor.fetchone()
    last = Checkpoint.objects.order_by("-id").first()
    if last and guards_moved_since(last):
        yield (
            "the triggers, constraints, grants and functions that guard the trail are not those of the last checkpoint,"
            f" of {last.size} records"
        )
    if settings.PRODUCTION and clock_is_simulated:
        yield "the clock is simulated: audit.simulated_clock must be empty in production"


def guards_moved_since(checkpoint: Checkpoint) -> bool:
    """Whether anything that guards the trail is not what it was when this was signed."""
    with connection.cursor() as cursor:
        cursor.execute("select audit.trigger_digest()")
        return bytes(cursor.fetchone()[0]) != bytes(checkpoint.triggers)


def _unsealed(size: int) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(ORPHANS, [size])
        unsealed, orphans = cursor.fetchone()
        cursor.execute("select size from audit.head")
        head = cursor.fetchone()
    if unsealed:
        yield f"{unsealed} entries or rows were committed without being sealed"
    if orphans:
        yield f"{orphans} entries or rows belong to sealed records that are gone"
    if head != (size,):
        yield f"the head counts {head[0] if head else 'no'} records, the log holds {size}"
    if waited := overdue_since():
        yield f"a record has waited {int(waited.total_seconds())} s for a checkpoint: is the checkpointer running?"


def _rows() -> Iterator[str]:
    """Each governed row equals the last bytes captured of it: a change with the triggers off shows here.

    What never enters the trail is read from the code: whoever can write the database's list could widen it there.
    """
    without = {governed.table: list(governed.without) for governed in GOVERNED}
    with connection.cursor() as cursor:
        cursor.execute(CAPTURED_SETTINGS)
        cursor.execute("select table_name from audit.governed order by 1")
        for (table,) in cursor.fetchall():
            names = {"table": sql.Identifier("public", table), "name": sql.Literal(table)}
            cursor.execute(sql.SQL(CHANGED_ROWS).format(**names, without=sql.Literal(without.get(table, []))))
            if changed := cursor.fetchone()[0]:
                yield f"{changed} rows of {table} are not as they were last captured"
        cursor.execute(MOVED_HEADS)
        if moved := cursor.fetchone()[0]:
            yield f"{moved} subject heads do not hold the digest of the last captured row"


def check_files() -> tuple[int, int, list[str]]:
    """(files kept, files erased, defects): the artefact folder against the digests that name its files."""
    kept, erased, found = 0, 0, []
    for artefact in Artefact.objects.order_by("id").iterator(BATCH):
        kept, erased = kept + (artefact.erased_at is None), erased + (artefact.erased_at is not None)
        if fault := _fault_of(artefact):
            found.append(f"file {artefact.sha256} {fault}")
    return kept, erased, found


def _fault_of(artefact: Artefact) -> str | None:
    path = effects.path_of(artefact.sha256)
    if artefact.erased_at and artefact.retention != Artefact.Retention.SAMPLE:
        return "was filed for good and is on record as erased"
    if artefact.erased_at:
        return "was erased on the record and still lies in the artefact folder" if path.exists() else None
    if not path.exists():
        return "is gone from the artefact folder"
    return "was altered in the artefact folder" if effects.sha256_of(path) != artefact.sha256 else None
