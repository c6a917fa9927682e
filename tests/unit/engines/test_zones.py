"""The wall clock of a column of moments is that of Python's datetime, moment by moment."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from engines.zones import instants_of, wall_clock

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
A_MICROSECOND = timedelta(microseconds=1)
# Half an hour of summer time; a day that never was; a change at midnight; a zone that counts its winter as the shift.
ZONES = ["Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo", "Europe/Dublin", "UTC"]


def _moments() -> list[datetime]:
    """Of the years 1900 to 2200, and every quarter of an hour of some days on which clocks change."""
    random = np.random.default_rng(1)
    spread = [datetime(1900, 1, 2) + timedelta(seconds=int(s)) for s in random.integers(0, 300 * 31_536_000, 2_000)]
    days = [(2026, 3, 29), (2026, 10, 25), (2011, 12, 29), (2018, 11, 4), (2019, 2, 16), (2040, 10, 28), (2026, 4, 4)]
    quarters = [datetime(*day) + timedelta(minutes=15 * i) for day in days for i in range(-96, 192)]
    return [*spread, *quarters, *(moment - A_MICROSECOND for moment in quarters)]


def _numbers(moments: list[datetime]) -> np.ndarray:
    return np.array([(moment.replace(tzinfo=UTC) - EPOCH) // A_MICROSECOND for moment in moments])


@pytest.mark.parametrize("zone", ZONES)
def test_a_clock_shows_what_datetime_says(zone):
    moments = _moments()

    shown = wall_clock(_numbers(moments), zone)

    expected = [moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) for moment in moments]
    assert shown.tolist() == _numbers(expected).tolist()


@pytest.mark.parametrize("zone", ZONES)
def test_what_a_clock_shows_was_when_datetime_says(zone):
    shown = _moments()

    instants = instants_of(_numbers(shown), zone)

    expected = [moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for moment in shown]
    assert instants.tolist() == _numbers(expected).tolist()


@pytest.mark.parametrize("convert", [wall_clock, instants_of])
def test_no_moments_are_no_moments(convert):
    assert convert(np.empty(0, np.int64), "Europe/Berlin").size == 0
