"""Keyset pages: a page starts beside a row of the one before, whatever the depth.

Deep OFFSET makes the database count and throw away every row before the page.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.db.models import F, Q, QuerySet
from django.http import QueryDict

from web.text import is_storable


class KeysetPage:
    """One page of `queryset`, sorted by `?sort=key` or `?sort=-key` and then by primary key.

    sorts    key of the address → (field to order by, dotted path of the value on a row)
    Empty values sort last in both directions. `?after=` and `?before=` name the row that the page lies beside.
    """

    def __init__(
        self,
        queryset: QuerySet,
        query: QueryDict,
        *,
        sorts: Mapping[str, tuple[str, str]],
        default: str,
        size: int,
    ):
        asked = query.get("sort", "")
        asked = asked if asked.removeprefix("-") in sorts else default
        self.key, self.descending = asked.removeprefix("-"), asked.startswith("-")
        self.field, self._path = sorts[self.key]
        self._query = query
        self._after, self._before = _unpack(query.get("after", "")), _unpack(query.get("before", ""))
        self.rows, self._has_more = self._read(queryset, size)

    @property
    def next_place(self) -> str | None:
        """What `?after=` of the next page names; None at the end."""
        return self._place_of(self.rows[-1]) if self.rows and (self._has_more or self._backwards) else None

    @property
    def is_at_a_place(self) -> bool:
        """Whether the address names a place of this sort; where it names what is none, the list starts anew."""
        return self._after is not None or self._before is not None

    @property
    def next_url(self) -> str | None:
        return self._url(after=self.next_place) if self.next_place else None

    @property
    def previous_url(self) -> str | None:
        more = self._has_more if self._backwards else self._after
        return self._url(before=self._place_of(self.rows[0])) if self.rows and more else None

    @property
    def first_url(self) -> str | None:
        return self._url() if self._after or self._before else None

    def foot(self, *, total: int, noun: str) -> dict:
        """What templates/parts/pages.html needs."""
        return {
            "shown": len(self.rows),
            "total": total,
            "noun": noun,
            "first_url": self.first_url,
            "previous_url": self.previous_url,
            "next_url": self.next_url,
        }

    @property
    def _backwards(self) -> bool:
        return self._before is not None

    def _read(self, queryset: QuerySet, size: int) -> tuple[list, bool]:
        """The page's rows in order, and whether there are more in the direction of reading."""
        rows = list(self._start(queryset).order_by(*self._order())[: size + 1])
        page = rows[:size]
        return (page[::-1] if self._backwards else page), len(rows) > size

    def _start(self, queryset: QuerySet) -> QuerySet:
        """What lies beyond the place that the address names; all of it, where that is no place of this sort."""
        try:
            if self._backwards:
                return queryset.filter(self._ahead_of(*self._before))
            return queryset.filter(self._behind(*self._after)) if self._after else queryset
        except (TypeError, ValueError, OverflowError, ValidationError):
            self._after = self._before = None
            return queryset

    def _order(self) -> tuple:
        field, downwards = F(self.field), self.descending is not self._backwards
        empty = {"nulls_first": True} if self._backwards else {"nulls_last": True}
        by = field.desc(**empty) if downwards else field.asc(**empty)
        return by, "-pk" if self._backwards else "pk"

    def _behind(self, value, pk: int) -> Q:
        """Rows after the one that has `value` and `pk`."""
        if value is None:
            return Q(**{f"{self.field}__isnull": True}, pk__gt=pk)
        side = "lt" if self.descending else "gt"
        beyond = Q(**{f"{self.field}__{side}": value}) | Q(**{self.field: value}, pk__gt=pk)
        return beyond | Q(**{f"{self.field}__isnull": True})

    def _ahead_of(self, value, pk: int) -> Q:
        """Rows before the one that has `value` and `pk`."""
        if value is None:
            return Q(**{f"{self.field}__isnull": False}) | Q(pk__lt=pk)
        side = "gt" if self.descending else "lt"
        return Q(**{f"{self.field}__{side}": value}) | Q(**{self.field: value}, pk__lt=pk)

    def _place_of(self, row) -> str:
        value = row
        for name in self._path.split("."):
            value = getattr(value, name)
        return _pack([value, row.pk])

    def _url(self, **place: str) -> str:
        query = self._query.copy()
        for side in ("after", "before"):
            query.pop(side, None)
        query.update(place)
        return f"?{query.urlencode()}"


def _pack(place: list) -> str:
    return base64.urlsafe_b64encode(json.dumps(place, default=str).encode()).decode().rstrip("=")


def _unpack(text: str) -> list | None:
    """[value, pk]; None where there is nothing, or nothing that can be read: the list starts at its beginning."""
    try:
        place = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, RecursionError):
        return None
    is_place = isinstance(place, list) and len(place) == 2 and isinstance(place[1], int)
    return place if is_place and (not isinstance(place[0], str) or is_storable(place[0])) else None
