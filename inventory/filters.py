"""What the list of models can be narrowed by: one set of filters for page, API, exports and bulk changes."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import django_filters
from django import forms
from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.http import QueryDict

from accounts.filters import UnitFilter
from accounts.models import Account, PersonDetails
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
        named = PersonDetails.objects.filter(Q(full_name__icontains=words) | Q(person__hr_number__iexact=words))
        return queryset.filter(
            **{f"{self.field_name}__in": list(named.values_list("person_id", flat=True)[:MOST_OWNERS])}
        )


class TagsFilter(django_filters.CharFilter):
    """Models that have each of the tags, which commas part."""

    def filter(self, queryset: QuerySet, words: str) -> QuerySet:
        tags = [tag for tag in map(str.strip, (words or "").split(",")) if tag]
        return queryset.filter(tags__contains=tags) if tags else queryset


class SinceFilter(django_filters.DateFilter):
    """From the beginning of a day of the bank's on."""

    def filter(self, queryset: QuerySet, day: date | None) -> QuerySet:
        return queryset.filter(**{f"{self.field_name}__gte": beginning_of(day)}) if day else queryset


class UntilFilter(django_filters.DateFilter):
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
