"""From profiles to figures: which stretch of days is a window, what is measured of it, how it stands.

Pure: profiles and thresholds in, figures out. The same profiles give the same bytes.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np
from dateutil.relativedelta import relativedelta

from audit.services import canonical
from engines.partition import ALL, MergeRefused, PartitionProfile
from figures import bin_labels
from monitoring.models import Monitor, Threshold
from stats.measure import Figure, measure, psi_counts
from stats.reference import ReferenceProfile
from stats.state import ProfileState

ROOT = Path(__file__).resolve().parent.parent
SPANS = {
    Monitor.Span.DAY: relativedelta(days=1),
    Monitor.Span.WEEK: relativedelta(weeks=1),
    Monitor.Span.MONTH: relativedelta(months=1),
}


@dataclass(frozen=True)
class MeasuredWindow:
    """One window's figures, all segments; `shares` is what its distributions are drawn from."""

    start_on: date
    end_on: date
    rows: int
    labelled: int
    state_sha256: str
    figures: list[Figure]
    shares: dict[str, dict]

    def as_plain(self) -> dict:
        """What the result's digest covers: every figure to its last bit."""
        return {
            "window": [self.start_on.isoformat(), self.end_on.isoformat()],
            "state": self.state_sha256,
            "figures": [
                [
                    f.metric,
                    f.column or "",
                    f.segment,
                    _bits(f.value),
                    f.n,
                    _bits(f.bound),
                    _bits(f.low),
                    _bits(f.high),
                    f.reason,
                ]
                for f in self.figures
            ],
        }


@dataclass(frozen=True)
class KeptProfile:
    """What a run holds in memory of one partition's profile while its states lie on disk under their digest.

    A profile is 16 bytes a bin, column, segment and day: a year of them at once would be gigabytes.
    """

    partition: str
    partition_sha256: str
    reference: str
    sha256: str
    rows_read: int
    rows_refused: int
    reasons: list[str]
    first_day: date | None
    last_day: date | None


def measure_windows(
    kept: Sequence[KeptProfile],
    load: Callable[[KeptProfile], PartitionProfile],
    reference: ReferenceProfile,
    *,
    span: str,
    minimum_rows: int,
) -> list[MeasuredWindow]:
    """Every window that has rows, oldest first. One profile is in memory at a time, and the windows still open.

    States are added in file order and, within a file, day by day: the same profiles give the same bits.
    Raises MergeRefused where the profiles were cut by different references.
    """
    if len({profile.reference for profile in kept}) > 1:
        raise MergeRefused("the profiles were cut by different references; read them again")
    last_place = _last_places(kept, span)
    gathered: dict[date, dict[str, ProfileState]] = {}
    measured = []
    for place, profile in enumerate(kept):
        _gather(load(profile), gathered, span)
        for start in [start for start in gathered if last_place[start] == place]:
            end = start + SPANS[Monitor.Span(span)] - timedelta(days=1)
            measured.append(_measure(gathered.pop(start), reference, start, end, minimum_rows))
    return sorted(measured, key=lambda window: window.start_on)


def _last_places(kept: Sequence[KeptProfile], span: str) -> dict[date, int]:
    """For each window, the place of the last profile whose days reach into it."""
    last = {}
    for place, profile in enumerate(kept):
        if profile.first_day and profile.last_day:
            for start, _ in windows_over([profile.first_day, profile.last_day], span):
                last[start] = place
    return last


def _gather(profile: PartitionProfile, gathered: dict[date, dict[str, ProfileState]], span: str) -> None:
    for (day, segment), state in sorted(profile.states.items(), key=lambda item: item[0]):
        states = gathered.setdefault(start_of(day, span), {})
        states[segment] = states[segment] + state if segment in states else state


def windows_over(days: Sequence[date], span: str) -> list[tuple[date, date]]:
    """(first day, last day) of each window from the first day's to the last day's."""
    if not days:
        return []
    start, windows = start_of(days[0], span), []
    while start <= days[-1]:
        following = start + SPANS[Monitor.Span(span)]
        windows.append((start, following - timedelta(days=1)))
        start = following
    return windows


def start_of(day: date, span: str) -> date:
    """First day of the window that holds `day`: the month's first, the week's Monday, or the day itself."""
    if span == Monitor.Span.MONTH:
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if span == Monitor.Span.WEEK else day


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
    shares = {}
    for bins, before, now in zip(reference.numbers, reference.state.numbers, state.numbers, strict=True):
        labels = bin_labels([float(edge) for edge in bins.edges[bins.cuts]], missing=True)
        shares[bins.name] = _shares(labels, psi_counts(bins, before), psi_counts(bins, now))
    for levels, before, now in zip(reference.categories, reference.state.categories, state.categories, strict=True):
        labels = [*map(str, levels.levels), "other", "new", "missing"]
        shares[levels.name] = _shares(labels, before.counts, now.counts)
    return shares


def _shares(labels: list[str], reference: np.ndarray, current: np.ndarray) -> dict:
    return {"labels": labels, "reference": reference.tolist(), "current": current.tolist()}


def result_digest(windows: Iterable[MeasuredWindow]) -> str:
    """One digest over every figure of a run."""
    return hashlib.sha256(canonical({"windows": [w.as_plain() for w in windows]})).hexdigest()


def threshold_for(figure: Figure, thresholds: Mapping[str, Threshold]) -> Threshold | None:
    """The threshold that governs a figure; segments are measured, not judged."""
    return None if figure.segment or figure.value is None else thresholds.get(figure.metric)


def _bits(value: float | None) -> str:
    return "" if value is None else float(value).hex()


@cache
def code_version() -> str:
    """Version and a digest of the sources that make the figures, so that a figure names the code it came from."""
    digest = hashlib.sha256()
    for folder in ("stats", "engines", "sandbox", "monitoring"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return f"assay {version}, sources {digest.hexdigest()[:12]}"
