"""How figures stand against thresholds. A figure is measured once; it can be judged again at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from monitoring.models import Breach, Threshold


class Judgeable(Protocol):
    """A figure as it was measured, or its stored row."""

    metric: str
    column: str | None
    segment: str
    value: float | None


@dataclass(frozen=True)
class Judgement:
    """A figure and the threshold that governs it; level is good, watch or breach."""

    figure: Judgeable
    threshold: Threshold
    level: str


def judge(figures: Iterable[Judgeable], thresholds: Iterable[Threshold]) -> Iterator[Judgement]:
    """Every figure that a threshold governs, in the order given. Thresholds need not be stored."""
    by_metric = {threshold.metric: threshold for threshold in thresholds}
    for figure in figures:
        threshold = threshold_for(figure, by_metric)
        if threshold:
            yield Judgement(figure, threshold, threshold.level_of(figure.value))


def threshold_for(figure: Judgeable, thresholds: Mapping[str, Threshold]) -> Threshold | None:
    """The threshold that governs a figure; segments are measured, not judged."""
    return None if figure.segment or figure.value is None else thresholds.get(figure.metric)


class Levels:
    """How stored figures stand: beyond a threshold where a breach is open, good where one governs and none is."""

    def __init__(self, thresholds: Iterable[Threshold], breaches: Iterable[Breach]):
        self.thresholds, self.breaches = list(thresholds), list(breaches)
        self._by_metric = {threshold.metric: threshold for threshold in self.thresholds}
        self._open = {_place(breach): breach.level for breach in self.breaches}

    def of(self, figure) -> str:
        """'breach', 'watch' or 'good'; '' where no threshold governs the figure, or where it has no value."""
        return self._open.get(_place(figure)) or ("good" if threshold_for(figure, self._by_metric) else "")

    def threshold(self, metric: str) -> Threshold | None:
        return self._by_metric.get(metric)


def _place(row) -> tuple:
    return row.window_id, row.metric, row.column, row.segment
