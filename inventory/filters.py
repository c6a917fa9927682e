"""What the list of models can be narrowed and sorted by: the same for page and API."""

import django_filters
from django import forms

from accounts.filters import UnitFilter
from inventory.models import Model, Standing

# What the list can be sorted by: key → field to order by, path of the value on a model.
SORTS = {
    "ref": ("ref", "ref"),
    "name": ("name", "name"),
    "tier": ("tier", "tier"),
    "light": ("standing__light", "standing.light"),
    "auc": ("standing__latest_auc", "standing.latest_auc"),
    "psi": ("standing__latest_score_psi", "standing.latest_score_psi"),
    "breaches": ("standing__open_breaches", "standing.open_breaches"),
}


class ModelFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", label="Name, id, external id or owner", max_length=100)
    tier = django_filters.MultipleChoiceFilter(
        choices=[(n, f"Tier {n}") for n in (1, 2, 3, 4)], label="Tier", widget=forms.CheckboxSelectMultiple
    )
    stage = django_filters.MultipleChoiceFilter(
        choices=Model.Stage.choices, label="Status", widget=forms.CheckboxSelectMultiple
    )
    kind = django_filters.MultipleChoiceFilter(
        choices=Model.Kind.choices, label="Kind", widget=forms.CheckboxSelectMultiple
    )
    light = django_filters.MultipleChoiceFilter(
        field_name="standing__light",
        choices=Standing.Light.choices,
        label="Monitoring",
        widget=forms.CheckboxSelectMultiple,
    )
    unit = UnitFilter(field_name="unit", label="Unit")

    class Meta:
        model = Model
        fields = ["q", "tier", "stage", "kind", "light", "unit"]

    def search(self, queryset, name, words):
        return queryset.matching(words)
