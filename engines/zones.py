"""The wall clock of a time zone, for whole columns of moments in microseconds since 1970.

Arrow has one too; it takes ten times as long and knows of no change of clocks after 2037.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

DAY_MICROSECONDS = 86_400_000_000
_DAY_SECONDS = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def wall_clock(instants: np.ndarray, zone: str) -> np.ndarray:
    """(n,) int64: what a clock in `zone` shows at these moments of UTC."""
    return instants + _offsets(instants, zone)


def instants_of(shown: np.ndarray, zone: str) -> np.ndarray:
    """(n,) int64, UTC: when a clock in `zone` shows this.

    What it shows twice is taken as the first time, and what it skips by the offset before, as Python's datetime does.
    """
    before, after = (_offsets(shown + day, zone) for day in (-DAY_MICROSECONDS, DAY_MICROSECONDS))
    first, second = shown - before, shown - after
    if (before == after).all():
        return first
    is_second = (_offsets(first, zone) != before) & (_offsets(second, zone) == after)
    return np.where(is_second, second, first)


def _offsets(instants: np.ndarray, zone: str) -> np.ndarray | np.int64:
    """What has to be added to each moment of UTC; one number where it is the same for all."""
    if not instants.size:
        return np.int64(0)
    days = instants // DAY_MICROSECONDS
    first = int(days.min())
    occurs = np.bincount(days - first) > 0
    before, change, after = np.array([_clock(zone, int(day)) for day in np.flatnonzero(occurs) + first]).T
    if (before == before[0]).all() and (after == before[0]).all():
        return before[0]
    place = (np.cumsum(occurs) - 1)[days - first]
    return np.where(instants < change[place], before[place], after[place])


@lru_cache(maxsize=10_000)
def _clock(zone: str, day: int) -> tuple[int, int, int]:
    """Of a day of UTC: the offset at its start, the moment of its one change, and the offset from then on."""
    start, end = day * _DAY_SECONDS, (day + 1) * _DAY_SECONDS
    before, after = _offset(zone, start), _offset(zone, end)
    while before != after and end - start > 1:
        middle = (start + end) // 2
        start, end = (middle, end) if _offset(zone, middle) == before else (start, middle)
    return before, end * 1_000_000, after


def _offset(zone: str, second: int) -> int:
    offset = (_EPOCH + timedelta(seconds=second)).astimezone(ZoneInfo(zone)).utcoffset()
    return offset // timedelta(microseconds=1)
