"""Raw samples and the states that the engines' bins make of them, for comparison with other libraries."""

import numpy as np

from stats.bins import bin_positions
from stats.calibration import isotonic_knots
from stats.reference import NumberBins, ScoreBins, fit_number, fit_score
from stats.state import NumberCounts, ScoreCounts


def number_counts(bins: NumberBins, values: np.ndarray) -> NumberCounts:
    present = values[~np.isnan(values)]
    place, cells = bin_positions(present, bins.edges), bins.edges.size + 1
    counts = np.append(np.bincount(place, minlength=cells), values.size - present.size)
    centred = np.bincount(place, weights=np.where(np.isfinite(present), present - bins.mean, 0), minlength=cells)
    return NumberCounts(counts, centred, float(present.min()), float(present.max()), 0)


def score_counts(bins: ScoreBins, scores: np.ndarray, labels: np.ndarray) -> ScoreCounts:
    """labels: -1 unknown, 0, 1."""
    shape = (3, bins.edges.size + 1)
    flat = (labels + 1) * shape[1] + bin_positions(scores, bins.edges)
    counts, sums, squares = (
        np.bincount(flat, weights=weights, minlength=shape[0] * shape[1]).reshape(shape)
        for weights in (None, scores, scores**2)
    )
    eps = np.finfo(float).eps
    clipped = np.clip(scores, eps, 1 - eps)
    losses = [-np.log(1 - clipped[labels == 0]).sum(), -np.log(clipped[labels == 1]).sum()]
    return ScoreCounts(counts, sums, squares, np.array(losses), np.zeros((3, 3, bins.bands), np.int64))


def two_samples(seed: int, n: int = 20_000):
    """Reference and a moved window of a skewed number."""
    random = np.random.default_rng(seed)
    return random.lognormal(0, 1, n), random.lognormal(0.1, 1.05, n)


def fitted(values: np.ndarray) -> NumberBins:
    return fit_number("x", values)


def scored(seed: int, n: int = 20_000, cut_offs=(0.3, 0.5)):
    """Score bins with calibration, and scores and labels of a window."""
    random = np.random.default_rng(seed)
    before, now = random.beta(2, 5, n), random.beta(2.3, 5, n)
    truth = np.clip(before * 1.2 - 0.02, 0, 1)
    knots = isotonic_knots(before, (random.random(n) < truth).astype(float))
    bins = fit_score(before, knots, cut_offs=cut_offs)
    labels = (random.random(n) < np.clip(now * 1.2 - 0.02, 0, 1)).astype(int)
    return bins, now, labels
