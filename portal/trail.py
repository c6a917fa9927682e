"""The trail in the words of the business: who, when, what, on which digests, and whether it is covered."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from accounts.models import Person
from audit.events import registered_events, say
from audit.models import Checkpoint, Entry, RowHistory

HEX64 = 64


@dataclass(frozen=True)
class Change:
    """One field of one row: what it was and what it became."""

    row: str
    field: str
    before: str
    after: str


@dataclass(frozen=True)
class Line:
    """One entry as a page shows it."""

    entry: Entry
    title: str
    sentence: str
    by: str
    at: datetime | None
    is_outside: bool
    is_covered: bool
    digests: list[tuple[str, str]] = field(default_factory=list)


def lines_of(entries: Iterable[Entry]) -> list[Line]:
    """Entries with their actors' names; three queries, however many entries."""
    entries = list(entries)
    ids = {int(entry.actor.rpartition(":")[2]) for entry in entries if entry.actor}
    people = {f"accounts.person:{p.pk}": str(p) for p in Person.objects.filter(pk__in=ids).select_related("details")}
    covered = Checkpoint.objects.order_by("-id").values_list("size", flat=True).first() or 0
    titles = {name: event.title for name, event in registered_events().items()}
    return [_line(entry, people, titles, covered) for entry in entries]


def _line(entry: Entry, people: dict[str, str], titles: dict[str, str], covered: int) -> Line:
    data = entry.data
    return Line(
        entry=entry,
        title=titles.get(entry.event, entry.event),
        sentence=say(entry.event, data),
        by=people.get(entry.actor, entry.actor) or ("Database" if entry.through == "outside" else "The portal"),
        at=entry.sealed_in.sealed_at if entry.sealed_in else None,
        is_outside=entry.through == "outside",
        is_covered=entry.sealed_in_id is not None and entry.sealed_in_id < covered,
        digests=list(_digests(data)),
    )


def _digests(data: dict, prefix: str = ""):
    """(name, hex) of every SHA-256 in an entry's data."""
    for name, value in data.items():
        label = f"{prefix}{name}"
        if isinstance(value, dict):
            yield from _digests(value, f"{label}: ")
        elif isinstance(value, str) and len(value) == HEX64 and all(c in "0123456789abcdef" for c in value):
            yield label, value


def changes_of(entry: Entry) -> list[Change]:
    """Field by field, what the entry's transaction changed on governed rows of the same trails."""
    if entry.sealed_in_id is None:
        return []
    rows = RowHistory.objects.filter(sealed_in_id=entry.sealed_in_id, trail__in=[*entry.trails, entry.subject])
    found = []
    for row in rows.order_by("id")[:50]:
        before = RowHistory.objects.of_row(row.table_name, row.pk_text).filter(pk__lt=row.pk).order_by("-id").first()
        found += _changes(row, before)
    return found


def _changes(row: RowHistory, before: RowHistory | None) -> list[Change]:
    was, now = before.row if before else {}, row.row
    return [
        Change(row.subject, name, _words(was.get(name)) if before else "", _words(value))
        for name, value in now.items()
        if name != "id" and was.get(name) != value and value not in (None, "", [], {})
    ]


def _words(value) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]}…"
