"""Where the bins of a number lie: edges at reference quantiles, heavy values in a bin of their own.

Bin j holds edges[j-1] < x <= edges[j]; bin 0 is below the reference's minimum, the last one above its
maximum, so the out-of-range count is the sum of the two. Every metric that cuts a column (PSI deciles,
operating cut-offs, isotonic knots) cuts it at one of these edges, which is why it comes out exactly.
"""

import numpy as np
from numpy.typing import ArrayLike

from stats.results import StatsInputError

QUANTILES = 1_000
# Up to here every distinct value can have its point bin (two edges) within 1,001 edges: discrete columns are exact.
DISTINCT_AS_POINTS = 500


def below(value: ArrayLike) -> np.ndarray:
    """The largest float under `value`: the open left end of a bin that holds `value` alone."""
    return np.nextafter(np.asarray(value, np.float64), -np.inf)


def quantile_edges(values: ArrayLike, quantiles: int = QUANTILES) -> np.ndarray:
    """Edges at the i/quantiles quantiles of `values`, i = 0…quantiles; at most quantiles + 2 of them.

    values  (n,) finite numbers of the reference, any order
    A value that fills two neighbouring quantiles, or every value of a column with at most 500 distinct
    ones, gets a point bin. The quantile is the inverse of the empirical distribution (Hyndman & Fan 1996,
    type 1): an edge is always a value that was observed.
    Raises StatsInputError for no values or for one that is not finite.
    """
    ordered = np.sort(np.asarray(values, np.float64)) + 0.0  # -0.0 and 0.0 are one value
    if ordered.size == 0 or not np.isfinite(ordered[[0, -1]]).all():
        raise StatsInputError(f"values must be finite and at least one, got {ordered.size} of them")
    distinct = ordered[np.append(True, ordered[1:] != ordered[:-1])]
    if distinct.size <= min(DISTINCT_AS_POINTS, quantiles // 2):
        return np.unique(np.concatenate([below(distinct), distinct]))
    marks = quantile_values(ordered, np.arange(quantiles + 1) / quantiles)
    heavy = marks[1:][marks[1:] == marks[:-1]]
    return np.unique(np.concatenate([marks, below(heavy), below(ordered[:1])]))


def quantile_values(ordered: np.ndarray, shares: ArrayLike) -> np.ndarray:
    """Type-1 quantiles of sorted values: the smallest value that at least that share does not exceed."""
    # 1e-9 absorbs 0.3 * 10 = 3.0000000000000004: the tenth that is meant, not the next row.
    rank = np.ceil(np.asarray(shares) * ordered.size - 1e-9).astype(np.int64) - 1
    return ordered[np.clip(rank, 0, ordered.size - 1)]


def inner_cuts(values: ArrayLike, bins: int) -> np.ndarray:
    """The bins - 1 inner quantiles (deciles for 10), without repeats: the cuts of the PSI bins."""
    if bins < 2:
        raise StatsInputError(f"bins must be at least 2, got {bins}")
    ordered = np.sort(np.asarray(values, np.float64)) + 0.0
    return np.unique(quantile_values(ordered, np.arange(1, bins) / bins))


def check_edges(edges: ArrayLike) -> np.ndarray:
    """Edges as float64. Raises StatsInputError unless they are finite and increase strictly."""
    edges = np.asarray(edges, np.float64)
    if edges.ndim != 1 or not np.isfinite(edges).all() or (np.diff(edges) <= 0).any():
        raise StatsInputError(f"edges must be finite and increase strictly, got {edges.tolist()[:8]}")
    return edges


def positions_of(cuts: ArrayLike, edges: np.ndarray) -> np.ndarray:
    """Index of each cut among the edges. Raises StatsInputError for a cut that is no edge."""
    cuts = np.asarray(cuts, np.float64)
    position = np.searchsorted(edges, cuts)
    if cuts.size and (position.max() >= edges.size or (edges[position] != cuts).any()):
        raise StatsInputError(f"every cut must be an edge, got {cuts.tolist()[:8]}")
    return position


def coarse(counts: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """Add fine bins up to the bins between `cuts`.

    counts  (..., edges + 1) counts or sums of the fine bins
    cuts    (k,) positions among the edges
    Returns (..., k + 1).
    """
    starts = np.concatenate([[0], np.asarray(cuts, np.int64) + 1])
    return np.add.reduceat(counts, starts, axis=-1)


def bin_positions(values: ArrayLike, edges: np.ndarray) -> np.ndarray:
    """Bin of each value: how many edges lie below it. The slow, obvious form of the engines' kernel."""
    return np.searchsorted(edges, np.asarray(values, np.float64), side="left")


def point_bins(edges: np.ndarray) -> np.ndarray:
    """(edges + 1,) bool: bins that hold their right edge alone, nothing lying between neighbouring floats."""
    point = np.zeros(edges.size + 1, bool)
    point[1:-1] = edges[1:] == np.nextafter(edges[:-1], np.inf)
    return point
