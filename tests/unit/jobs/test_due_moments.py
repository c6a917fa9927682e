"""When a schedule is due: the wall clock of the bank's zone, through gaps, repeats and short months."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from jobs.models import Schedule
from jobs.schedules import MOST_SLOTS, due_slots, following

LONDON = "Europe/London"


def schedule(cadence="daily", at="04:00", zone=LONDON, **more):
    return Schedule(cadence=cadence, at_local_time=time.fromisoformat(at), time_zone=zone, **more)


def moments(schedule, first: str, count: int) -> list[datetime]:
    """`count` due moments from a local wall time on, in the schedule's zone."""
    due_at = datetime.fromisoformat(first).replace(tzinfo=schedule.zone).astimezone(UTC)
    found = [due_at]
    while len(found) < count:
        found.append(following(schedule, found[-1]))
    return [moment.astimezone(schedule.zone) for moment in found]


def words(moments: list[datetime]) -> list[str]:
    return [f"{moment:%d %b %H:%M %Z}" for moment in moments]


def test_the_wall_clock_stays_the_same_when_summer_time_begins_and_ends():
    daily = schedule(at="04:00")

    assert words(moments(daily, "2026-03-28 04:00", 3)) == ["28 Mar 04:00 GMT", "29 Mar 04:00 BST", "30 Mar 04:00 BST"]
    assert words(moments(daily, "2026-10-24 04:00", 3)) == ["24 Oct 04:00 BST", "25 Oct 04:00 GMT", "26 Oct 04:00 GMT"]


def test_a_time_that_spring_skips_moves_behind_the_gap_for_that_day_alone():
    assert words(moments(schedule(at="01:30"), "2026-03-28 01:30", 3)) == [
        "28 Mar 01:30 GMT",
        "29 Mar 02:30 BST",
        "30 Mar 01:30 BST",
    ]


def test_a_time_that_autumn_repeats_is_due_once_the_first_time():
    assert words(moments(schedule(at="01:30"), "2026-10-24 01:30", 3)) == [
        "24 Oct 01:30 BST",
        "25 Oct 01:30 BST",
        "26 Oct 01:30 GMT",
    ]


def test_an_hourly_schedule_runs_23_times_on_the_short_day_and_25_times_on_the_long_one():
    hourly = schedule("hourly")

    def runs_on(day: date) -> int:
        start = datetime.combine(day - timedelta(days=1), time(0), tzinfo=ZoneInfo(LONDON))
        due_at, count = start.astimezone(UTC), 0
        while (local := due_at.astimezone(ZoneInfo(LONDON))).date() <= day:
            count += local.date() == day
            due_at = following(hourly, due_at)
        return count

    assert [runs_on(date(2026, 3, 29)), runs_on(date(2026, 3, 30)), runs_on(date(2026, 10, 25))] == [23, 24, 25]


def test_a_gap_that_moves_a_moment_over_midnight_costs_no_day():
    # In Ittoqqortoormiit the clocks went from 23:00 on 29 March 2025 to 00:00 on the 30th.
    late = schedule(at="23:30", zone="America/Scoresbysund")

    found = moments(late, "2025-03-28 23:30", 4)

    assert [f"{moment:%d %H:%M}" for moment in found] == ["28 23:30", "30 00:30", "30 23:30", "31 23:30"]


@pytest.mark.parametrize("zone", [LONDON, "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "UTC"])
@pytest.mark.parametrize("at", ["00:00", "00:30", "01:30", "02:00", "02:30", "23:59"])
def test_a_year_of_days_has_one_moment_for_each_day_in_order(zone, at):
    found = moments(schedule(at=at, zone=zone), f"2026-01-01 {at}", 366)

    assert all(earlier < later for earlier, later in pairwise(found))
    assert len({moment.date() for moment in found}) == 366
    assert found[-1].date() == date(2027, 1, 1)


def test_weeks_keep_their_weekday():
    found = moments(schedule("weekly"), "2026-03-23 04:00", 60)

    assert {moment.weekday() for moment in found} == {0}
    assert {(later.date() - earlier.date()).days for earlier, later in pairwise(found)} == {7}


def test_a_schedule_for_the_31st_is_due_on_the_last_day_of_short_months_and_comes_back():
    found = moments(schedule("monthly", day_of_month=31), "2027-12-31 04:00", 14)

    days = [moment.day for moment in found]
    assert days == [31, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31]
    assert [(moment.year, moment.month) for moment in found[:3]] == [(2027, 12), (2028, 1), (2028, 2)]


def test_twin_without_its_day_a_monthly_schedule_drifts_to_the_28th_for_ever():
    found = moments(schedule("monthly"), "2027-01-31 04:00", 6)

    assert [moment.day for moment in found] == [31, 28, 28, 28, 28, 28]


def test_slots_are_those_up_to_now_oldest_first_and_bounded():
    now = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
    hourly = schedule("hourly", next_due_at=now - timedelta(hours=3))
    neglected = schedule("hourly", next_due_at=now - timedelta(hours=5 * MOST_SLOTS))
    not_due = schedule("hourly", next_due_at=now + timedelta(seconds=1))

    assert due_slots(hourly, now) == [now - timedelta(hours=back) for back in (3, 2, 1, 0)]
    assert len(due_slots(neglected, now)) == MOST_SLOTS
    assert due_slots(not_due, now) == []
