"""The exact value of what a profile gives with a bound, from the raw values of one column: on demand only."""

from dataclasses import replace

import numpy as np

from stats.distance import Curve, Grid, Pair, kolmogorov_smirnov, wasserstein
from stats.ranking import auc
from stats.reference import mean_and_sd
from stats.results import NotComputed, Outcome, Value, computed, require_rows


def _exact(outcome: Outcome) -> Outcome:
    """Every value was an edge: nothing lies between two of them that could move it."""
    return replace(outcome, bound=None) if isinstance(outcome, Value) else outcome


@computed
def exact_distances(reference: np.ndarray, current: np.ndarray) -> dict[str, Outcome] | NotComputed:
    """`ks` and `wasserstein` of two samples (n,), (m,) of numbers; NaN and infinite values are left out."""
    before, now = reference[np.isfinite(reference)], current[np.isfinite(current)]
    require_rows(before.size, "values in the reference")
    require_rows(now.size, "values")
    edges = np.unique(np.concatenate([before, now]))
    first, second = (np.bincount(np.searchsorted(edges, v), minlength=edges.size + 1) for v in (before, now))
    at = np.append(edges, 0.0)
    grid = Grid(edges)
    pair = Pair(Curve(first, first * at, grid), Curve(second, second * at, grid))
    distance = wasserstein(pair, mean_and_sd(before)[1])
    return {"ks": _exact(kolmogorov_smirnov(pair)), "wasserstein": _exact(distance)}


def exact_auc(scores: np.ndarray, outcomes: np.ndarray) -> Outcome:
    """AUC of scores (n,) and outcomes (n,) 0 or 1, true ties half, with DeLong's interval."""
    points, place = np.unique(scores, return_inverse=True)
    good, bad = (np.bincount(place[outcomes == value], minlength=points.size) for value in (0, 1))
    return _exact(auc(good, bad))
