"""Performance without labels: confidence-based performance estimation (CBPE).

The isotonic calibration of the reference turns each score into the probability c that its row goes bad; metrics
are then taken in expectation. Valid as long as the score still means what it meant in the reference (only the
mix of rows has moved): a change of the relation itself stays invisible, and the page says so.

Every knot of the calibration is an edge, so c is linear in the score within a bin and its sums follow from the
count, sum and sum of squares of the bin, up to rounding. Where two knots lie so close that rounding hides where
between them the scores are, c stays between its values at the two.
Source: NannyML 0.13, "CBPE" (docs, "How it works: performance estimation"); Garg et al. 2022 for the idea.
"""

from dataclasses import dataclass

import numpy as np

from stats.accuracy import Confusion
from stats.ranking import auc
from stats.reference import ScoreBins
from stats.results import NotComputed, Refused, Value, computed
from stats.state import ScoreCounts


@dataclass(frozen=True, slots=True, eq=False)
class ExpectedOutcomes:
    """By score bin, over all rows of the window, labelled or not.

    rows (bins,) counts; bad (bins,) ∑c; brier the sum of expected squared differences
    """

    rows: np.ndarray
    bad: np.ndarray
    brier: float

    @property
    def n(self) -> int:
        return int(self.rows.sum())


@computed
def expected_outcomes(score: ScoreCounts, bins: ScoreBins) -> ExpectedOutcomes | NotComputed:
    """Expected bad outcomes per bin. c·(1 - s)² + (1 - c)·s² = c - 2·c·s + s² gives the Brier score."""
    rows = score.counts.sum(axis=0)
    if not bins.knots.size:
        raise Refused("the reference has no outcomes of both classes to calibrate on", int(rows.sum()))
    if not rows.sum():
        raise Refused("0 rows, at least 1 needed", 0)
    sums, squares = score.sums.sum(axis=0), score.squares.sum(axis=0)
    c, cs = _sums_of_c(bins, rows, sums, squares)
    brier = c.sum() - 2 * cs.sum() + squares.sum()
    return ExpectedOutcomes(rows, c, max(float(brier), 0.0))


def _sums_of_c(bins: ScoreBins, rows: np.ndarray, sums: np.ndarray, squares: np.ndarray):
    """∑c and ∑c·s (bins,) each. Within a bin c = high - rise·f, f being how far s lies from the right end, 0..1."""
    left, right = np.concatenate([bins.edges[:1], bins.edges]), np.concatenate([bins.edges, bins.edges[-1:]])
    low, high = (np.interp(ends, *bins.knots) for ends in (left, right))
    width = right - left
    # Outside the edges, and in a bin of one float, c is level.
    rise = np.where(width > np.spacing(np.abs(right)), high - low, 0.0)
    width = np.where(rise != 0, width, 1.0)
    f = np.clip((right * rows - sums) / width, 0, rows)
    fs = np.clip((right * sums - squares) / width, f * left, f * right)
    return high * rows - rise * f, high * sums - rise * fs


def estimated_auc(outcomes: ExpectedOutcomes | NotComputed) -> Value | NotComputed:
    """AUC in expectation, scores of one bin tied; no interval, since outcomes are not drawn."""
    if isinstance(outcomes, NotComputed):
        return outcomes
    area = auc(outcomes.rows - outcomes.bad, outcomes.bad)
    return area if isinstance(area, NotComputed) else Value(area.value, outcomes.n, area.bound)


def estimated_brier(outcomes: ExpectedOutcomes | NotComputed) -> Value | NotComputed:
    if isinstance(outcomes, NotComputed):
        return outcomes
    return Value(outcomes.brier / outcomes.n, outcomes.n)


def estimated_default_rate(outcomes: ExpectedOutcomes | NotComputed) -> Value | NotComputed:
    if isinstance(outcomes, NotComputed):
        return outcomes
    return Value(float(outcomes.bad.sum()) / outcomes.n, outcomes.n)


def estimated_confusion(outcomes: ExpectedOutcomes, cut_off: float, cut: int) -> Confusion:
    """Expected counts at a cut-off, fractions of rows; `cut` as for stats.accuracy.confusion."""
    below, above = outcomes.bad[: cut + 1].sum(), outcomes.bad[cut + 1 :].sum()
    called = outcomes.rows[cut + 1 :].sum()
    passed = outcomes.rows[: cut + 1].sum()
    return Confusion(cut_off, float(above), float(called - above), float(passed - below), float(below))
