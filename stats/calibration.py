"""Calibration: does a score of 0.2 mean that two in ten go bad."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression


def isotonic_knots(scores: ArrayLike, outcomes: ArrayLike) -> np.ndarray:
    """Isotonic regression of the outcome on the score, as the knots of a piecewise linear function.

    scores    (n,) within 0..1; outcomes (n,) 0 or 1
    Returns (2, k): score, ascending strictly, and calibrated probability; k = 0 unless both outcomes occur.
    Between knots the function is linear, outside constant, as scikit-learn's IsotonicRegression predicts.
    Source: Barlow et al. 1972, pool adjacent violators; equal scores enter as one point with their mean.
    """
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
