"""Verbs on the fields that the bank, or a pack, adds to the record; and what their values must be."""

from __future__ import annotations

from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_date

from accounts.models import Account
from accounts.permissions import check_may
from accounts.policies import check_reason
from accounts.refusals import InvalidInput, NotNow
from accounts.roles import Permission
from audit.services import record
from inventory import events
from inventory.models import FieldDefinition, Model

TYPES = FieldDefinition.Type
LONGEST = 10_000
CHANGEABLE = ("label", "help", "choices", "required_tiers")


@transaction.atomic
def define_field(
    *,
    key: str,
    label: str,
    type: str,
    help: str = "",
    choices: list[str] = (),
    kinds: list[str] = (),
    required_tiers: list[int] = (),
    by: Account,
) -> FieldDefinition:
    """Add a field of the bank's own to the record of every model, or of some kinds of model."""
    check_may(by, Permission.DEFINE_FIELDS)
    if FieldDefinition.objects.filter(key=key).exists():
        raise InvalidInput({"key": f"There is a field {key} already; a retired one's key stays taken."})
    field = FieldDefinition(
        key=key,
        label=label,
        type=type,
        help=help,
        choices=list(choices),
        kinds=list(kinds),
        required_tiers=list(required_tiers),
        defined_by=by.person,
    )
    _check(field)
    field.save()
    _announce(field, by)
    return field


@transaction.atomic
def publish_pack(*, code: str, fields: list[dict], by: Account | None) -> list[FieldDefinition]:
    """Add the fields of a pack that are not there yet. Returns those."""
    known = set(FieldDefinition.objects.values_list("key", flat=True))
    added = []
    for place, content in enumerate(fields, 1):
        if content["key"] not in known:
            field = FieldDefinition(pack=code, place=place, **content)
            _check(field)
            field.save()
            _announce(field, by)
            added.append(field)
    return added


@transaction.atomic
def change_field(*, field: FieldDefinition, changes: dict, by: Account) -> FieldDefinition:
    """Change what a field is called and of whom it is required; its key and type stay."""
    check_may(by, Permission.DEFINE_FIELDS)
    field = FieldDefinition.objects.select_for_update().get(pk=field.pk)
    _check_in_use(field)
    unknown = sorted(set(changes) - set(CHANGEABLE))
    if unknown:
        raise InvalidInput(dict.fromkeys(unknown, "It never changes; retire the field and define another."))
    moved = {name: value for name, value in changes.items() if getattr(field, name) != value}
    if not moved:
        return field
    words = [
        f"{name.replace('_', ' ')}: {getattr(field, name) or '–'} → {value or '–'}" for name, value in moved.items()
    ]
    for name, value in moved.items():
        setattr(field, name, value)
    _check(field)
    field.save(update_fields=list(moved))
    record(events.FIELD_CHANGED, subject=field, by=by, data={"label": field.label, "changes": "; ".join(words)})
    return field


@transaction.atomic
def retire_field(*, field: FieldDefinition, reason: str, by: Account) -> FieldDefinition:
    """Ask for a field no more; the values that it has stay on the trail and in the records."""
    check_may(by, Permission.DEFINE_FIELDS)
    field = FieldDefinition.objects.select_for_update().get(pk=field.pk)
    _check_in_use(field)
    check_reason(reason)
    field.retired_at, field.retired_by, field.retiring_reason = timezone.now(), by.person, reason
    field.save(update_fields=["retired_at", "retired_by", "retiring_reason"])
    record(events.FIELD_RETIRED, subject=field, by=by, data={"label": field.label, "reason": reason})
    return field


def _announce(field: FieldDefinition, by: Account | None) -> None:
    record(
        events.FIELD_DEFINED,
        subject=field,
        by=by,
        data={"label": field.label, "key": field.key, "type": field.get_type_display().lower()},
    )


def _check_in_use(field: FieldDefinition) -> None:
    if field.retired_at:
        raise NotNow(f"{field.label} was retired: {field.retiring_reason}")


def _check(field: FieldDefinition) -> None:
    problems = {}
    try:
        field.full_clean(exclude=["defined_by"], validate_unique=False)
    except ValidationError as faults:
        problems = {name: " ".join(words) for name, words in faults.message_dict.items()}
    if (field.type == TYPES.CHOICE) != bool(field.choices):
        problems["choices"] = "A list, and only a list, has its choices: one to a line."
    if unknown := set(field.kinds) - set(Model.Kind.values):
        problems["kinds"] = f"There is no kind of model {', '.join(sorted(unknown))}."
    if set(field.required_tiers) - {1, 2, 3, 4}:
        problems["required_tiers"] = "Tiers are 1 to 4."
    if problems:
        raise InvalidInput(problems)


def own_values(model: Model, given: dict) -> dict:
    """What was given for further fields, each as its type is stored. Raises InvalidInput for what does not fit.

    An empty value takes the field's value away: it comes back as None.
    """
    fields, values, problems = {f.key: f for f in FieldDefinition.objects.asked_of(model)}, {}, {}
    for key, value in given.items():
        try:
            values[key] = _typed(fields[key], value)
        except KeyError:
            problems[key] = "The record of this model has no such field."
        except ValueError as problem:
            problems[key] = str(problem)
    if problems:
        raise InvalidInput({f"own/{key}": words for key, words in problems.items()})
    return values


def _typed(field: FieldDefinition, value: object) -> object:
    if value in (None, ""):
        return None
    if field.type == TYPES.NUMBER:
        return _number(value)
    if field.type == TYPES.DAY:
        return _day(value)
    if field.type == TYPES.YES_NO:
        if not isinstance(value, bool):
            raise ValueError("Yes or no is wanted: true or false.")
        return value
    if not isinstance(value, str) or len(value) > LONGEST:
        raise ValueError(f"A text of {LONGEST:,} characters at most is wanted.")
    if field.type == TYPES.CHOICE and value not in field.choices:
        raise ValueError(f"Choose one of {', '.join(field.choices)}; got {value!r}.")
    return value


def _number(value: object) -> float | int:
    try:
        number = float(str(value))
    except ValueError:
        number = float("nan")
    if isinstance(value, bool) or number != number or abs(number) == float("inf"):
        raise ValueError(f"A number is wanted, got {value!r}.")
    return int(number) if number.is_integer() else number


def _day(value: object) -> str:
    try:
        day = value if isinstance(value, date) else parse_date(str(value))
    except ValueError:
        day = None
    if day is None:
        raise ValueError(f"A date is wanted, such as 2026-11-30; got {value!r}.")
    return day.isoformat()
