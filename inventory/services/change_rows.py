"""From rows that somebody gives to what each would change: every fault of every row, and nothing written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from accounts.models import Account, Person, Unit
from accounts.refusals import InvalidInput, NotNow, NotPermitted
from audit.reading import head_digests, subject_name
from inventory import permissions, policies
from inventory.models import ChangeRow, Model
from inventory.models.model import MOST_TAGS
from inventory.services.columns import COLUMNS
from web.text import is_storable
from web.wording import quoted
from web.xlsx import Formula

WRITTEN = ("name", "kind", "unit", "owner", "developer", "description", "purpose", "tags")
NEEDED = ("name", "kind", "unit", "owner")  # of a new model
KEYS = ("external_id", "ref")
LONGEST = {"name": 200, "description": 10_000, "purpose": 10_000}
EXTERNAL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}")
HEADS = {column.label.lower(): key for key, column in COLUMNS.items()}


@dataclass(frozen=True)
class Row:
    """One row as it was given: its number, and column to value."""

    line: int
    values: dict[str, object]
    problems: dict[str, str] = field(default_factory=dict)


class WrongValue(Exception):
    """What is wrong with one value, in a sentence."""


def key_of_head(head: str) -> str:
    """The column that a file's head names, by its key or by what the list calls it."""
    name = head.strip().lower()
    return HEADS.get(name, name.replace(" ", "_"))


def plan_rows(rows: Iterable[Row], by: Account) -> list[ChangeRow]:
    """What each row would do, for `by`. Six queries, however many rows."""
    rows = list(rows)
    known = _Known(rows, by)
    planned = [_planned(row, known, by) for row in rows]
    _mark_repeated(planned)
    return planned


class _Known:
    """Models, units and people that rows name, and the digests of the models."""

    def __init__(self, rows: list[Row], by: Account):
        def named(*columns: str) -> set[str]:
            texts = {as_text(row.values.get(column)) for row in rows for column in columns}
            return {text for text in texts if is_storable(text)}

        models = Model.objects.select_related("unit", "owner__details", "developer__details")
        found = list(models.filter(external_id__in=named("external_id")) | models.filter(ref__in=named("ref")))
        self.by_id = {model.external_id: model for model in found}
        self.by_ref = {model.ref: model for model in found}
        self.visible = set(
            Model.objects.visible_to(by).filter(pk__in=[m.pk for m in found]).values_list("pk", flat=True)
        )
        self.digests = head_digests(found)
        self.units = {unit.code: unit for unit in Unit.objects.filter(code__in=named("unit"))}
        people = Person.objects.filter(hr_number__in=named("owner", "developer")).select_related("details")
        self.people = {person.hr_number: person for person in people}

    def model(self, row: Row) -> Model | None:
        """The model that a row means. Raises WrongValue where it means two, or one that is not there."""
        external_id, ref = (as_text(row.values.get(key)) for key in KEYS)
        if ref and ref not in self.by_ref:
            raise WrongValue(f"There is no model {quoted(ref)} that you may see. Leave the id empty for a new model.")
        by_ref, by_id = self.by_ref.get(ref), self.by_id.get(external_id)
        if by_ref and external_id and by_ref != by_id:
            raise WrongValue(f"{ref} has another external id than {quoted(external_id)}; an external id never changes.")
        found = by_ref or by_id
        if found and found.pk not in self.visible:
            raise WrongValue(f"There is no model {quoted(ref or external_id)} that you may see; choose another id.")
        return found


def _planned(row: Row, known: _Known, by: Account) -> ChangeRow:
    external_id = as_text(row.values.get("external_id"))
    planned = ChangeRow(line=row.line, problems=dict(row.problems))
    if not is_storable(external_id):
        planned.problems["external_id"] = f"An id cannot hold the character NUL; got {quoted(external_id)}."
        return _as_error(planned)
    planned.external_id = external_id[:200]
    try:
        model = known.model(row)
    except WrongValue as fault:
        planned.problems.setdefault("ref" if row.values.get("ref") else "external_id", str(fault))
        return _as_error(planned)
    wanted = {}
    for name in WRITTEN:
        if name in row.values:
            try:
                wanted[name] = _cleaned(name, row.values[name], known)
            except WrongValue as fault:
                planned.problems.setdefault(name, str(fault))
    return _change(planned, model, wanted, known, by) if model else _creation(planned, wanted, by)


def _change(planned: ChangeRow, model: Model, wanted: dict, known: _Known, by: Account) -> ChangeRow:
    planned.model, planned.external_id = model, model.external_id
    planned.digest = known.digests.get(subject_name(model), "")
    moved = {name: value for name, value in wanted.items() if getattr(model, name) != value}
    if "unit" in moved:
        planned.problems["unit"] = f"{model.ref} belongs to {model.unit.code}; a model's unit is not changed here."
    _note_refusal(planned, lambda: permissions.check_can_edit(by, model))
    if moved:
        _note_refusal(planned, lambda: policies.check_not_retired(model))
    if planned.problems:
        return _as_error(planned)
    planned.verb = ChangeRow.Verb.CHANGE if moved else ChangeRow.Verb.SAME
    planned.values = {name: coded(value) for name, value in moved.items()}
    planned.differences = [[name, said(getattr(model, name)), said(value)] for name, value in moved.items()]
    return planned


def _creation(planned: ChangeRow, wanted: dict, by: Account) -> ChangeRow:
    _check_new_id(planned)
    for name in NEEDED:
        if not wanted.get(name):
            planned.problems.setdefault(name, f"A new model needs {COLUMNS[name].label.lower()}.")
    if not planned.problems:
        owner, developer = wanted["owner"], wanted.get("developer")
        _note_refusal(
            planned,
            lambda: permissions.check_can_register(by, wanted["unit"], owner.pk, developer.pk if developer else None),
        )
    if planned.problems:
        return _as_error(planned)
    planned.verb = ChangeRow.Verb.CREATE
    planned.values = {name: coded(value) for name, value in wanted.items()}
    planned.differences = [[name, "", said(value)] for name, value in wanted.items() if said(value)]
    return planned


def _check_new_id(planned: ChangeRow) -> None:
    if not EXTERNAL_ID.fullmatch(planned.external_id):
        planned.problems.setdefault(
            "external_id",
            "An external id has letters, digits and . _ : - in parts joined by /, a letter or digit first,"
            f" 200 characters at most; got {quoted(planned.external_id)}.",
        )
        return
    try:
        policies.check_external_id(planned.external_id)
    except InvalidInput as refusal:
        planned.problems.setdefault("external_id", refusal.problems["external_id"])


def _note_refusal(planned: ChangeRow, check) -> None:
    try:
        check()
    except (NotPermitted, NotNow) as refusal:
        planned.problems.setdefault("row", str(refusal))


def _as_error(planned: ChangeRow) -> ChangeRow:
    planned.verb = ChangeRow.Verb.ERROR
    return planned


def _mark_repeated(planned: list[ChangeRow]) -> None:
    """Two rows about one model: neither is to be believed."""
    times = Counter(row.external_id for row in planned if row.external_id)
    lines = {id_: [row.line for row in planned if row.external_id == id_] for id_, count in times.items() if count > 1}
    for row in planned:
        if row.external_id in lines:
            others = ", ".join(str(line) for line in lines[row.external_id][:5])
            row.problems["external_id"] = f"Rows {others} have the same id {quoted(row.external_id)}; keep one of them."
            _as_error(row)


# ---- values ---------------------------------------------------------------------------------------------------
def as_text(value: object) -> str:
    """A cell as text; a formula is none."""
    if value is None or isinstance(value, Formula):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip()


def _cleaned(name: str, value: object, known: _Known):
    """The value of a field. Raises WrongValue."""
    if isinstance(value, Formula):
        raise WrongValue(f"The cell holds the formula {quoted(value.text)}; paste its value instead.")
    if name == "tags":
        return _tags(value)
    if isinstance(value, list | dict):
        raise WrongValue(f"One text is wanted, got {quoted(value)}.")
    text = as_text(value)
    if not is_storable(text):
        raise WrongValue("A text cannot hold the character NUL or half of a surrogate pair.")
    return _CLEANERS.get(name, _text)(name, text, known)


def _text(name: str, text: str, _known: _Known) -> str:
    if len(text) > LONGEST[name]:
        raise WrongValue(f"At most {LONGEST[name]:,} characters are wanted, got {len(text):,}.")
    if name == "name" and not text:
        raise WrongValue("A model has a name.")
    return text


def _kind(_name: str, text: str, _known: _Known) -> str:
    named = {label.lower(): value for value, label in Model.Kind.choices}
    kind = named.get(text.lower(), text.lower().replace(" ", "_"))
    if kind not in Model.Kind.values:
        raise WrongValue(f"One of {', '.join(Model.Kind.values)} is wanted, got {quoted(text)}.")
    return kind


def _unit(_name: str, text: str, known: _Known) -> Unit:
    if text not in known.units:
        raise WrongValue(f"There is no unit with the code {quoted(text)}.")
    return known.units[text]


def _person(name: str, text: str, known: _Known) -> Person | None:
    if not text and name == "developer":
        return None
    person = known.people.get(text)
    if person is None:
        raise WrongValue(f"There is nobody with the HR number {quoted(text)}.")
    if not person.is_active:
        raise WrongValue(
            f"{person} ({text}) has left the bank; name {'an' if name == 'owner' else 'a'} {name} who is there."
        )
    return person


def _tags(value: object) -> list[str]:
    parts = value if isinstance(value, list) else as_text(value).split(",")
    tags = list(dict.fromkeys(tag for tag in (as_text(part) for part in parts) if tag))
    if len(tags) > MOST_TAGS or any(len(tag) > 40 or "," in tag or not is_storable(tag) for tag in tags):
        raise WrongValue(f"At most {MOST_TAGS} tags of at most 40 characters are wanted, parted by commas.")
    return tags


_CLEANERS = {"kind": _kind, "unit": _unit, "owner": _person, "developer": _person}


def coded(value: object) -> object:
    """A value as a change row keeps it: units and people by their codes."""
    return getattr(value, "hr_number", None) or getattr(value, "code", None) or value


def said(value: object) -> str:
    """A value in words."""
    if isinstance(value, Person):
        return f"{value} ({value.hr_number})"
    return ", ".join(value) if isinstance(value, list) else str(value or "")
