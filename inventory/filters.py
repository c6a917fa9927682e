"""What the list of models can be narrowed by: one set of filters for page, API, exports and bulk changes."""

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import django_filters
from django import forms
from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.http import QueryDict

from accounts.filters import UnitFilter
from accounts.models import Account, PersonDetails, Unit
from accounts.permissions import seen_units
from audit.reading import Condition, found_as_at, position_at
from inventory.access import record_of, with_names
from inventory.models import Model, ModelVersion, Standing
from inventory.models.model import MOST_OWNERS
from inventory.services.columns import COLUMNS, RELATED

NONE = "none"  # in an address, what stands for an empty value


class ChosenFilter(django_filters.MultipleChoiceFilter):
    """Some of a few values. Its column is one of the row, so that no row comes twice."""

    def __init__(self, **options):
        super().__init__(distinct=False, widget=forms.CheckboxSelectMultiple, **options)


class PersonFilter(django_filters.CharFilter):
    """A person by HR number or by part of the name, looked up first: beside a subquery every model would be read."""

    def filter(self, queryset: QuerySet, words: str) -> QuerySet:
        if not words:
            return queryset
        return queryset.filter(**{f"{self.field_name}__in": people_named(words)})


def people_named(words: str) -> list[int]:
    """Keys of the people with this HR number, or whose name holds the words."""
    named = PersonDetails.objects.filter(Q(full_name__icontains=words) | Q(person__hr_number__iexact=words))
    return list(named.values_list("person_id", flat=True)[:MOST_OWNERS])


class TagsFilter(django_filters.CharFilter):
    """Models that have each of the tags, which commas part."""

    def filter(self, queryset: QuerySet, words: str) -> QuerySet:
        tags = [tag for tag in map(str.strip, (words or "").split(",")) if tag]
        return queryset.filter(tags__contains=tags) if tags else queryset


class DayFilter(django_filters.DateFilter):
    """A day of the bank's, picked from a calendar."""

    def __init__(self, **options):
        super().__init__(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **options)


class SinceFilter(DayFilter):
    """From the beginning of a day of the bank's on."""

    def filter(self, queryset: QuerySet, day: date | None) -> QuerySet:
        return queryset.filter(**{f"{self.field_name}__gte": beginning_of(day)}) if day else queryset


class UntilFilter(DayFilter):
    """Up to the end of a day of the bank's."""

    def filter(self, queryset: QuerySet, day: date | None) -> QuerySet:
        return queryset.filter(**{f"{self.field_name}__lt": beginning_of(day, ahead=1)}) if day else queryset


def beginning_of(day: date, *, ahead: int = 0) -> datetime:
    """Midnight of a day in the bank's zone; of the calendar's first and last days, as near as there is."""
    moved = day if day == date.max else day + timedelta(days=ahead)
    return datetime.combine(max(moved, date(2, 1, 1)), time(), ZoneInfo(settings.BANK_TIME_ZONE))


class ModelFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", label="Name, id, external id or owner", max_length=100)
    tier = ChosenFilter(
        choices=[(n, f"Tier {n}") for n in (1, 2, 3, 4)], null_value=NONE, null_label="No tier", label="Tier"
    )
    stage = ChosenFilter(choices=Model.Stage.choices, label="Status")
    kind = ChosenFilter(choices=Model.Kind.choices, label="Kind")
    light = ChosenFilter(field_name="standing__light", choices=Standing.Light.choices, label="Monitoring")
    unit = UnitFilter(field_name="unit", label="Unit")
    owner = PersonFilter(field_name="owner", label="Owner", max_length=100)
    developer = PersonFilter(field_name="developer", label="Developer", max_length=100)
    tags = TagsFilter(label="Tags", max_length=200)
    digest = ChosenFilter(
        field_name="standing__latest_digest_state",
        choices=[*ModelVersion.DigestState.choices, (NONE, "No version")],
        label="Artefact",
        method="by_digest",
    )
    registered_since = SinceFilter(field_name="registered_at", label="Registered since")
    registered_until = UntilFilter(field_name="registered_at", label="Registered until")
    run_since = SinceFilter(field_name="standing__last_run_at", label="Last run since")
    run_until = UntilFilter(field_name="standing__last_run_at", label="Last run until")
    breaches_min = django_filters.NumberFilter(
        field_name="standing__open_breaches", lookup_expr="gte", label="Breaches from", min_value=0, decimal_places=0
    )
    auc_max = django_filters.NumberFilter(field_name="standing__latest_auc", lookup_expr="lte", label="AUC up to")
    psi_min = django_filters.NumberFilter(field_name="standing__latest_score_psi", lookup_expr="gte", label="PSI from")

    class Meta:
        model = Model
        fields = []

    def search(self, queryset, name, words):
        return queryset.matching(words)

    def by_digest(self, queryset, name, states):
        return queryset.filter(**{f"{name}__in": ["" if state == NONE else state for state in states]})


def models_asked_for(query: QueryDict, account: Account) -> QuerySet[Model]:
    """Every model that the list shows for this query, in its order; none where a filter cannot be read."""
    visible = Model.objects.visible_to(account)
    filters = ModelFilter(query, queryset=visible)
    matching = filters.qs if filters.is_valid() else visible.none()
    asked = query.get("sort", "")
    column = COLUMNS.get(asked.removeprefix("-"))
    field = F(column.sort if column and column.sort else "ref")
    order = field.desc(nulls_last=True) if asked.startswith("-") else field.asc(nulls_last=True)
    return matching.select_related(*RELATED).order_by(order, "pk")


# ---- as at a day ----------------------------------------------------------------------------------------------
KEPT = ("q", "tier", "stage", "kind", "unit", "owner", "developer", "tags", "registered_since", "registered_until")


def not_kept(query: QueryDict) -> list[str]:
    """Labels of the filters in use of which the trail has nothing: how a model stands is derived."""
    return [filter_.label for name, filter_ in ModelFilter.base_filters.items() if name not in KEPT and query.get(name)]


def models_as_at(query: QueryDict, account: Account, day: date, *, after: str, size: int) -> tuple[list[Model], int]:
    """One page of the models as they were recorded at the end of a day, by ref, and how many there were in all.

    What one may see is decided as of now. None where a filter cannot be read, or is of something that is not kept.
    """
    filters = ModelFilter(query, queryset=Model.objects.none())
    if not filters.is_valid() or not_kept(query):
        return [], 0
    visible = Model.objects.visible_to(account)
    rows, total = found_as_at(
        Model,
        position_at(day),
        list(_conditions(filters.form.cleaned_data)),
        pks=None if seen_units(account, "unit__path") == Q() else list(visible.values_list("pk", flat=True)),
        order="ref",
        after=after,
        size=size,
    )
    return with_names([record_of(Model, row) for row in rows]), total


def _conditions(asked: dict) -> Iterator[Condition]:
    if asked["q"]:
        yield Condition("words", ["name", "ref", "external_id", "purpose", "description"], asked["q"])
    for name in ("stage", "kind"):
        if asked[name]:
            yield Condition("any", name, asked[name])
    if asked["tier"]:
        yield Condition("any or empty" if NONE in asked["tier"] else "any", "tier", [str(n) for n in asked["tier"]])
    if asked["unit"]:
        unit = Unit.objects.filter(code=asked["unit"]).first()
        within = Unit.objects.filter(path__startswith=unit.path) if unit else Unit.objects.none()
        yield Condition("any", "unit_id", [str(pk) for pk in within.values_list("pk", flat=True)])
    for name in ("owner", "developer"):
        if asked[name]:
            yield Condition("any", f"{name}_id", [str(pk) for pk in people_named(asked[name])])
    if tags := [tag for tag in map(str.strip, asked["tags"].split(",")) if tag]:
        yield Condition("holds", "tags", json.dumps(tags))
    if asked["registered_since"]:
        yield Condition("from", "registered_at", beginning_of(asked["registered_since"]))
    if asked["registered_until"]:
        yield Condition("before", "registered_at", beginning_of(asked["registered_until"], ahead=1))
