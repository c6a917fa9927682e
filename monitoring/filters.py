import django_filters
from django import forms
from django.db.models import Q, QuerySet

from accounts.filters import UnitFilter
from jobs.models import Job
from monitoring.models import Breach, Run
from monitoring.wording import name_of


class BreachFilter(django_filters.FilterSet):
    """metrics: (name, words) of the metrics that can be chosen. The breaches come with their place."""

    state = django_filters.ChoiceFilter(
        choices=[("stands", "Stands"), ("past", "Past"), ("all", "All")],
        method="in_state",
        label="State",
        empty_label=None,
        widget=forms.RadioSelect,
    )
    q = django_filters.CharFilter(method="with_words", label="Search", max_length=100)
    level = django_filters.MultipleChoiceFilter(
        choices=Breach.Level.choices, label="Level", widget=forms.CheckboxSelectMultiple
    )
    metric = django_filters.MultipleChoiceFilter(label="Metric", widget=forms.CheckboxSelectMultiple)
    unit = UnitFilter(field_name="model__unit", label="Unit")

    class Meta:
        model = Breach
        fields = ["state", "q", "level", "metric", "unit"]

    def __init__(self, *args, metrics: list[tuple[str, str]], **kwargs):
        super().__init__(*args, **kwargs)
        self.filters["metric"].extra["choices"] = metrics

    def in_state(self, queryset, name, state):
        return queryset if state == "all" else queryset.filter(stands=state == "stands")

    def with_words(self, queryset, name, words):
        return queryset.filter(
            Q(model__name__icontains=words) | Q(model__ref__iexact=words) | Q(column__icontains=words)
        )


class RunFilter(django_filters.FilterSet):
    state = django_filters.MultipleChoiceFilter(field_name="job__state", choices=Job.State.choices, label="State")
    outcome = django_filters.MultipleChoiceFilter(choices=Run.Outcome.choices, label="Outcome")

    class Meta:
        model = Run
        fields = ["state", "outcome"]


def metrics_of(breaches: QuerySet[Breach]) -> list[tuple[str, str]]:
    """Metric and words of each that is breached somewhere."""
    names = breaches.order_by("metric").values_list("metric", flat=True).distinct()
    return [(name, name_of(name)) for name in names]
