"""How well a score ranks bad before good: AUC with DeLong's interval, Gini, KS separation.

All take the counts (bins,) of good and bad outcomes by ascending score bin; ties, and whatever shares a bin,
count half. `bound` is half the share of good-bad pairs that share a bin: how far the AUC of the raw scores
can differ.
"""

import numpy as np

from stats.distance import Curve, Grid, Pair, kolmogorov_smirnov
from stats.intervals import CONFIDENCE, deviations
from stats.results import NotComputed, Refused, Value, computed


def _require_both(good: np.ndarray, bad: np.ndarray) -> None:
    n = int(good.sum() + bad.sum())
    if n == 0:
        raise Refused("no outcome is known yet", 0)
    if not good.sum() or not bad.sum():
        raise Refused(f"one class: all {n} known outcomes are {'bad' if bad.sum() else 'good'}", n)


@computed
def auc(
    good: np.ndarray, bad: np.ndarray, *, point: np.ndarray | None = None, confidence: float = CONFIDENCE
) -> Value | NotComputed:
    """Probability that a bad row has a higher score than a good one, ties half; interval by DeLong.

    point  (bins,) bool: bins that hold one score only, where a shared bin is a true tie
    Source: Hanley & McNeil 1982; DeLong, DeLong & Clarke-Pearson 1988, eq. 5, on the counts as in Sun & Xu 2014.
    """
    _require_both(good, bad)
    goods, bads = good.sum(), bad.sum()
    of_bad = (np.cumsum(good) - good / 2) / goods  # share of goods below each bin: placement of its bads
    of_good = (bads - np.cumsum(bad) + bad / 2) / bads
    value = float((of_bad * bad).sum() / bads)
    variance = _spread(of_bad, bad, value) / bads + _spread(of_good, good, value) / goods
    half = float(deviations(confidence) * variance**0.5)
    mixed = good * bad if point is None else np.where(point, 0, good * bad)
    bound = float(mixed.sum() / (2 * goods * bads))
    return Value(value, int(goods + bads), bound, max(value - half, 0.0), min(value + half, 1.0))


def _spread(placement: np.ndarray, counts: np.ndarray, mean: float) -> float:
    """Sample variance of the placements; a single row has none to estimate."""
    n = counts.sum()
    return float((counts * (placement - mean) ** 2).sum() / max(n - 1, 1))


def gini(area: Value | NotComputed) -> Value | NotComputed:
    """2·AUC - 1, also called accuracy ratio, from an outcome of `auc`."""
    if isinstance(area, NotComputed):
        return area
    return Value(2 * area.value - 1, area.n, 2 * area.bound, 2 * area.low - 1, 2 * area.high - 1)


@computed
def ks_separation(good: np.ndarray, bad: np.ndarray, grid: Grid) -> Value | NotComputed:
    """Largest distance between the score distributions of bad and good, 0..1, with its certified bound."""
    _require_both(good, bad)
    distance = kolmogorov_smirnov(Pair(Curve(good, None, grid), Curve(bad, None, grid)))
    return Value(distance.value, int(good.sum() + bad.sum()), distance.bound)
