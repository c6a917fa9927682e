"""All measurements of one window, from its merged state and the reference."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from stats import accuracy, calibration, drift, estimate, multivariate, ranking
from stats.bins import coarse
from stats.distance import Curve, Pair, kolmogorov_smirnov, wasserstein
from stats.reference import NumberBins, ReferenceProfile, empty_state
from stats.results import NOT_FINITE, NotComputed, Value, is_finite
from stats.state import (
    APPROVED,
    BAD,
    DECLINED,
    GOOD,
    CategoryCounts,
    NumberCounts,
    ProfileState,
    ScoreCounts,
)

# Without any drift PSI of ten bins is about 10·(1/n + 1/m) by chance: 0.05 at 200 rows, half of amber.
MINIMUM_ROWS = 200
# With 10 rows of a class the 95 % interval of an AUC of 0.75 reaches from 0.57 to 0.87: with fewer, a score that
# works and one that does not look alike. It holds whatever a monitor's minimum of rows.
MINIMUM_CLASS = 10
Found = tuple[str, Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric of one window and segment.

    column   the feature, None for the score and the window as a whole
    value    None where it was not computed: `reason` says why
    n        rows, values or known outcomes that entered
    bound    the exact value differs by at most this; None where it is exact. Of the value alone: the ends of the
             interval have no bound of their own
    low, high  95 % confidence interval, where the metric has one
    """

    metric: str
    column: str | None
    segment: str
    value: float | None
    n: int
    bound: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


def measure(
    reference: ReferenceProfile,
    state: ProfileState | None,
    *,
    segment: str = "all",
    minimum_rows: int = MINIMUM_ROWS,
) -> list[Figure]:
    """Every metric of the window, in a fixed order, computed or with the reason why not.

    state         merged states of the window and segment (engines.partition.window); None is an empty window
    minimum_rows  what a metric needs of whatever it is taken over (rows, values or known outcomes); rankings need
                  MINIMUM_CLASS rows of each class as well
    Segments are compared with the whole reference window.
    """
    state = state or _empty(reference)
    measured = []
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is not computed, and says so
        for column, (metric, outcome) in _all(reference, state):
            measured.append(_figure(metric, column, segment, outcome, minimum_rows))
    return measured


def _empty(reference: ReferenceProfile) -> ProfileState:
    return empty_state(reference.numbers, reference.categories, reference.score)


def _figure(metric: str, column: str | None, segment: str, outcome, minimum: int) -> Figure:
    if isinstance(outcome, NotComputed):
        return Figure(metric, column, segment, None, outcome.n, reason=outcome.because)
    if outcome.n < minimum:
        reason = f"{outcome.n} observations, at least {minimum} needed"
        return Figure(metric, column, segment, None, outcome.n, reason=reason)
    extra = (outcome.bound, outcome.low, outcome.high) if isinstance(outcome, Value) else ()
    if not is_finite(outcome.value, *extra):
        return Figure(metric, column, segment, None, outcome.n, reason=NOT_FINITE)
    return Figure(metric, column, segment, outcome.value, outcome.n, *extra)


def _all(reference: ReferenceProfile, state: ProfileState) -> Iterator[tuple[str | None, Found]]:
    numbers = zip(reference.numbers, reference.curves, reference.state.numbers, state.numbers, strict=True)
    for bins, curve, before, now in numbers:
        for found in number_metrics(bins, curve, before, now):
            yield bins.name, found
    pairs = zip(reference.categories, reference.state.categories, state.categories, strict=True)
    for levels, before, now in pairs:
        for found in category_metrics(levels.complete, before, now):
            yield levels.name, found
    for part in (score_drift, ranking_metrics, calibration_metrics, cut_off_metrics, rates, estimates):
        for found in part(reference, state.score):
            yield None, found
    yield None, ("reconstruction_error", _reconstruction_error(reference.state, state))


def _reconstruction_error(before: ProfileState, now: ProfileState):
    missing = tuple(
        sum(number.missing for number in numbers) / max(sum(int(number.counts.sum()) for number in numbers), 1)
        for numbers in (before.numbers, now.numbers)
    )
    return multivariate.reconstruction_error(before.moments, now.moments, missing=missing)


def psi_counts(bins: NumberBins, counts: NumberCounts) -> np.ndarray:
    """(cuts + 2,) counts of the PSI bins, then missing."""
    return np.append(coarse(counts.counts[:-1], bins.cuts), counts.missing)


def number_metrics(bins: NumberBins, curve: Curve, before: NumberCounts, now: NumberCounts) -> Iterator[Found]:
    """Metrics of one numeric feature against its reference, whose distribution function is `curve`."""
    old, new = psi_counts(bins, before), psi_counts(bins, now)
    yield "psi", drift.psi(old, new)
    yield "jensen_shannon", drift.jensen_shannon(old, new)
    pair = Pair(curve, Curve(now.counts[:-1], now.centred, curve.grid))
    yield "ks", kolmogorov_smirnov(pair)
    yield "wasserstein", wasserstein(pair, infinite=(before.infinite, now.infinite))
    present = pair.current.n
    yield from _missing(before.missing, curve.n + before.missing, now.missing, present + now.missing)
    yield "out_of_range_rate", drift.rate(int(now.counts[0] + now.counts[-2]), present)
    finite = present - now.infinite
    mean = Value(bins.mean + float(now.centred.sum()) / finite, finite) if finite else None
    yield "mean", mean or NotComputed("no finite value", 0)


def category_metrics(complete: bool, before: CategoryCounts, now: CategoryCounts) -> Iterator[Found]:
    """Metrics of one categorical feature against its reference."""
    yield "psi", drift.psi(before.counts, now.counts)
    yield "jensen_shannon", drift.jensen_shannon(before.counts, now.counts)
    yield "total_variation", drift.total_variation(before.counts, now.counts)
    chi = drift.chi_square(before.counts, now.counts)
    yield "chi_square", chi
    yield "chi_square_p", chi if isinstance(chi, NotComputed) else Value(chi.p_value, chi.n)
    rows = int(now.counts.sum())
    yield from _missing(before.missing, int(before.counts.sum()), now.missing, rows)
    present = rows - now.missing
    crowded = NotComputed("the reference has more levels than are kept: new ones cannot be told", present)
    yield "new_level_rate", drift.rate(int(now.counts[-2]), present) if complete else crowded


def _missing(before: int, rows_before: int, now: int, rows: int) -> Iterator[Found]:
    rate = drift.rate(now, rows)
    yield "missing_rate", rate
    known = isinstance(rate, Value) and rows_before
    yield "missing_rate_change", Value(rate.value - before / rows_before, rows) if known else rate


def score_drift(reference: ReferenceProfile, now: ScoreCounts) -> Iterator[Found]:
    """The score as a column."""
    bins, before = reference.score, reference.score_curve
    sums = now.sums.sum(axis=0)
    current = Curve(now.counts.sum(axis=0), sums, before.grid)
    old_bins, new_bins = coarse(before.counts, bins.cuts), coarse(current.counts, bins.cuts)
    yield "score_psi", drift.psi(old_bins, new_bins)
    yield "score_jensen_shannon", drift.jensen_shannon(old_bins, new_bins)
    pair = Pair(before, current)
    yield "score_ks", kolmogorov_smirnov(pair)
    yield "score_wasserstein", wasserstein(pair)
    rows = current.n
    yield "score_mean", Value(float(sums.sum()) / rows, rows) if rows else NotComputed("0 rows", 0)


def ranking_metrics(reference: ReferenceProfile, now: ScoreCounts) -> Iterator[Found]:
    """AUC and its kin over rows with a known outcome, MINIMUM_CLASS of each class at least."""
    grid, before = reference.score_curve.grid, reference.state.score
    few = _few_of_a_class(now)
    area = few or ranking.auc(now.counts[GOOD], now.counts[BAD], point=grid.point)
    yield "auc", area
    yield "auc_change", _change(_few_of_a_class(before) or reference.score_area, area)
    yield "gini", ranking.gini(area)
    yield "ks_separation", few or ranking.ks_separation(now.counts[GOOD], now.counts[BAD], grid)


def _few_of_a_class(score: ScoreCounts) -> NotComputed | None:
    """Why a ranking says nothing; None where it may be taken, or where a whole class is not there."""
    good, bad = (int(score.counts[label].sum()) for label in (GOOD, BAD))
    if not 0 < min(good, bad) < MINIMUM_CLASS:
        return None
    which = "bad" if bad < good else "good"
    found = f"{min(good, bad)} of {good + bad} known outcomes {'is' if min(good, bad) == 1 else 'are'} {which}"
    return NotComputed(f"{found}, at least {MINIMUM_CLASS} of each class needed", good + bad)


def _change(before, now):
    """Now minus the reference; the bounds add up."""
    if isinstance(now, NotComputed):
        return now
    if isinstance(before, NotComputed):
        return NotComputed(f"in the reference: {before.because}", now.n)
    return Value(now.value - before.value, now.n, now.bound + before.bound)


def calibration_metrics(reference: ReferenceProfile, now: ScoreCounts) -> Iterator[Found]:
    """Probabilities against outcomes."""
    yield "brier", accuracy.brier(now)
    yield "log_loss", accuracy.log_loss(now)
    yield "calibration_error", calibration.calibration_error(calibration.calibration_table(now, reference.score))
    yield "observed_to_expected", calibration.observed_to_expected(now)


def cut_off_metrics(reference: ReferenceProfile, now: ScoreCounts) -> Iterator[Found]:
    """Calls at each operating point; the cut-off is part of the metric's name: precision@0.5."""
    bins = reference.score
    for cut_off, cut in zip(bins.cut_offs.tolist(), bins.cut_off_cuts.tolist(), strict=True):
        table = accuracy.confusion(now, cut_off, cut)
        for name in ("true_positive", "false_positive", "true_negative", "false_negative"):
            yield f"{name}@{cut_off:g}", _count(getattr(table, name), table.n)
        for metric in (accuracy.precision, accuracy.recall, accuracy.accuracy):
            yield f"{metric.__name__}@{cut_off:g}", metric(table)


def _count(value: float, n: int):
    return Value(float(value), n) if n else NotComputed("no outcome is known yet", 0)


def rates(_reference: ReferenceProfile, now: ScoreCounts) -> Iterator[Found]:
    """Shares of rows: labelled, bad, approved, bad among approved."""
    rows, decisions = int(now.counts.sum()), now.decisions.sum(axis=2)
    approved, decided = int(decisions[:, APPROVED].sum()), int(decisions[:, DECLINED:].sum())
    known = int(decisions[GOOD:, APPROVED].sum())
    yield "labelled_rate", drift.rate(now.labelled, rows)
    yield "default_rate", _rate(int(now.counts[BAD].sum()), now.labelled, "no outcome is known yet")
    yield "approval_rate", _rate(approved, decided, "no decision is logged")
    yield (
        "approved_default_rate",
        _rate(int(decisions[BAD, APPROVED]), known, "no outcome of an approved row is known yet"),
    )


def _rate(part: int, n: int, otherwise: str):
    return drift.rate(part, n) if n else NotComputed(otherwise, 0)


def estimates(reference: ReferenceProfile, now: ScoreCounts) -> Iterator[Found]:
    """What performance would be if the score still meant what it meant in the reference (CBPE)."""
    bins = reference.score
    outcomes = estimate.expected_outcomes(now, bins, reference.state.score)
    yield "estimated_auc", estimate.estimated_auc(outcomes)
    yield "estimated_brier", estimate.estimated_brier(outcomes)
    yield "estimated_default_rate", estimate.estimated_default_rate(outcomes)
    for cut_off, cut in zip(bins.cut_offs.tolist(), bins.cut_off_cuts.tolist(), strict=True):
        yield f"estimated_precision@{cut_off:g}", estimate.estimated_precision(outcomes, cut_off, cut)
        yield f"estimated_recall@{cut_off:g}", estimate.estimated_recall(outcomes, cut_off, cut)
        yield f"estimated_accuracy@{cut_off:g}", estimate.estimated_accuracy(outcomes, cut_off, cut)
