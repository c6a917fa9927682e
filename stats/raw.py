"""What a profile gives with a bound, from the raw values of one column, on demand: exact but for rounding.

Rounding is that of double arithmetic, about n·2⁻⁵³ of the value at most.
"""

import math
from dataclasses import replace

import numpy as np

from stats.distance import require_area
from stats.drift import Psi, psi
from stats.ranking import auc
from stats.reference import mean_and_sd
from stats.results import NOT_FINITE, NotComputed, Outcome, Refused, Value, computed, is_finite, require_rows


@computed
def exact_distances(reference: np.ndarray, current: np.ndarray) -> dict[str, Outcome] | NotComputed:
    """`ks` and `wasserstein` of two samples (n,), (m,) of numbers; NaN is left out.

    An infinite value has its place above or below all others, as in a profile's bins, and leaves no area.
    """
    before, now = reference[~np.isnan(reference)], current[~np.isnan(current)]
    require_rows(before.size, "values in the reference")
    require_rows(now.size, "values")
    points, place = np.unique(np.concatenate([before, now]), return_inverse=True)
    first, second = (
        np.bincount(part, minlength=points.size).cumsum() / part.size
        for part in (place[: before.size], place[before.size :])
    )
    gap = np.abs(first - second)
    return {"ks": Value(float(gap.max()), now.size), "wasserstein": _area(points, gap, before, now)}


@computed
def _area(points: np.ndarray, gap: np.ndarray, before: np.ndarray, now: np.ndarray) -> Outcome:
    """Between the two distribution functions, which are level from each point to the next."""
    infinite = tuple(int(np.isinf(values).sum()) for values in (before, now))
    sd = 0.0 if any(infinite) else mean_and_sd(before)[1]
    require_area(infinite, sd, now.size)
    with np.errstate(over="ignore"):
        area = float((gap[:-1] * (np.diff(points) / sd)).sum())
    if not is_finite(area):
        raise Refused(NOT_FINITE, now.size)
    return Value(area, now.size)


@computed
def exact_psi(reference: np.ndarray, current: np.ndarray, cuts: np.ndarray, *, with_missing: bool) -> Outcome:
    """PSI of two samples (n,), (m,) of numbers over the bins between `cuts`; NaN is a bin of its own, or left out.

    >>> before, now = np.array([1.0, 1, 2, 2]), np.array([1.0, 2, 2, 2])
    >>> round(exact_psi(before, now, np.array([1.0]), with_missing=False).value, 6)
    0.274653
    """
    before, now = (_binned(values, cuts, with_missing) for values in (reference, current))
    found = psi(before, now)
    return Value(found.value, found.n) if isinstance(found, Psi) else found


def _binned(values: np.ndarray, cuts: np.ndarray, with_missing: bool) -> np.ndarray:
    present = values[~np.isnan(values)]
    counts = np.bincount(np.searchsorted(cuts, present), minlength=cuts.size + 1)
    return np.append(counts, values.size - present.size) if with_missing else counts


def rank_of(share: float, n: int) -> int:
    """Which of n values in order, from 1, is the quantile of type 1: always a value that is there.

    >>> rank_of(0.05, 1500), rank_of(0.5, 3), rank_of(0.0, 3)
    (75, 2, 1)
    """
    return max(1, math.ceil(share * n - 1e-9))  # 0.07 · 100 is 7.000000000000001


def exact_quantiles(values: np.ndarray, shares: tuple[float, ...]) -> np.ndarray:
    """(k,) quantiles of type 1 of (n,) numbers without NaN."""
    places = [rank_of(share, values.size) - 1 for share in shares]
    return np.partition(values, places)[places]


def exact_auc(scores: np.ndarray, outcomes: np.ndarray) -> Outcome:
    """AUC of scores (n,) and outcomes (n,) 0 or 1, true ties half, with DeLong's interval."""
    points, place = np.unique(scores, return_inverse=True)
    good, bad = (np.bincount(place[outcomes == value], minlength=points.size) for value in (0, 1))
    area = auc(good, bad)
    # Every score was a bin of its own: nothing lies between two of them that could move it.
    return replace(area, bound=None) if isinstance(area, Value) else area
