"""What any list of records that belong to a unit can be narrowed by."""

import django_filters
from django.db.models import QuerySet

from accounts.models import Unit


class UnitFilter(django_filters.CharFilter):
    """A unit by its code; covers all units below it. `field_name` leads to the unit: `unit` or `model__unit`."""

    def filter(self, queryset: QuerySet, code: str) -> QuerySet:
        if not code:
            return queryset
        unit = Unit.objects.filter(code=code).first()
        return queryset.filter(**{f"{self.field_name}__path__startswith": unit.path}) if unit else queryset.none()
