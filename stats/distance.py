"""Distance between two distribution functions that are known at the edges of their bins: KS and Wasserstein.

Between two edges each function can only rise from its value at the left one to that at the right one, and the
sum of a bin's values says how much area lies under it there: that is what certifies the bounds. They are bounds of
the values in exact arithmetic; rounding adds about n·2⁻⁵³ of the value.
"""

from functools import cached_property

import numpy as np

from stats.bins import point_bins
from stats.results import NotComputed, Refused, Value, computed, require_rows


class Grid:
    """The edges (m,) of a column and what is asked of its m + 1 bins again and again.

    centre  what is taken off each value before it is added to a sum: without it the sums of numbers that lie
            far from 0 for their spread (1e15 ± 10) would hold nothing of their place in a bin
    unit    what distances are measured in, the reference's standard deviation; 0 for a constant, where there are
            none. Everything is divided by it first: areas of numbers like 1e-320 or 1e300 would be 0 or infinite
    point   bins that hold their right edge alone
    ends    (m,) the edges, centred and in units; width of the bins between two of them, 0 of the outer two
    """

    def __init__(self, edges: np.ndarray, *, centre: float = 0.0, unit: float = 1.0):
        self.unit, self.point = unit, point_bins(edges)
        self.ends = self.in_units(edges - centre)
        self.width = np.concatenate([[0.0], np.diff(self.ends), [0.0]])
        self.wide = ~self.point & (self.width > 0)

    def in_units(self, values: np.ndarray) -> np.ndarray:
        return values / self.unit if self.unit > 0 else values


class Curve:
    """The distribution function F of one window.

    counts  (m + 1,) int64 of the bins of `grid`, missing left out
    sums    (m + 1,) float64: sum of value - centre in each bin, kept in units; None where no area is asked for
    rise    (m + 2,) F at the left end of each bin, and 1
    """

    def __init__(self, counts: np.ndarray, sums: np.ndarray | None, grid: Grid):
        self.counts, self.grid = counts, grid
        self.sums = None if sums is None else grid.in_units(sums)
        self.n = int(counts.sum())

    @cached_property
    def rise(self) -> np.ndarray:
        return np.concatenate([[0], np.cumsum(self.counts)]) / self.n

    @cached_property
    def area_left(self) -> np.ndarray:
        """∫ F - F(a) over each bin (a, b] = ∑(b - x)/n: each value x lifts F from x to b.

        In the last bin, which has no right end, its left one stands in; nothing asks for that area.
        """
        ends = self.grid.ends
        return (self.counts * np.append(ends, ends[-1]) - self.sums) / self.n

    @cached_property
    def area_right(self) -> np.ndarray:
        """∫ F(b) - F over each bin (a, b] = ∑(x - a)/n; in the first bin as above."""
        ends = self.grid.ends
        return (self.sums - self.counts * np.append(ends[0], ends)) / self.n


class Pair:
    """A reference and a current window on one grid, and what both distances ask of them."""

    def __init__(self, reference: Curve, current: Curve):
        self.reference, self.current, self.grid = reference, current, reference.grid

    def require_values(self) -> None:
        require_rows(self.reference.n, "values in the reference")
        require_rows(self.current.n, "values")

    @cached_property
    def gap(self) -> np.ndarray:
        """(m + 2,) reference - current at the left end of each bin, and 0."""
        return self.reference.rise - self.current.rise

    @cached_property
    def up(self) -> np.ndarray:
        """(m + 1,) the largest reference - current that can occur inside each bin."""
        return self._reach(self.reference, self.current)

    @cached_property
    def down(self) -> np.ndarray:
        """(m + 1,) the largest current - reference that can occur inside each bin."""
        return self._reach(self.current, self.reference)

    def _reach(self, above: Curve, under: Curve) -> np.ndarray:
        return np.where(self.grid.point, 0, np.maximum(above.rise[1:] - under.rise[:-1], 0))


@computed
def kolmogorov_smirnov(pair: Pair) -> Value | NotComputed:
    """Two-sample Kolmogorov–Smirnov statistic: the largest distance of the two distribution functions, 0..1.

    The distance is taken at the edges; `bound` certifies how much larger it can be inside a bin. 0 where every
    value is an edge.
    Source: Smirnov 1939; checked against scipy.stats.ks_2samp.
    """
    pair.require_values()
    value = float(np.abs(pair.gap).max())
    largest = max(float(pair.up.max()), float(pair.down.max()))
    return Value(value, pair.current.n, bound=max(largest - value, 0.0))


@computed
def wasserstein(pair: Pair, *, infinite: tuple[int, int] = (0, 0)) -> Value | NotComputed:
    """First Wasserstein distance, in the grid's unit: standard deviations of the reference.

    infinite  how many values of reference and window are: they are counted in the outer bins, and have no area

    It is the area between the two distribution functions. In a bin of one value they are level up to it: its area
    is the gap before it times its width. In another, count and sum give the signed area, which is the whole one
    unless the functions cross inside the bin; `bound` is the most that those bins can hide.
    Source: Vallender 1974; checked against scipy.stats.wasserstein_distance.
    """
    pair.require_values()
    require_area(infinite, pair.grid.unit, pair.current.n)
    level = pair.gap[:-1] * pair.grid.width
    signed = np.where(pair.grid.point, level, level + pair.reference.area_left - pair.current.area_left)
    return Value(float(np.abs(signed).sum()), pair.current.n, bound=_hidden_area(signed, pair))


def require_area(infinite: tuple[int, int], sd: float, n: int) -> None:
    """Refuse a distance in standard deviations where there is none."""
    before, now = infinite
    if before or now:
        raise Refused(f"{now or before} infinite values in {'the window' if now else 'the reference'}", n)
    if not sd > 0:
        raise Refused("constant: the reference has no spread to measure distance by", n)


def _hidden_area(signed: np.ndarray, pair: Pair) -> float:
    """The most that |F - G| can integrate to beyond |∫ F - G|, over all bins in which they may cross.

    In each the least of three upper bounds is taken.
    By reach: F - G stays within [-down, up]; spending a part p of the width above 0, where
    up·p·width - down·(1 - p)·width = signed, gives signed + 2·down·(1 - p)·width.
    By either end: |F - G| ≤ |F(a) - G(a)| + (F - F(a)) + (G - G(a)), whose integrals are known, and so at b.
    Outside the edges one function is flat: nothing crosses there.
    """
    at = np.flatnonzero((pair.up > 0) & (pair.down > 0) & pair.grid.wide)
    up, down, width, signed = pair.up[at], pair.down[at], pair.grid.width[at], signed[at]
    gap, first, second = np.abs(pair.gap), pair.reference, pair.current
    by_reach = signed + 2 * down * (width * up - signed) / (up + down)
    by_left = gap[at] * width + first.area_left[at] + second.area_left[at]
    by_right = gap[at + 1] * width + first.area_right[at] + second.area_right[at]
    most = np.minimum(by_reach, np.minimum(by_left, by_right))
    return float(np.maximum(most - np.abs(signed), 0.0).sum())
