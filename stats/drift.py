"""Distance between two windows of one column, from the counts and sums of its bins.

Everything here takes counts (bins,) int64 and sums (bins,) float64 as stats.state keeps them, without the
missing bin unless it says so, and edges (bins - 1,) float64.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, rel_entr

from stats.bins import point_bins
from stats.intervals import wilson
from stats.results import NotComputed, Refused, Value, computed, require_rows


@dataclass(frozen=True, slots=True, eq=False)
class Psi:
    """Population stability index, in nats, and each bin's part of it (NaN for a bin that was dropped)."""

    value: float
    n: int
    contributions: np.ndarray


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """Test of homogeneity of two samples of one categorical column."""

    value: float
    n: int
    degrees: int
    p_value: float


@computed
def psi(reference: np.ndarray, current: np.ndarray) -> Psi | NotComputed:
    """Population stability index of `current` against `reference`, in nats (0 = same shares).

    reference, current  (bins,) counts of the same bins; missing is one of them
    A bin that is empty in one window counts half an observation there, one that is empty in both is dropped;
    the other shares stay as they are. Sum over bins of (q - p)·ln(q / p).
    Source: Kullback & Leibler 1951 (J-divergence); Siddiqi 2006, Credit Risk Scorecards, ch. 14 for the use.
    >>> round(psi(np.array([50, 50]), np.array([40, 60])).value, 6)
    0.040547
    """
    p, q = _shares(reference), _shares(current)
    used = (reference > 0) | (current > 0)
    parts = np.full(p.size, np.nan)
    parts[used] = (q[used] - p[used]) * np.log(q[used] / p[used])
    return Psi(float(np.nansum(parts)), int(current.sum()), parts)


def _shares(counts: np.ndarray) -> np.ndarray:
    n = int(counts.sum())
    require_rows(n, "rows")
    return np.maximum(counts, 0.5) / n


@computed
def jensen_shannon(reference: np.ndarray, current: np.ndarray) -> Value | NotComputed:
    """Jensen–Shannon distance, base 2: 0 = same shares, 1 = nothing in common.

    reference, current  (bins,) counts of the same bins; missing is one of them
    Source: Lin 1991, eq. 4.1; the distance is its square root (Endres & Schindelin 2003).
    """
    require_rows(int(reference.sum()), "rows in the reference")
    require_rows(int(current.sum()), "rows")
    p, q = reference / reference.sum(), current / current.sum()
    middle = (p + q) / 2
    divergence = (rel_entr(p, middle).sum() + rel_entr(q, middle).sum()) / (2 * np.log(2))
    # Rounding may leave equal shares a hair below 0.
    return Value(float(max(divergence, 0.0) ** 0.5), int(current.sum()))


def total_variation(reference: np.ndarray, current: np.ndarray) -> Value | NotComputed:
    """Half the sum of absolute differences of the shares: the largest difference of any set of bins, 0..1."""
    n = int(current.sum())
    if not n or not reference.sum():
        return NotComputed("0 rows, at least 1 needed", n)
    return Value(float(np.abs(reference / reference.sum() - current / n).sum() / 2), n)


@computed
def chi_square(reference: np.ndarray, current: np.ndarray) -> ChiSquare | NotComputed:
    """Pearson's chi-square of the 2 × levels table, both samples random; bins empty in both are dropped.

    Source: Pearson 1900; as scipy.stats.chi2_contingency(correction=False).
    """
    require_rows(int(current.sum()), "rows")
    table = np.stack([reference, current])
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2:
        raise Refused("constant: reference and window hold one and the same level", int(current.sum()))
    require_rows(int(reference.sum()), "rows in the reference")
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    statistic, degrees = float(((table - expected) ** 2 / expected).sum()), table.shape[1] - 1
    return ChiSquare(statistic, int(current.sum()), degrees, float(chdtrc(degrees, statistic)))


@dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    """Two distribution functions at the left and right end of every bin, and whether the bin is one point."""

    first_left: np.ndarray
    first_right: np.ndarray
    second_left: np.ndarray
    second_right: np.ndarray
    point: np.ndarray

    @property
    def gap_left(self) -> np.ndarray:
        return self.first_left - self.second_left

    @property
    def gap_right(self) -> np.ndarray:
        return self.first_right - self.second_right

    def reach(self) -> tuple[np.ndarray, np.ndarray]:
        """The largest first - second, and second - first, that can occur inside each bin."""
        up = np.maximum(self.first_right - self.second_left, 0)
        down = np.maximum(self.second_right - self.first_left, 0)
        return np.where(self.point, 0, up), np.where(self.point, 0, down)


def _steps(first: np.ndarray, second: np.ndarray, edges: np.ndarray) -> _Steps:
    rise = [np.concatenate([[0.0], np.cumsum(counts) / counts.sum()]) for counts in (first, second)]
    return _Steps(rise[0][:-1], rise[0][1:], rise[1][:-1], rise[1][1:], point_bins(edges))


@computed
def kolmogorov_smirnov(reference: np.ndarray, current: np.ndarray, edges: np.ndarray) -> Value | NotComputed:
    """Two-sample Kolmogorov–Smirnov statistic: the largest distance of the two distribution functions, 0..1.

    The distance is taken at the edges; `bound` certifies how much larger it can be inside a bin, where each
    function can only rise from its value at the left edge to that at the right. 0 where every value is an edge.
    Source: Smirnov 1939; checked against scipy.stats.ks_2samp.
    """
    require_rows(int(reference.sum()), "values in the reference")
    require_rows(int(current.sum()), "values")
    steps = _steps(reference, current, edges)
    value = float(np.abs(steps.first_right - steps.second_right).max())
    largest = max(float(reach.max()) for reach in steps.reach())
    return Value(value, int(current.sum()), bound=max(largest - value, 0.0))


@computed
def wasserstein(
    reference: np.ndarray,
    reference_sums: np.ndarray,
    current: np.ndarray,
    current_sums: np.ndarray,
    edges: np.ndarray,
    sd: float,
) -> Value | NotComputed:
    """First Wasserstein distance, in standard deviations of the reference.

    It is the area between the two distribution functions. From count and sum of a bin its signed part is exact,
    so a bin adds its full area unless the functions cross inside it; `bound` is the most that those bins can
    hide. Infinite values, which the sums leave out, must not be counted either.
    Source: Vallender 1974; checked against scipy.stats.wasserstein_distance.
    """
    require_rows(int(reference.sum()), "values in the reference")
    require_rows(int(current.sum()), "values")
    if not sd > 0:
        raise Refused("constant: the reference has no spread to measure distance by", int(current.sum()))
    steps = _steps(reference, current, edges)
    first, second = _areas(reference, reference_sums, edges), _areas(current, current_sums, edges)
    signed = steps.gap_left * _widths(edges) + first.left - second.left
    signed[steps.point] = 0
    most = _largest_area(signed, steps, first, second, _widths(edges))
    value = float(np.abs(signed).sum())
    return Value(value / sd, int(current.sum()), bound=max(float(most.sum()) - value, 0.0) / sd)


@dataclass(frozen=True, slots=True, eq=False)
class _Areas:
    """How far a distribution function F lies, in area, from its value at the ends of each bin (a, b].

    left   ∫ F - F(a) = ∑(b - x)/n: each value x lifts the function from x to b
    right  ∫ F(b) - F = ∑(x - a)/n
    In the outer bins one end is the edge itself, the other infinitely far and never used.
    """

    left: np.ndarray
    right: np.ndarray


def _areas(counts: np.ndarray, sums: np.ndarray, edges: np.ndarray) -> _Areas:
    n = counts.sum()
    left_end, right_end = np.concatenate([edges[:1], edges]), np.concatenate([edges, edges[-1:]])
    return _Areas((counts * right_end - sums) / n, (sums - counts * left_end) / n)


def _widths(edges: np.ndarray) -> np.ndarray:
    return np.concatenate([[0.0], np.diff(edges), [0.0]])


def _largest_area(signed: np.ndarray, steps: _Steps, first: _Areas, second: _Areas, width: np.ndarray) -> np.ndarray:
    """The most that |F - G| can integrate to in each bin: the least of three upper bounds.

    By reach: F - G stays within [-down, up]; spending a part p of the width above 0, where
    up·p·width - down·(1 - p)·width = signed, gives signed + 2·down·(1 - p)·width.
    By either end: |F - G| ≤ |F(a) - G(a)| + (F - F(a)) + (G - G(a)), whose integrals are known, and so at b.
    Outside the edges one function is flat: nothing crosses there.
    """
    up, down = steps.reach()
    crossing = (up > 0) & (down > 0) & (width > 0)
    spread = np.where(crossing, up + down, 1.0)
    by_reach = signed + 2 * down * (width * up - signed) / spread
    by_left = np.abs(steps.gap_left) * width + first.left + second.left
    by_right = np.abs(steps.gap_right) * width + first.right + second.right
    most = np.minimum(by_reach, np.minimum(by_left, by_right))
    return np.where(crossing, np.maximum(most, np.abs(signed)), np.abs(signed))


def rate(part: int, n: int) -> Value | NotComputed:
    """A share with its Wilson interval (missing, new levels, out of range, defaults, approvals)."""
    if n < 1:
        return NotComputed("0 rows, at least 1 needed", 0)
    return Value(part / n, n, None, *wilson(part, n))
