import django_filters
from django import forms

from accounts.models import Unit
from monitoring.models import Breach


class BreachFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(field_name="model__name", lookup_expr="icontains", label="Model", max_length=100)
    level = django_filters.MultipleChoiceFilter(
        choices=Breach.Level.choices, label="Level", widget=forms.CheckboxSelectMultiple
    )
    metric = django_filters.CharFilter(label="Metric", max_length=40)
    unit = django_filters.CharFilter(method="below_unit", label="Unit")

    class Meta:
        model = Breach
        fields = ["q", "level", "metric", "unit"]

    def below_unit(self, queryset, name, code):
        unit = Unit.objects.filter(code=code).first()
        return queryset.filter(model__unit__path__startswith=unit.path) if unit else queryset.none()
