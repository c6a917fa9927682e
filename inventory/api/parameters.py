"""Parameters of the API's lists, as its description names them: the filters of the pages, one for one."""

from datetime import date

import django_filters
from drf_spectacular.utils import OpenApiParameter

from inventory.filters import ModelFilter, PersonFilter, TagsFilter

MORE = {  # what a label does not say
    "q": "Words in name, id, external id, purpose or description; near names too",
    "unit": "A unit's code; covers the units below it",
}


def model_filters() -> list[OpenApiParameter]:
    """One parameter for each filter of the list of models."""
    return [_parameter(name, filter_) for name, filter_ in ModelFilter.base_filters.items()]


def _parameter(name: str, filter_: django_filters.Filter) -> OpenApiParameter:
    description = MORE.get(name, f"{filter_.label}{_hint(filter_)}")
    if not isinstance(filter_, django_filters.MultipleChoiceFilter):
        return OpenApiParameter(name, _type(filter_), description=description)
    values = [str(value) for value, _ in filter_.extra["choices"]]
    none = filter_.extra.get("null_value")
    return OpenApiParameter(
        name,
        str,
        many=True,
        enum=[*values, *([none] if filter_.extra.get("null_label") else [])],
        description=description,
    )


def _type(filter_: django_filters.Filter) -> type:
    if isinstance(filter_, django_filters.NumberFilter):
        return float
    return date if isinstance(filter_, django_filters.DateFilter) else str


def _hint(filter_: django_filters.Filter) -> str:
    if isinstance(filter_, PersonFilter):
        return ", by HR number or part of the name"
    if isinstance(filter_, TagsFilter):
        return ", parted by commas; a model has each of them"
    return ", a day in the bank's zone" if isinstance(filter_, django_filters.DateFilter) else ""
