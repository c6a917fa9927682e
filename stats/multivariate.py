"""Drift of the numeric features together: error of the reference's principal components, from second moments."""

from functools import lru_cache

import numpy as np

from stats.results import NotComputed, Refused, Value, computed, require_rows
from stats.state import Moments

EXPLAINED = 0.65
# A missing cell is rebuilt without error: a tenth of them more takes about a tenth off the squared error.
MORE_MISSING = 0.10


@computed
def reconstruction_error(
    reference: Moments | None,
    current: Moments | None,
    *,
    explained: float = EXPLAINED,
    missing: tuple[float, float] = (0.0, 0.0),
) -> Value | NotComputed:
    """Root mean squared error per row of rebuilding the window from the reference's main components.

    missing  share of missing cells in the reference and in the window

    Features are standardised by the reference; missing values enter at its mean, and values are clipped to
    ±10 sd, so that one absurd value does not hide the rest. The components are the fewest that explain the
    share `explained` of the reference's variance, one direction at least being left out. With M the second
    moments, the mean squared error is trace((I - P)·M) about the reference's mean.
    Refused where more than MORE_MISSING of the cells have gone missing since the reference: the error would fall.
    Source: Jolliffe 2002, Principal Component Analysis, §2.1. NannyML's "data reconstruction" rests on the same
    components and reports the mean length of the rows' errors, which is below this root of their mean square and
    cannot be had from moments: values of the two are not to be compared.
    """
    if reference is None or current is None or not reference.total.size:
        raise Refused("second moments are kept for the whole window and numeric features only", 0)
    require_rows(current.rows, "rows")
    require_rows(reference.rows, "rows in the reference", minimum=2)
    _require_cells(*missing, current.rows)
    components = _components(reference, explained)
    mean = reference.total / reference.rows
    second = _about(current, mean)
    squared = np.trace(second) - np.trace(components.T @ second @ components)
    return Value(float(max(squared, 0.0) ** 0.5), current.rows)


def _require_cells(before: float, now: float, rows: int) -> None:
    if now > before + MORE_MISSING:
        shares = f"{now:.0%} of the cells are missing, {before:.0%} in the reference"
        raise Refused(f"{shares}: they are rebuilt without error and would hide that of the others", rows)


@lru_cache(maxsize=8)  # by identity: one reference is held against every window of a run
def _components(reference: Moments, explained: float) -> np.ndarray:
    """(p, k) orthonormal; raises Refused where fewer than two directions vary."""
    values, vectors = np.linalg.eigh(_about(reference, reference.total / reference.rows))
    values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1]
    varying = int((values > 1e-12 * values.sum()).sum())
    if varying < 2:
        raise Refused("fewer than two numeric features vary in the reference", reference.rows)
    kept = int(np.searchsorted(np.cumsum(values) / values.sum(), explained)) + 1
    return vectors[:, : min(kept, varying - 1)]


def _about(moments: Moments, centre: np.ndarray) -> np.ndarray:
    """Second moments about `centre`, per row."""
    mean = moments.total / moments.rows
    return moments.products / moments.rows - np.outer(mean, centre) - np.outer(centre, mean) + np.outer(centre, centre)
