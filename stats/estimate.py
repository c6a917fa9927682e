"""Performance without labels: confidence-based performance estimation (CBPE).

The isotonic calibration of the reference turns each score into the probability c that its row goes bad; metrics
are then taken in expectation. Valid as long as the score still means what it meant in the reference (only the
mix of rows has moved): a change of the relation itself stays invisible, and the page says so.

Every knot of the calibration is an edge, so c is linear in the score within a bin and its sums follow from the
count, sum and sum of squares of the bin, up to rounding. Where two knots lie so close that rounding hides where
between them the scores are, c stays between its values at the two.
Around each estimate lies the 95 % interval in which the realised metric of these very rows would come out if the
calibration still held: outcomes are drawn with probability c, and c itself was fitted to the outcomes of so many
reference rows. It is the delta method on both: a row of a score band in which the window has n rows and the reference
N known outcomes adds c·(1 - c)·(1 + n/N)·effect², `effect` being what one bad outcome more adds to the metric. A
realised metric outside it says that the relation has changed (or that one of twenty intervals misses).
Source: NannyML 0.13, "CBPE" (docs, "How it works: performance estimation"); Garg et al. 2022 for the idea. NannyML
draws its band at 3 standard errors of samples of the reference; ours is of the window's own scores and at 95 %, as
every interval here. Van der Vaart 1998, Asymptotic Statistics, ch. 3 (delta method).
"""

from dataclasses import dataclass

import numpy as np

from stats.accuracy import Confusion, accuracy, precision, recall
from stats.bins import coarse
from stats.intervals import deviations
from stats.ranking import auc
from stats.reference import ScoreBins
from stats.results import NotComputed, Refused, Value, computed
from stats.state import GOOD, ScoreCounts


@dataclass(frozen=True, slots=True, eq=False)
class ExpectedOutcomes:
    """By score bin, over all rows of the window, labelled or not.

    rows      (bins,) counts; bad (bins,) ∑c; brier the sum of expected squared differences
    scores    (bins,) mean score, 0 where there is no row
    variance  (bins,) of realised bad outcomes less estimated ones
    """

    rows: np.ndarray
    bad: np.ndarray
    brier: float
    scores: np.ndarray
    variance: np.ndarray

    @property
    def n(self) -> int:
        return int(self.rows.sum())

    def estimate(self, value: float, effect: np.ndarray | float, bound: float | None = None) -> Value:
        """A metric of 0..1 and its interval; effect (bins,) is what one bad outcome more in a bin adds to it."""
        half = deviations() * float((self.variance * np.square(effect)).sum()) ** 0.5
        return Value(value, self.n, bound, max(value - half, 0.0), min(value + half, 1.0))


@computed
def expected_outcomes(score: ScoreCounts, bins: ScoreBins, reference: ScoreCounts) -> ExpectedOutcomes | NotComputed:
    """Expected bad outcomes per bin. c·(1 - s)² + (1 - c)·s² = c - 2·c·s + s² gives the Brier score.

    reference  the reference window, on whose known outcomes the calibration was fitted
    """
    rows = score.counts.sum(axis=0)
    if not bins.knots.size:
        raise Refused("the reference has no outcomes of both classes to calibrate on", int(rows.sum()))
    if not rows.sum():
        raise Refused("0 rows, at least 1 needed", 0)
    sums, squares = score.sums.sum(axis=0), score.squares.sum(axis=0)
    c, cs = _sums_of_c(bins, rows, sums, squares)
    brier = c.sum() - 2 * cs.sum() + squares.sum()
    some = np.maximum(rows, 1)
    variance = c * (1 - c / some) * (1 + _rows_per_outcome(rows, bins, reference))
    return ExpectedOutcomes(rows, c, max(float(brier), 0.0), sums / some, variance)


def _rows_per_outcome(rows: np.ndarray, bins: ScoreBins, reference: ScoreCounts) -> np.ndarray:
    """(bins,) how many of the window's rows hang on each known outcome of the reference, by score band."""
    now, before = (coarse(counts, bins.band_cuts) for counts in (rows, reference.counts[GOOD:].sum(axis=0)))
    band = np.searchsorted(bins.band_cuts, np.arange(rows.size))
    return (now / np.maximum(before, 1))[band]


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


@computed
def estimated_auc(outcomes: ExpectedOutcomes | NotComputed) -> Value | NotComputed:
    """AUC in expectation, scores of one bin tied."""
    outcomes = _given(outcomes)
    goods, bads = outcomes.rows - outcomes.bad, outcomes.bad
    area = auc(goods, bads)
    if isinstance(area, NotComputed):
        return area
    good, bad = goods.sum(), bads.sum()
    below, above = np.cumsum(goods) - goods / 2, bad - np.cumsum(bads) + bads / 2
    effect = (below - above) / (good * bad) - area.value / bad + area.value / good
    return outcomes.estimate(area.value, effect, area.bound)


@computed
def estimated_brier(outcomes: ExpectedOutcomes | NotComputed) -> Value | NotComputed:
    outcomes = _given(outcomes)
    return outcomes.estimate(outcomes.brier / outcomes.n, (1 - 2 * outcomes.scores) / outcomes.n)


@computed
def estimated_default_rate(outcomes: ExpectedOutcomes | NotComputed) -> Value | NotComputed:
    outcomes = _given(outcomes)
    return outcomes.estimate(float(outcomes.bad.sum()) / outcomes.n, 1 / outcomes.n)


def _given(outcomes: ExpectedOutcomes | NotComputed) -> ExpectedOutcomes:
    """Raises Refused, with its reason, where there are none."""
    if isinstance(outcomes, NotComputed):
        raise Refused(outcomes.because, outcomes.n)
    return outcomes


def estimated_confusion(outcomes: ExpectedOutcomes, cut_off: float, cut: int) -> Confusion:
    """Expected counts at a cut-off, fractions of rows; `cut` as for stats.accuracy.confusion."""
    below, above = outcomes.bad[: cut + 1].sum(), outcomes.bad[cut + 1 :].sum()
    called = outcomes.rows[cut + 1 :].sum()
    passed = outcomes.rows[: cut + 1].sum()
    return Confusion(cut_off, float(above), float(called - above), float(passed - below), float(below))


@computed
def estimated_precision(outcomes: ExpectedOutcomes | NotComputed, cut_off: float, cut: int) -> Value | NotComputed:
    outcomes = _given(outcomes)
    table = estimated_confusion(outcomes, cut_off, cut)
    value = _value(precision(table))
    return outcomes.estimate(value, _called(outcomes, cut) / (table.true_positive + table.false_positive))


@computed
def estimated_recall(outcomes: ExpectedOutcomes | NotComputed, cut_off: float, cut: int) -> Value | NotComputed:
    outcomes = _given(outcomes)
    table = estimated_confusion(outcomes, cut_off, cut)
    value = _value(recall(table))
    return outcomes.estimate(value, (_called(outcomes, cut) - value) / (table.true_positive + table.false_negative))


@computed
def estimated_accuracy(outcomes: ExpectedOutcomes | NotComputed, cut_off: float, cut: int) -> Value | NotComputed:
    outcomes = _given(outcomes)
    value = _value(accuracy(estimated_confusion(outcomes, cut_off, cut)))
    return outcomes.estimate(value, (2 * _called(outcomes, cut) - 1) / outcomes.n)


def _value(outcome: Value | NotComputed) -> float:
    if isinstance(outcome, NotComputed):
        raise Refused(outcome.because, outcome.n)
    return outcome.value


def _called(outcomes: ExpectedOutcomes, cut: int) -> np.ndarray:
    """(bins,) 1.0 where a row is called."""
    return (np.arange(outcomes.rows.size) > cut).astype(np.float64)
