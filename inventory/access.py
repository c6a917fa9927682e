"""Which model an address means, and as at which day."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from accounts.models import Person, Unit
from accounts.refusals import InvalidInput, NotNow
from audit.reading import position_at, row_as_at, rows_as_at
from inventory.models import Model, ModelVersion


def find_model(request: HttpRequest, ref: str) -> Model:
    """The model by its ref or external id, where who asks may see it; else 404."""
    visible = Model.objects.visible_to(request.user).select_related(
        "unit__parent", "owner__details", "developer__details", "registered_by__details", "standing"
    )
    return get_object_or_404(visible.called(ref))


def day_asked(query) -> date | None:
    """The day of `?as_at=`; None where none is asked for. Raises InvalidInput for what is no past day."""
    asked = query.get("as_at", "")
    if not asked:
        return None
    try:
        day = date.fromisoformat(asked)
    except ValueError:
        raise InvalidInput({"as_at": f"A day such as 2026-06-30 is wanted, got {asked[:40]!r}."}) from None
    today = datetime.now(ZoneInfo(settings.BANK_TIME_ZONE)).date()
    if day > today or day.year < 2:
        raise InvalidInput({"as_at": f"A day up to today, {today}, is wanted, got {day}."})
    return day


def check_now(query) -> None:
    """Nothing is written in the past. Raises NotNow where a day is asked for."""
    if query.get("as_at"):
        raise NotNow("As at a day nothing can be changed; leave `as_at` out to change the record as it stands now.")


def find_model_as_at(request: HttpRequest, ref: str, day: date) -> tuple[Model, list[ModelVersion]]:
    """A model and its versions as they were recorded at the end of a day, where who asks may see the model now."""
    now, position = find_model(request, ref), position_at(day)
    row = row_as_at(f"inventory.model:{now.pk}", position)
    if row is None:
        raise Http404
    versions = [record_of(ModelVersion, each) for each in rows_as_at(ModelVersion, position, trail=now)]
    return with_names([record_of(Model, row)])[0], sorted(versions, key=lambda v: (v.registered_at, v.pk), reverse=True)


def record_of[R: (Model, ModelVersion)](kind: type[R], row: dict) -> R:
    """A past row as a record, for reading alone. `not_recorded` names the fields that were not kept then."""
    fields = {field.attname: field for field in kind._meta.concrete_fields}
    record = kind(**{name: fields[name].to_python(value) for name, value in row.items() if name in fields})
    record.not_recorded = fields.keys() - row.keys()
    return record


def with_names(models: list[Model]) -> list[Model]:
    """Past models with their units and people, whose names are those of now. Two queries, however many models."""
    units = Unit.objects.select_related("parent").in_bulk({model.unit_id for model in models})
    keys = {key for model in models for key in (model.owner_id, model.developer_id, model.registered_by_id) if key}
    people = Person.objects.select_related("details").in_bulk(keys)
    for model in models:
        model.unit, model.owner = units[model.unit_id], people[model.owner_id]
        model.developer = people.get(model.developer_id)
        model.registered_by = people[model.registered_by_id]
    return models
