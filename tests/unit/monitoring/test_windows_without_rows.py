"""Windows in which nothing came: between those that have rows, and where some were due."""

from datetime import date

import pytest

from engines.versions import MOST_VERSIONS, pooled
from monitoring.measures.windows import MOST_EMPTY, MeasuredWindow, _without_rows, complete_by


def with_rows(*starts: date) -> list[MeasuredWindow]:
    return [MeasuredWindow(start, start, 10, 0, "", [], {}) for start in starts]


def test_months_between_two_that_have_rows_are_there_and_none_before_or_behind():
    empty = _without_rows(with_rows(date(2026, 5, 1), date(2026, 2, 1)), "month", None)

    assert [window.start_on for window in empty] == [date(2026, 3, 1), date(2026, 4, 1)]
    assert {(window.rows, window.labelled, len(window.figures)) for window in empty} == {(0, 0, 0)}


def test_what_is_due_is_there_though_no_row_ever_came():
    empty = _without_rows([], "week", (date(2026, 3, 4), date(2026, 3, 17)))

    assert [window.start_on for window in empty] == [date(2026, 3, 2), date(2026, 3, 9), date(2026, 3, 16)]


def test_one_row_of_a_wrong_century_makes_no_window_of_every_day_since():
    empty = _without_rows(with_rows(date(1926, 1, 1), date(2026, 1, 1)), "day", None)

    assert len(empty) == MOST_EMPTY
    assert max(window.start_on for window in empty) == date(2025, 12, 31)


@pytest.mark.parametrize(
    ("span", "last"), [("day", date(2026, 3, 4)), ("week", date(2026, 3, 1)), ("month", date(2026, 2, 28))]
)
def test_a_window_is_complete_once_its_last_day_is_over(span, last):
    assert complete_by(date(2026, 3, 5), span) == last


def test_of_too_many_versions_those_that_sort_first_are_named_and_no_row_is_lost():
    rows = {(1, f"v{number:03}"): 2 for number in range(MOST_VERSIONS + 10)} | {(1, "(missing)"): 3}

    found = pooled(rows)

    assert len(found) == MOST_VERSIONS + 2
    assert (found[1, "(other)"], found[1, "(missing)"]) == (20, 3)
    assert sum(found.values()) == sum(rows.values())
