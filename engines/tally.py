"""The arrays of one partition that the kernels add to, and the states they end up as."""

from functools import lru_cache
from itertools import pairwise

import numpy as np
import pyarrow as pa

from engines.admission import levels_of
from engines.kernels import (
    UNGROUPED,
    Cells,
    cell_table,
    fill_levels,
    fill_moments,
    fill_number,
    fill_score,
    standardise,
)
from stats.reference import CategoryLevels, NumberBins, ReferenceProfile, ScoreBins
from stats.state import (
    NAMED_NEW_LEVELS,
    CategoryCounts,
    Moments,
    NumberCounts,
    ScoreCounts,
    merge_names,
)


@lru_cache(maxsize=2)
def cell_tables(reference: ReferenceProfile) -> dict[str, Cells]:
    """The kernels' lookup tables of a reference, kept by a warm worker; the score's is under ""."""
    return {
        **{bins.name: cell_table(bins.edges) for bins in reference.numbers},
        "": cell_table(reference.score.edges),
    }


class Grown:
    """Arrays with one row a state, enlarged when new states turn up. A finished state is a view of its row."""

    def __init__(self, *shapes: tuple[tuple[int, ...], type]):
        self._shapes, self.size = shapes, 0
        self.arrays = [np.zeros((0, *shape), dtype) for shape, dtype in shapes]

    def grow(self, size: int) -> None:
        if size > self.size:
            arrays = [np.zeros((size, *shape), dtype) for shape, dtype in self._shapes]
            for array, known in zip(arrays, self.arrays, strict=True):
                array[: self.size] = known
            self.arrays, self.size = arrays, size


class NumberTally(Grown):
    """One numeric feature."""

    def __init__(self, bins: NumberBins, cells: Cells):
        size = bins.edges.size
        super().__init__(((size + 2,), np.int64), ((size + 1,), np.float64), ((2,), np.float64), ((), np.int64))
        self.bins, self._cells = bins, cells

    def grow(self, size: int) -> None:
        known = self.size
        super().grow(size)
        self.arrays[2][known:] = np.inf, -np.inf

    def add(self, values: np.ndarray, groups: np.ndarray) -> None:
        fill_number(values, groups, self._cells, self.bins.mean, *self.arrays)

    def standardised(self, values: np.ndarray, out: np.ndarray) -> None:
        standardise(values, self.bins.mean, self.bins.sd, out)

    def state(self, i: int) -> NumberCounts:
        counts, centred, extremes, infinite = self.arrays
        low, high = extremes[i].tolist()
        return NumberCounts(counts[i], centred[i], low, high, int(infinite[i]))


class CategoryTally(Grown):
    """One categorical feature."""

    def __init__(self, levels: CategoryLevels):
        super().__init__(((len(levels.levels) + 3,), np.int64))
        self.levels = levels
        self._codes = {name: code for code, name in enumerate(levels.levels)}
        self._new_names: dict[int, tuple[tuple[str, int], ...]] = {}

    def add(self, column: pa.ChunkedArray, groups: np.ndarray) -> None:
        start = 0
        for positions, names in levels_of(column, self.levels.name):
            part = groups[:, start : start + positions.size]
            start += positions.size
            lookup = self._lookup(names)
            fill_levels(positions, lookup, np.ascontiguousarray(part), self.arrays[0])
            if self.levels.complete and (lookup == self._new).any():
                self._name_new(lookup[positions] == self._new, positions, names, part)

    def add_missing(self, groups: np.ndarray) -> None:
        """A block without the column."""
        nowhere = np.full(groups.shape[1], -1, np.int32)
        fill_levels(nowhere, self._lookup([]), groups, self.arrays[0])

    @property
    def _new(self) -> int:
        return len(self.levels.levels) + 1

    def _lookup(self, names: list[str | None]) -> np.ndarray:
        """Bin of each name of a chunk's dictionary, and of -1 (missing) at the end."""
        unknown = self._new if self.levels.complete else self._new - 1
        missing = self._new + 1
        codes = [missing if name is None else self._codes.get(name, unknown) for name in names]
        return np.array([*codes, missing], np.int32)

    def _name_new(self, new: np.ndarray, positions: np.ndarray, names: list, groups: np.ndarray) -> None:
        ranked = sorted({names[position] for position in np.unique(positions[new])})
        rank = {name: place for place, name in enumerate(ranked)}
        places = np.array([rank.get(name, 0) for name in names])[positions[new]]
        for states in groups[:, new]:
            for state in np.unique(states[states != UNGROUPED]).tolist():
                self._add_names(state, ranked, np.bincount(places[states == state]))

    def _add_names(self, state: int, ranked: list[str], counts: np.ndarray) -> None:
        first = np.flatnonzero(counts)[:NAMED_NEW_LEVELS].tolist()
        found = [(ranked[place], int(counts[place])) for place in first]
        self._new_names[state] = merge_names(self._new_names.get(state, ()), found)

    def state(self, i: int) -> CategoryCounts:
        return CategoryCounts(self.arrays[0][i], self._new_names.get(i, ()))


class ScoreTally(Grown):
    """The score with its labels and decisions."""

    def __init__(self, bins: ScoreBins, cells: Cells):
        shape = (3, bins.edges.size + 1)
        super().__init__(
            (shape, np.int64),
            (shape, np.float64),
            (shape, np.float64),
            ((2,), np.float64),
            ((3, 3, bins.bands), np.int64),
        )
        self._cells = cells
        self._bands = np.searchsorted(bins.band_cuts, np.arange(bins.edges.size + 1)).astype(np.int8)

    def add(self, scores, labels, decisions, groups) -> None:
        fill_score(scores, labels, decisions, groups, self._cells, self._bands, *self.arrays)

    def state(self, i: int) -> ScoreCounts:
        return ScoreCounts(*(array[i] for array in self.arrays))


class MomentTally(Grown):
    """Second moments of the numeric features together; of the "all" cut only."""

    def __init__(self, features: int):
        super().__init__(((features,), np.float64), ((features, features), np.float64), ((), np.int64))
        self.features = features

    def parts(self, tasks: int) -> list[tuple[int, int]]:
        """Shares of the features of about equal work: a triangle's area grows as i²."""
        marks = np.round(self.features * np.sqrt(np.arange(tasks + 1) / tasks)).astype(int).tolist()
        return list(pairwise(marks)) if self.features else []

    def add(self, standardised: np.ndarray, groups: np.ndarray, part: tuple[int, int]) -> None:
        total, products, _ = self.arrays
        fill_moments(standardised, groups, *part, total, products)

    def count(self, groups: np.ndarray) -> None:
        self.arrays[2] += np.bincount(groups[groups != UNGROUPED], minlength=self.size)

    def state(self, i: int) -> Moments:
        total, products, rows = self.arrays
        lower = np.tril(products[i], -1)
        return Moments(int(rows[i]), total[i], lower + lower.T + np.diag(np.diag(products[i])))
