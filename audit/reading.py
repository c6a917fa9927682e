"""The trail for those who read it: pages, the API, the layers above. Nothing here writes.

What an account may see is the caller's to decide first: a trail is as visible as the record it belongs to.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, models

from audit import models as _trail  # under a private name: who reads the trail gets functions, never its tables
from audit.governed import GOVERNED
from audit.models import key_of, subject_name

__all__ = [
    "NOT_RECORDED",
    "Condition",
    "Difference",
    "artefact_filed_as",
    "attachment",
    "attachments_about",
    "attachments_filed_as",
    "attachments_of",
    "attachments_on",
    "checkpoint_over",
    "differences",
    "entries_on",
    "epochs_begun",
    "every_entry",
    "found_as_at",
    "head_digest",
    "head_digests",
    "history_of",
    "key_of",
    "last_checkpoint",
    "log_size",
    "position_at",
    "row_as_at",
    "rows_as_at",
    "rows_sealed_in",
    "subject_name",
    "versions_before",
]


def head_digest(subject: models.Model | str) -> str:
    """Digest of a governed record as it stands now, in hex; '' where it has none."""
    head = _trail.SubjectHead.objects.filter(subject=_name(subject)).first()
    return bytes(head.digest).hex() if head else ""


def head_digests(subjects: Iterable[models.Model]) -> dict[str, str]:
    """`head_digest` of many, by their names on the trail; one without a digest is left out. One query."""
    heads = _trail.SubjectHead.objects.filter(subject__in=[_name(subject) for subject in subjects])
    return {head.subject: bytes(head.digest).hex() for head in heads}


def entries_on(trail: models.Model | str) -> _trail.EntryQuerySet:
    """Entries about a record or hung on its trail, newest first, each with the sealed record that holds it."""
    return _trail.Entry.objects.on_trail(_name(trail)).newest_first().select_related("sealed_in")


def every_entry() -> _trail.EntryQuerySet:
    """Entries of the whole bank, newest first: for those who may see all of it."""
    return _trail.Entry.objects.newest_first().select_related("sealed_in")


def history_of(record: models.Model) -> _trail.RowHistoryQuerySet:
    """Every past version of a governed record, oldest first."""
    return _trail.RowHistory.objects.of_row(record._meta.db_table, record.pk)


def attachments_of(record: models.Model) -> _trail.AttachmentQuerySet:
    """Files that hang on the record itself, with what is known of their bytes."""
    return _trail.Attachment.objects.of(record).select_related("artefact")


def attachments_on(trail: models.Model) -> _trail.AttachmentQuerySet:
    """Files anywhere on the record's trail, newest first."""
    return _trail.Attachment.objects.on_trail(trail).select_related("artefact").order_by("-id")


def last_checkpoint() -> _trail.Checkpoint | None:
    """The newest signed tree head, with the cosignatures that have come in."""
    return _trail.Checkpoint.objects.order_by("-id").prefetch_related("cosignatures").first()


def epochs_begun() -> models.QuerySet[_trail.Epoch]:
    """Every epoch of the log but the first, which began with it; the newest first."""
    return _trail.Epoch.objects.order_by("-number")


def checkpoint_over(position: int) -> _trail.Checkpoint | None:
    """The newest signed tree head that covers the record at `position`; None while none does."""
    return _trail.Checkpoint.objects.filter(size__gt=position).order_by("-id").prefetch_related("cosignatures").first()


def log_size() -> int:
    """How many records are sealed."""
    last = _trail.SealedRecord.objects.order_by("-position").values_list("position", flat=True).first()
    return 0 if last is None else last + 1


def rows_sealed_in(position: int, trails: Iterable[str]) -> _trail.RowHistoryQuerySet:
    """Row changes of one sealed record that hang on any of `trails`, in the order in which they happened."""
    return _trail.RowHistory.objects.filter(sealed_in_id=position, trail__in=list(trails)).order_by("id")


def versions_before(rows: Iterable[_trail.RowHistory]) -> dict[int, _trail.RowHistory]:
    """Id of a row change to the version that it replaced; a new row has none. One query, however many rows."""
    earlier = _trail.RowHistory.objects.filter(
        table_name=models.OuterRef("table_name"), pk_text=models.OuterRef("pk_text"), pk__lt=models.OuterRef("pk")
    )
    places = _trail.RowHistory.objects.filter(pk__in=[row.pk for row in rows]).annotate(
        earlier=models.Subquery(earlier.order_by("-pk").values("pk")[:1])
    )
    pairs = dict(places.values_list("pk", "earlier"))
    found = _trail.RowHistory.objects.in_bulk([earlier for earlier in pairs.values() if earlier is not None])
    return {row: found[earlier] for row, earlier in pairs.items() if earlier is not None}


# ---- as at a day ----------------------------------------------------------------------------------------
# The last version of each row at or before a position: found by id first, so that only what is given is read and
# sorted whole. A row that went to another trail is asked for its own last version before it is asked for the trail.
ROWS_AS_AT = """
    select convert_from(h.body, 'UTF8')
    from audit.row_history h
    join (
        select distinct on (pk) id from audit.row_history
        where table_name = %(table)s and sealed_in <= %(position)s {chosen}
        order by pk desc, id desc  -- as the index on (table_name, pk, id) gives them, read backwards
    ) last on last.id = h.id
    where h.op <> 'D' {hanging}
    order by length(h.pk), h.pk
"""
CHOSEN = "and pk = any (%(pks)s)"
EVER_ON_TRAIL = (
    "and pk in (select t.pk from audit.row_history t where t.trail = %(trail)s and t.table_name = %(table)s)"
)
ON_TRAIL_THEN = "and h.trail = %(trail)s"


def position_at(day: date) -> int | None:
    """Position of the last record sealed on or before the end of `day` in the bank's zone; None before the first."""
    next_midnight = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(settings.BANK_TIME_ZONE))
    record = _trail.SealedRecord.objects.last_before(next_midnight)
    return record.position if record else None


def rows_as_at(
    table: type[models.Model] | str,
    position: int | None,
    *,
    pks: Iterable[object] | None = None,
    trail: models.Model | str | None = None,
) -> list[dict]:
    """Each row of a governed table as it was last captured at or before `position`, by primary key.

    pks    only these rows
    trail  only rows that hung on this trail then
    A row that was deleted by then is left out; a column that was not captured then is no key of its row. At None,
    before the first record, there is nothing.
    """
    statement = ROWS_AS_AT.format(
        chosen=f"{CHOSEN if pks is not None else ''} {EVER_ON_TRAIL if trail is not None else ''}",
        hanging=ON_TRAIL_THEN if trail is not None else "",
    )
    values = {"table": _governed(table), "position": -1 if position is None else position}
    values |= {"pks": [str(pk) for pk in pks or ()], "trail": _name(trail) if trail is not None else ""}
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [json.loads(body) for (body,) in cursor.fetchall()]


# Which rows match is found first, so that only the page's rows are read whole; `met` is made of the conditions below.
FOUND_AS_AT = """
    with last as materialized (
        select distinct on (pk) id from audit.row_history
        where table_name = %(table)s and sealed_in <= %(position)s {chosen}
        order by pk desc, id desc
    ), found as materialized (
        select read.id, read.row ->> %(order)s as place
        from (
            select h.id, convert_from(h.body, 'UTF8')::jsonb as row
            from audit.row_history h join last on last.id = h.id where h.op <> 'D'
        ) read
        where true {met}
    )
    select (select count(*) from found), convert_from(h.body, 'UTF8')
    from (select id, place from found where place > %(after)s order by place limit %(size)s) page
    left join audit.row_history h on h.id = page.id
    order by page.place
"""
CONDITIONS = {
    "any": "and read.row ->> %({name}_column)s = any (%({name})s)",
    "any or empty": "and (read.row ->> %({name}_column)s = any (%({name})s) or read.row ->> %({name}_column)s is null)",
    "holds": "and read.row -> %({name}_column)s @> %({name})s::jsonb",
    "words": "and exists (select from unnest(%({name}_column)s::text[]) c where position(lower(%({name})s) in"
    " lower(read.row ->> c)) > 0)",
    "from": "and (read.row ->> %({name}_column)s)::timestamptz >= %({name})s",
    "before": "and (read.row ->> %({name}_column)s)::timestamptz < %({name})s",
}


@dataclass(frozen=True)
class Condition:
    """What a column of a past row must be: `kind` of CONDITIONS, with its value; `words` looks in several columns."""

    kind: str
    column: str | list[str]
    value: object


def found_as_at(
    table: type[models.Model],
    position: int | None,
    conditions: Iterable[Condition] = (),
    *,
    pks: Iterable[object] | None = None,
    order: str,
    after: str = "",
    size: int,
) -> tuple[list[dict], int]:
    """One page of a governed table's rows as at a position, by the text of `order`, and how many rows match in all.

    pks    only among these rows
    after  the text of `order` in the last row of the page before
    """
    conditions = list(conditions)
    values = {"table": _governed(table), "position": -1 if position is None else position}
    values |= {"pks": [str(pk) for pk in pks or ()], "order": order, "after": after, "size": size}
    for number, condition in enumerate(conditions):
        values |= {f"c{number}": condition.value, f"c{number}_column": condition.column}
    met = " ".join(CONDITIONS[condition.kind].format(name=f"c{n}") for n, condition in enumerate(conditions))
    with connection.cursor() as cursor:
        cursor.execute(FOUND_AS_AT.format(chosen=CHOSEN if pks is not None else "", met=met), values)
        rows = cursor.fetchall()
        if rows:
            return [json.loads(body) for _, body in rows], rows[0][0]
    return [], 0


def row_as_at(record: models.Model | str, position: int | None) -> dict | None:
    """One governed record ('inventory.model:42') at or before `position`; None where it was not there then."""
    kind, _, pk = _name(record).rpartition(":")
    rows = rows_as_at(_TABLES.get(kind, kind), position, pks=[pk])
    return rows[0] if rows else None


class NotRecorded(Enum):
    """What stands for a field that a version of a record does not hold: the portal did not keep it then."""

    NOT_RECORDED = "not recorded"

    def __str__(self) -> str:
        return self.value


NOT_RECORDED = NotRecorded.NOT_RECORDED


@dataclass(frozen=True)
class Difference:
    """One field in which two versions of a record differ. NOT_RECORDED is not the same as empty."""

    field: str
    before: object
    after: object


def differences(before: dict | None, after: dict | None) -> list[Difference]:
    """Field by field, in the order of the newer version; None is a record that was not there."""
    before, after = before or {}, after or {}
    pairs = (
        Difference(name, before.get(name, NOT_RECORDED), after.get(name, NOT_RECORDED))
        for name in dict.fromkeys([*after, *before])
    )
    return [pair for pair in pairs if pair.before != pair.after]


_TABLES = {governed.subject: governed.table for governed in GOVERNED}


def _governed(table: type[models.Model] | str) -> str:
    name = table if isinstance(table, str) else table._meta.db_table
    if name not in _TABLES.values():
        raise LookupError(f"{name} is not governed: the trail holds no rows of it")
    return name


# ---- files ------------------------------------------------------------------------------------------------
def attachment(number: int) -> _trail.Attachment | None:
    """One attachment by its number. Whether the reader may see its trail is the caller's to ask."""
    return _trail.Attachment.objects.select_related("artefact").filter(pk=number).first()


def artefact_filed_as(sha256: str) -> _trail.Artefact | None:
    """The file with this digest, or the tombstone that stays of it."""
    return _trail.Artefact.objects.filter(sha256=sha256).first()


def attachments_about(subject: str) -> _trail.AttachmentQuerySet:
    """Files that hang on a record that is known by its trail name."""
    return _trail.Attachment.objects.filter(subject=subject).select_related("artefact").order_by("id")


def attachments_filed_as(sha256: str) -> _trail.AttachmentQuerySet:
    """Wherever a file with this digest hangs."""
    return _trail.Attachment.objects.filter(artefact__in=_trail.Artefact.objects.filter(sha256=sha256))


def _name(record: models.Model | str) -> str:
    return record if isinstance(record, str) else subject_name(record)
