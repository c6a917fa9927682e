"""How figures stand against thresholds. A figure is measured once; it can be judged again at any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from monitoring.models import Threshold


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
    governing = Governing(thresholds)
    for figure in figures:
        threshold = governing.of(figure)
        if threshold:
            yield Judgement(figure, threshold, threshold.level_of(figure.value))


class Governing:
    """Which of some thresholds governs a figure: that of its own column before that of every column.

    A threshold without a segment is of the whole window: a segment, which has fewer rows and would cross it by
    chance, is governed by one of its own or by none.
    """

    def __init__(self, thresholds: Iterable[Threshold]):
        self._at = {(t.metric, t.column, t.segment): t for t in thresholds}

    def of(self, figure: Judgeable) -> Threshold | None:
        """None also for a figure that has no value."""
        return None if figure.value is None else self.at(figure.metric, figure.column or "", figure.segment)

    def at(self, metric: str, column: str = "", segment: str = "") -> Threshold | None:
        return self._at.get((metric, column, segment)) or self._at.get((metric, "", segment))


class Levels:
    """How figures, of whatever revision, stand by the thresholds in force."""

    def __init__(self, thresholds: Iterable[Threshold]):
        self.thresholds = list(thresholds)
        self._governing = Governing(self.thresholds)

    def of(self, figure: Judgeable) -> str:
        """'breach', 'watch' or 'good'; '' where no threshold governs the figure, or where it has no value."""
        threshold = self._governing.of(figure)
        return threshold.level_of(figure.value) if threshold else ""

    def governing(self, metric: str, column: str = "") -> Threshold | None:
        """The threshold on a metric of the whole window, or of a column in it."""
        return self._governing.at(metric, column)
