"""From profiles to figures: which stretch of days is a window, and what is measured of it.

Pure, and without Django, so that a benchmark measures what a worker does: profiles in, figures out. The same
profiles give the same figures, to the last bit.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Protocol

import numpy as np
from dateutil.relativedelta import relativedelta

from engines.partition import ALL, MergeRefused, PartitionProfile, gather
from figures import bin_labels
from stats.measure import Figure, measure, psi_counts
from stats.reference import NumberBins, ReferenceProfile
from stats.state import ProfileState

MOST_EMPTY = 400
SPANS = {"day": relativedelta(days=1), "week": relativedelta(weeks=1), "month": relativedelta(months=1)}


@dataclass(frozen=True)
class MeasuredWindow:
    """One window's figures, all segments; `shares` is what its distributions are drawn from.

    versions  version that scored, as the log says, to rows
    One without rows has none of it: nothing is said of it but that nothing came.
    """

    start_on: date
    end_on: date
    rows: int
    labelled: int
    state_sha256: str
    figures: list[Figure]
    shares: dict[str, dict]
    versions: dict[str, int] = field(default_factory=dict)


class Kept(Protocol):
    """What is in memory of a profile while its states lie on disk, 16 bytes a bin, column, segment and day."""

    first_day: date | None
    last_day: date | None


def measure_windows[K: Kept](
    kept: Sequence[K],
    load: Callable[[K], PartitionProfile],
    reference: ReferenceProfile,
    *,
    span: str,
    minimum_rows: int,
    due: tuple[date, date] | None = None,
) -> list[MeasuredWindow]:
    """Every window from the first row's to the last row's, oldest first, those without rows as empty ones.

    due  first and last of the days that rows are due of, whether any came or not; None: of none
    One profile is in memory at a time, and the windows still open.
    States are added in file order and, within a file, day by day: the same profiles give the same bits.
    Raises MergeRefused where a profile was cut by another reference.
    """
    last_place = _last_places(kept, span)
    gathered: dict[date, dict[str, ProfileState]] = {}
    versions: dict[date, Counter[str]] = defaultdict(Counter)
    measured = []
    for place, stored in enumerate(kept):
        profile = load(stored)
        if profile.reference != reference.sha256:
            raise MergeRefused(f"the profile of {profile.partition} was cut by another reference; read it again")
        gather(profile, gathered, lambda day: start_of(day, span))
        for (day, version), rows in profile.versions.items():
            versions[start_of(day, span)][version] += rows
        for start in [start for start in gathered if last_place[start] == place]:
            end = start + SPANS[span] - timedelta(days=1)
            window = _measure(gathered.pop(start), reference, start, end, minimum_rows)
            measured.append(replace(window, versions=dict(sorted(versions.pop(start, Counter()).items()))))
    return sorted([*measured, *_without_rows(measured, span, due)], key=lambda window: window.start_on)


def _without_rows(measured: list[MeasuredWindow], span: str, due: tuple[date, date] | None) -> list[MeasuredWindow]:
    """The newest MOST_EMPTY: one row that is dated by mistake must not make a window of each day of a century."""
    there = sorted(window.start_on for window in measured)
    wanted = {*windows_over(there, span), *windows_over(due or (), span)}
    gaps = sorted((start, end) for start, end in wanted if start not in there)
    nothing = hashlib.sha256(b"").hexdigest()
    return [MeasuredWindow(start, end, 0, 0, nothing, [], {}) for start, end in gaps[-MOST_EMPTY:]]


def complete_by(day: date, span: str) -> date:
    """Last day of the newest window that has ended before `day`."""
    return start_of(day, span) - timedelta(days=1)


def _last_places(kept: Sequence[Kept], span: str) -> dict[date, int]:
    """For each window, the place of the last profile whose days reach into it."""
    last = {}
    for place, profile in enumerate(kept):
        if profile.first_day and profile.last_day:
            for start, _ in windows_over([profile.first_day, profile.last_day], span):
                last[start] = place
    return last


def windows_over(days: Sequence[date], span: str) -> list[tuple[date, date]]:
    """(first day, last day) of each window from the first day's to the last day's."""
    if not days:
        return []
    start, windows = start_of(days[0], span), []
    while start <= days[-1]:
        following = start + SPANS[span]
        windows.append((start, following - timedelta(days=1)))
        start = following
    return windows


def start_of(day: date, span: str) -> date:
    """First day of the window that holds `day`: the month's first, the week's Monday, or the day itself."""
    if span == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if span == "week" else day


def _measure(
    gathered: dict[str, ProfileState], reference: ReferenceProfile, start: date, end: date, minimum_rows: int
) -> MeasuredWindow:
    states = {name: gathered[name] for name in sorted(gathered, key=lambda name: (name != ALL, name))}
    figures = [
        figure
        for name, state in states.items()
        for figure in measure(reference, state, segment="" if name == ALL else name, minimum_rows=minimum_rows)
    ]
    whole = states[ALL]
    digest = hashlib.sha256(b"".join(name.encode() + bytes.fromhex(s.sha256) for name, s in states.items()))
    shares = shares_of(reference, whole)
    return MeasuredWindow(start, end, whole.rows, whole.score.labelled, digest.hexdigest(), figures, shares)


def shares_of(reference: ReferenceProfile, state: ProfileState) -> dict[str, dict]:
    """Feature to {labels, reference, current}: rows in each PSI bin or level, for drawing.

    Kept with the window, since the states themselves are megabytes that a page cannot wait for.
    """
    shares, labels = {}, labels_of(reference)
    for bins, before, now in zip(reference.numbers, reference.state.numbers, state.numbers, strict=True):
        shares[bins.name] = _shares(labels[bins.name], psi_counts(bins, before), psi_counts(bins, now))
    for levels, before, now in zip(reference.categories, reference.state.categories, state.categories, strict=True):
        shares[levels.name] = _shares(labels[levels.name], before.counts, now.counts)
    return shares


def labels_of(reference: ReferenceProfile) -> dict[str, Sequence[str]]:
    """Feature to the words for each of its PSI bins or levels, the missing last."""
    numbers = {bins.name: _ranges(bins) for bins in reference.numbers}
    return numbers | {c.name: [*map(str, c.levels), "other", "new", "missing"] for c in reference.categories}


@lru_cache(maxsize=1_000)  # by identity: the bins of one reference name those of every window of a run
def _ranges(bins: NumberBins) -> tuple[str, ...]:
    whole = bool(np.allclose(bins.edges, np.rint(bins.edges), rtol=0, atol=1e-6))
    return tuple(bin_labels([float(edge) for edge in bins.edges[bins.cuts]], missing=True, whole=whole))


def _shares(labels: Sequence[str], reference: np.ndarray, current: np.ndarray) -> dict:
    return {"labels": list(labels), "reference": reference.tolist(), "current": current.tolist()}
