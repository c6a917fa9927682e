"""Pages of the API's lists: sorted as asked, each beginning behind the place that the one before gave."""

from collections.abc import Mapping

from django.db.models import F, Model, QuerySet
from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from web.keyset import KeysetPage
from web.wording import SAID, quoted

AFTER = OpenApiParameter("after", str, description="`next` of the page before, with the same `sort`")


def sort_parameter(sorts: Mapping[str, tuple[str, str]], default: str) -> OpenApiParameter:
    """How the API's description names the ways in which a list can be sorted."""
    return OpenApiParameter(
        "sort",
        str,
        enum=_ways(sorts),
        description=f"Field to sort by, with - before it downwards; without it, {default}",
    )


def page_of(
    rows: QuerySet, query: QueryDict, *, sorts: Mapping[str, tuple[str, str]], default: str, size: int
) -> tuple[list[Model], str | None]:
    """One page of `rows` as `?sort=` and `?after=` ask, and what the next page is behind. See web.keyset.

    Raises ValidationError where one of them is none of those that there are.
    """
    asked = sort_of(query, sorts, default)
    page = KeysetPage(rows, _place_and_sort(query), sorts=sorts, default=asked, size=size)
    after = query.get("after", "")
    if after and not page.is_at_a_place:
        raise _refused("after", f"What `next` of a page gave is wanted, got {quoted(after)}.")
    return page.rows, page.next_place


def in_order(rows: QuerySet, query: QueryDict, *, sorts: Mapping[str, tuple[str, str]], default: str) -> QuerySet:
    """A short list that has one page alone, as `?sort=` asks; empty values last. Raises ValidationError as above."""
    asked = sort_of(query, sorts, default)
    field = F(sorts[asked.removeprefix("-")][0])
    return rows.order_by(field.desc(nulls_last=True) if asked.startswith("-") else field.asc(nulls_last=True), "pk")


def sort_of(query: QueryDict, sorts: Mapping[str, tuple[str, str]], default: str) -> str:
    """The way of sorting that is asked for. Raises ValidationError where it is none of those that there are."""
    asked = query.get("sort", "") or default
    if asked not in _ways(sorts):
        raise _refused("sort", f"One of {', '.join(_ways(sorts))} is wanted, got {quoted(asked)}.")
    return asked


def _ways(sorts: Mapping[str, tuple[str, str]]) -> list[str]:
    return [way for key in sorts for way in (key, f"-{key}")]


def _place_and_sort(query: QueryDict) -> QueryDict:
    """The query without `before`: the API's lists are read forwards."""
    query = query.copy()
    query.pop("before", None)
    return query


def _refused(name: str, sentence: str) -> serializers.ValidationError:
    return serializers.ValidationError({name: [ErrorDetail(sentence, SAID)]})
