"""Pages of the API's lists: what `after` names, and what the next page begins behind."""

from django.db.models import Model, QuerySet
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from web.text import is_storable
from web.wording import SAID, quoted

LARGEST = 2**63 - 1  # of a key


def page_after(rows: QuerySet, query, *, size: int) -> tuple[list[Model], int | None]:
    """One page of `rows`, newest first, behind the one that `?after=` names; and what the next page is behind.

    Raises ValidationError where `after` is none of what a page gave.
    """
    asked = query.get("after", "")
    if asked and not (asked.isascii() and asked.isdigit() and int(asked) <= LARGEST):
        raise unknown_place(asked)
    found = rows.filter(pk__lt=int(asked)) if asked else rows
    page = list(found.order_by("-pk")[: size + 1])
    return page[:size], page[size - 1].pk if len(page) > size else None


def text_after(query) -> str:
    """`?after=` of a list that is sorted by a text. Raises ValidationError where it can be none."""
    asked = query.get("after", "")
    if not is_storable(asked):
        raise unknown_place(asked)
    return asked


def unknown_place(asked: str) -> serializers.ValidationError:
    sentence = f"What `next` of a page gave is wanted, got {quoted(asked)}."
    return serializers.ValidationError({"after": [ErrorDetail(sentence, SAID)]})
