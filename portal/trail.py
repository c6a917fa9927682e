"""The trail in the words of the business: who, when, what, on which digests, and whether it is covered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from django.db.models import QuerySet

from accounts.models import Person
from audit.events import registered_events, say
from audit.reading import (
    NOT_RECORDED,
    differences,
    last_checkpoint,
    rows_sealed_in,
    subject_name,
    versions_before,
)
from figures.wording import GAP, is_number, number_text
from inventory.models import Model
from monitoring.wording import said, words_of
from portal.rows import Named, label_of, names_of, record_words, value_words
from portal.visibility import keys_named

HEX64 = re.compile(r"\b[0-9a-f]{64}\b")
MOMENT = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:\+00:00|Z)")
TASKS = {"monitoring.explain": "SHAP report", "monitoring.report": "Evidently report"}
LISTED_APART = ("inputs", "figures")  # digests of which an entry may hold hundreds
BREACH_OPENED = "monitoring.breach_opened"
MOST_ROWS = 60
LONGEST = 200
DIGESTS = {"sha256": "SHA-256", "html_sha256": "page", "json_sha256": "figures"}


@dataclass(frozen=True)
class Change:
    """One field of one row: what it was and what it became, in words and as it is stored."""

    field: str
    label: str
    before: str
    after: str
    stored: str


@dataclass(frozen=True)
class ChangedRow:
    """One governed row that a transaction made or changed. `subject` names it on the trail, `title` to people."""

    subject: str
    title: str
    is_new: bool
    by_database_user: str
    changes: list[Change]


@dataclass(frozen=True)
class Line:
    """One entry as a page shows it."""

    entry: object
    title: str
    sentence: str
    about: str
    by: str
    at: datetime | None
    is_outside: bool
    is_covered: bool
    digests: list[tuple[str, str]] = field(default_factory=list)
    inputs: list[tuple[str, str]] = field(default_factory=list)
    figures: list[tuple[str, str]] = field(default_factory=list)
    model: Model | None = None

    @property
    def is_by_somebody(self) -> bool:
        return bool(self.entry.actor)

    @property
    def run_ref(self) -> str:
        return self.entry.data.get("run", "")

    @property
    def main_digest(self) -> str:
        """The digest that the entry is about; else the entry's own."""
        own = bytes(self.entry.digest).hex()
        return next((value for _, value in self.digests), own)


def lines_of(entries: Iterable, *, models: QuerySet[Model] | None = None) -> list[Line]:
    """Entries with their actors' names, each with its model where `models` has it; however many, a few queries."""
    entries = list(entries)
    found = models.in_bulk({pk for entry in entries for pk in models_on(entry)}) if models is not None else {}
    ids = keys_named(Person, {entry.actor for entry in entries})
    people = {subject_name(p): str(p) for p in Person.objects.filter(pk__in=ids).select_related("details")}
    last = last_checkpoint()
    titles = {name: event.title for name, event in registered_events().items()}
    covered = last.size if last else 0
    return [
        replace(
            _line(entry, people, titles, covered),
            model=next((found[pk] for pk in models_on(entry) if pk in found), None),
        )
        for entry in entries
    ]


def models_on(entry) -> list[int]:
    """Keys of the models on whose trails an entry is."""
    return list(keys_named(Model, [entry.subject, *entry.trails]))


def _line(entry, people: dict[str, str], titles: dict[str, str], covered: int) -> Line:
    data = _worded(entry)
    is_outside = entry.through == "outside"
    return Line(
        entry=entry,
        title=titles.get(entry.event, entry.event),
        sentence=readable(say(entry.event, {name: _figure(name, value) for name, value in data.items()})),
        about=record_words(entry.subject, people, data),
        by=people.get(entry.actor, entry.actor) or "The portal",
        at=entry.sealed_in.sealed_at if entry.sealed_in else None,
        is_outside=is_outside,
        is_covered=entry.sealed_in_id is not None and entry.sealed_in_id < covered,
        digests=list(_digests({name: value for name, value in data.items() if name not in LISTED_APART})),
        inputs=list(_digests(_by_name(data.get("inputs")))),
        figures=list(_digests(_by_name(data.get("figures")))),
    )


def _worded(entry) -> dict:
    """An entry's data; a breach that was sealed as bare figures gets the words that are sealed today."""
    data = entry.data
    if entry.event != BREACH_OPENED or "what" in data:
        return data
    column = data.get("column", "").removeprefix("of the score")
    words = words_of(data["metric"])
    told = {"what": said(data["metric"], column), "shown": words.with_unit(data["value"])}
    return data | told | {"limit": f"threshold {words.as_limit(data['threshold'])}"}


def _figure(name: str, value):
    """A figure with its thousands; anything else as it is."""
    if name == "task":
        return TASKS.get(value, value)
    return number_text(value) if is_number(value) else value


def readable(sentence: str) -> str:
    """A sentence with its digests cut to their ends and its moments as people write them."""
    short = HEX64.sub(lambda found: f"{found[0][:4]}…{found[0][-4:]}", sentence)
    return MOMENT.sub(lambda found: _moment(found[0]), short).replace(" %", f"{GAP}%")


def _moment(text: str) -> str:
    at = datetime.fromisoformat(text).astimezone(UTC)
    return f"{at.day} {at:%b %Y %H:%M} UTC"


def _by_name(value: object) -> dict:
    """What an entry holds by name. Digests stand so; exact figures stand as a list, and hold none."""
    return value if isinstance(value, dict) else {}


def _digests(data: dict, prefix: str = ""):
    """(name, hex) of every SHA-256 in an entry's data."""
    for name, value in data.items():
        label = f"{prefix}{DIGESTS.get(name) or name.replace('_', ' ')}"
        if isinstance(value, dict):
            yield from _digests(value, f"{label}: ")
        elif isinstance(value, str) and HEX64.fullmatch(value):
            yield label, value


def changes_of(entry, trails: Iterable[str]) -> tuple[list[ChangedRow], int]:
    """Row by row, what the entry's transaction changed on governed rows of some trails; and how many rows more."""
    if entry.sealed_in_id is None:
        return [], 0
    sealed = rows_sealed_in(entry.sealed_in_id, trails)
    rows = list(sealed[:MOST_ROWS])
    # What the entry is about comes first, the rows of its files last.
    rows.sort(key=lambda row: (row.subject.startswith("audit."), row.subject != entry.subject))
    before = versions_before(rows)
    named = names_of(rows)
    changed = [_changed(row, before.get(row.pk), named) for row in rows]
    return changed, sealed.count() - len(rows)


def _changed(row, before, named: Named) -> ChangedRow:
    def words(name: str, value) -> str:
        return str(value) if value is NOT_RECORDED else _short(value_words(row.table_name, name, value, named))

    changes = [
        Change(
            field=moved.field,
            label=label_of(row.table_name, moved.field),
            before=words(moved.field, moved.before) if before else "",
            after=words(moved.field, moved.after),
            stored="" if moved.after is NOT_RECORDED else _short(json.dumps(moved.after, ensure_ascii=False)),
        )
        for moved in differences(before.row if before else None, row.row)
        if moved.field != "id" and (before or moved.after not in (None, "", [], {}))
    ]
    return ChangedRow(row.subject, record_words(row.subject, named, row.row), before is None, row.db_user, changes)


def _short(text: str) -> str:
    text = readable(text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
