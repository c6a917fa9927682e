"""Calibration: does a score of 0.2 mean that two in ten go bad."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stats.bins import coarse
from stats.intervals import jeffreys
from stats.reference import ScoreBins
from stats.results import NotComputed, Refused, Value, computed, require_rows
from stats.state import BAD, GOOD, ScoreCounts


def isotonic_knots(scores: ArrayLike, outcomes: ArrayLike) -> np.ndarray:
    """Isotonic regression of the outcome on the score, as the knots of a piecewise linear function.

    scores    (n,) within 0..1; outcomes (n,) 0 or 1
    Returns (2, k): score, ascending strictly, and calibrated probability; k = 0 unless both outcomes occur.
    Between knots the function is linear, outside constant, as scikit-learn's IsotonicRegression predicts.
    Source: Barlow et al. 1972, pool adjacent violators; equal scores enter as one point with their mean.
    """
    # Only fitting needs it, and scipy.optimize costs every worker that imports it half a second.
    from scipy.optimize import isotonic_regression

    scores, outcomes = np.asarray(scores, np.float64), np.asarray(outcomes, np.float64)
    if not 0 < outcomes.sum() < outcomes.size:
        return np.empty((2, 0))
    points, place, weights = np.unique(scores, return_inverse=True, return_counts=True)
    means = np.bincount(place, weights=outcomes) / weights
    fitted = isotonic_regression(means, weights=weights).x
    # Only the ends of a level stretch matter: what lies between them is on the line.
    change = np.flatnonzero(np.diff(fitted) != 0)
    kept = np.unique(np.concatenate([[0, points.size - 1], change, change + 1]))
    return np.stack([points[kept], fitted[kept]])


@dataclass(frozen=True, slots=True)
class Band:
    """One score band of the calibration table, over its rows with a known outcome.

    score_low, score_high   its limits: score_low < score <= score_high; the first band holds a score of 0 too
    n, bad                  rows with a known outcome, and those that went bad
    expected, observed      mean score and rate of bad outcomes, fractions; None without known outcomes
    low, high               95 % Jeffreys interval of the observed rate; None as well
    """

    score_low: float
    score_high: float
    n: int
    bad: int
    expected: float | None
    observed: float | None
    low: float | None
    high: float | None


def calibration_table(score: ScoreCounts, bins: ScoreBins) -> tuple[Band, ...]:
    """Observed against expected by reference decile of the score, over rows with a known outcome. Exact."""
    known = coarse(score.counts[GOOD:].sum(axis=0), bins.band_cuts)
    bad = coarse(score.counts[BAD], bins.band_cuts)
    sums = coarse(score.sums[GOOD:].sum(axis=0), bins.band_cuts)
    limits = [0.0, *bins.edges[bins.band_cuts].tolist(), 1.0]
    return tuple(
        _band(low, high, int(n), int(b), float(s))
        for low, high, n, b, s in zip(limits[:-1], limits[1:], known, bad, sums, strict=True)
    )


def _band(low: float, high: float, n: int, bad: int, total: float) -> Band:
    if not n:
        return Band(low, high, 0, 0, None, None, None, None)
    return Band(low, high, n, bad, total / n, bad / n, *jeffreys(bad, n))


@computed
def calibration_error(bands: tuple[Band, ...]) -> Value | NotComputed:
    """Expected calibration error: mean over rows of |observed - expected| of their band, 0..1.

    Source: Naeini, Cooper & Hauskrecht 2015, with bands of equal reference frequency.
    """
    n = sum(band.n for band in bands)
    require_rows(n, "known outcomes")
    return Value(sum(band.n * abs(band.observed - band.expected) for band in bands if band.n) / n, n)


@computed
def observed_to_expected(score: ScoreCounts) -> Value | NotComputed:
    """Bad outcomes over the sum of scores (1 = calibrated in the large), Jeffreys interval of the observed rate."""
    n, bad = score.labelled, int(score.counts[BAD].sum())
    require_rows(n, "known outcomes")
    expected = float(score.sums[GOOD:].sum())
    if expected <= 0:
        raise Refused("every score is 0: nothing is expected", n)
    low, high = jeffreys(bad, n)
    return Value(bad / expected, n, None, low * n / expected, high * n / expected)
