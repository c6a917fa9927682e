"""Keyset pages: a page starts after the last row of the one before, whatever the depth.

Deep OFFSET makes the database count and throw away every row before the page.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from django.db.models import F, Q, QuerySet


class KeysetPage:
    """One page of `queryset`, sorted by `?sort=key` or `?sort=-key` and then by primary key.

    sorts    key of the address → (field to order by, dotted path of the value on a row)
    Empty values sort last in both directions.
    """

    def __init__(self, queryset: QuerySet, query, *, sorts: Mapping[str, tuple[str, str]], default: str, size: int):
        asked = query.get("sort", default)
        self.descending = asked.startswith("-")
        self.key = asked.lstrip("-") if asked.lstrip("-") in sorts else default
        self.field, self._path = sorts[self.key]
        self._query = query
        self.after = query.get("after", "")
        start = self._start(self.after)
        rows = list(self._ordered(queryset.filter(start) if start is not None else queryset)[: size + 1])
        self.rows, self._more = rows[:size], len(rows) > size

    @property
    def next_url(self) -> str | None:
        if not self._more:
            return None
        last = self.rows[-1]
        return self._url(_pack([self._value(last), last.pk]))

    @property
    def first_url(self) -> str | None:
        return self._url("") if self.after else None

    def _ordered(self, queryset: QuerySet) -> QuerySet:
        field = F(self.field)
        by = field.desc(nulls_last=True) if self.descending else field.asc(nulls_last=True)
        return queryset.order_by(by, "pk")

    def _start(self, after: str) -> Q | None:
        """Rows that come after the one that `after` names; None from the start, or where it cannot be read."""
        place = _unpack(after) if after else None
        if place is None:
            return None
        value, pk = place
        if value is None:
            return Q(**{f"{self.field}__isnull": True}, pk__gt=pk)
        side = "lt" if self.descending else "gt"
        beyond = Q(**{f"{self.field}__{side}": value}) | Q(**{self.field: value}, pk__gt=pk)
        return beyond | Q(**{f"{self.field}__isnull": True})

    def _value(self, row):
        for name in self._path.split("."):
            row = getattr(row, name)
        return row

    def _url(self, after: str) -> str:
        query = self._query.copy()
        query.pop("after", None)
        if after:
            query["after"] = after
        return f"?{query.urlencode()}"


def _pack(place: list) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _unpack(text: str) -> list | None:
    try:
        place = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        return None
    return place if isinstance(place, list) and len(place) == 2 and isinstance(place[1], int) else None
