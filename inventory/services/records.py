"""Verbs on what the record of a model says: read it for an edit, edit it, and say what moved meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Field
from django.db.models import Model as Record

from accounts.models import Account, Person
from accounts.refusals import InvalidInput
from audit.reading import head_digest, history_of
from audit.services import record
from inventory import events, permissions, policies
from inventory.models import Model, Profile
from inventory.refusals import ChangedSince
from inventory.services.fields import own_values
from inventory.services.models import EDITABLE

OF_PROFILE = tuple(field.name for field in Profile._meta.concrete_fields if field.name not in ("id", "model"))
OF_RECORD = (*EDITABLE, *OF_PROFILE)
# What a record says of how far the bank may trust the model: not for its own people to say.
SAID_BY_ANOTHER = ("rating_basis", "negligible_exemption")


def profile_of(model: Model) -> Profile:
    """The model's profile; an empty one, not stored, where nothing was filled in yet."""
    return Profile.objects.filter(model=model).first() or Profile(model=model)


def record_digest(model: Model) -> str:
    """What the record of a model is now, both of its rows: its ETag."""
    profile = profile_of(model)
    return f"{head_digest(model)}.{head_digest(profile) if profile.pk else ''}"


def record_values(model: Model) -> dict[str, object]:
    """Each field that can be edited, with its value now."""
    profile = profile_of(model)
    return {name: getattr(profile if name in OF_PROFILE else model, name) for name in OF_RECORD}


def record_values_at(model: Model, digest: str) -> dict[str, object]:
    """The same as it was when its digest was this; of an unknown digest, as it is now."""
    of_model, _, of_profile = digest.partition(".")
    found = values_at(model, EDITABLE, of_model), values_at(profile_of(model), OF_PROFILE, of_profile)
    return record_values(model) if not of_model or None in found else found[0] | found[1]


def values_at(stored: Record, names: Iterable[str], digest: str) -> dict[str, object] | None:
    """Fields of a governed row as they were when its digest was this; of no digest, as they begin."""
    if not digest:
        return {name: stored._meta.get_field(name).get_default() for name in names}
    try:
        version = history_of(stored).filter(body_sha256=bytes.fromhex(digest)).last()
    except ValueError:
        return None
    return {name: _value(stored._meta.get_field(name), version.row) for name in names} if version else None


def _value(field: Field, row: dict) -> object:
    if field.is_relation:
        return field.related_model.objects.filter(pk=row.get(field.column)).first()
    return field.to_python(row[field.column]) if field.column in row else field.get_default()


def _field(name: str) -> Field:
    return (Profile if name in OF_PROFILE else Model)._meta.get_field(name)


@transaction.atomic
def edit_record(*, model: Model, changes: dict, expected_digest: str, by: Account) -> Model:
    """Change fields of a model's record that still is what the editor read.

    expected_digest  of `record_digest` as the editor read it; raises ChangedSince where it moved
    Raises NotPermitted where the model's own people say what another person says of it.
    """
    model = Model.objects.select_for_update(of=("self",)).select_related("unit").get(pk=model.pk)
    permissions.check_can_edit(by, model)
    policies.check_not_retired(model)
    if record_digest(model) != expected_digest:
        raise ChangedSince(f"{model.ref} was changed since you read it. Read it again, then repeat your change.")
    moved = _moved(model, changes)
    if not moved:
        return model
    if set(moved) & set(SAID_BY_ANOTHER):
        permissions.check_can_judge(by, model, "how its rating stands and whether it is exempt")
    words = [f"{label_of(name)}: {in_words(before)} → {in_words(after)}" for name, (before, after) in moved.items()]
    stored = _store(model, {name: after for name, (_, after) in moved.items()})
    record(
        events.RECORD_EDITED,
        subject=model,
        rows=stored,
        by=by,
        data={"changes": "; ".join(words), "fields": sorted(moved)},
    )
    return model


def _moved(model: Model, changes: dict) -> dict[str, tuple[object, object]]:
    """Field → (before, after) of what differs. Raises InvalidInput for a field that is none of the record."""
    unknown = sorted(set(changes) - set(OF_RECORD))
    if unknown:
        raise InvalidInput(dict.fromkeys(unknown, "This field cannot be changed here."))
    now = record_values(model)
    if "own" in changes:
        kept = now["own"] | own_values(model, changes["own"])
        changes = changes | {"own": {key: value for key, value in kept.items() if value is not None}}
    return {name: (now[name], value) for name, value in changes.items() if now[name] != value}


def _store(model: Model, values: dict) -> list[Model | Profile]:
    """Store each value where it belongs; return the rows that changed."""
    stored = []
    of_profile = {name: value for name, value in values.items() if name in OF_PROFILE}
    of_model = {name: value for name, value in values.items() if name not in OF_PROFILE}
    if of_model:
        _set(model, of_model)
        model.save(update_fields=list(of_model))
        stored.append(model)
    if of_profile:
        profile = profile_of(model)
        _set(profile, of_profile)
        profile.save()
        stored.append(profile)
    return stored


def _set(stored: Model | Profile, values: dict) -> None:
    for name, value in values.items():
        setattr(stored, name, value)
    try:
        stored.full_clean(validate_unique=False)
    except ValidationError as faults:
        raise InvalidInput({name: " ".join(words) for name, words in faults.message_dict.items()}) from faults


def label_of(name: str) -> str:
    words = str(_field(name).verbose_name)
    return f"{words[:1].upper()}{words[1:]}"


def in_words(value: object) -> str:
    """A value as the trail says it: of a person the number, since names can be erased."""
    if value in (None, "", {}):
        return "–"
    if isinstance(value, Person):
        return value.hr_number
    if isinstance(value, dict):
        return ", ".join(f"{key} {said}" for key, said in sorted(value.items()))
    return f"{value:%d %b %Y}" if isinstance(value, date) else str(value)
