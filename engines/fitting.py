"""Fit the bins of a reference profile from the rows of its window, some columns at a time."""

from collections import Counter
from datetime import UTC, date, datetime

import numpy as np

from engines.admission import Admission, levels_of, numbers_of
from engines.kernels import UNGROUPED
from engines.log import LogSpec
from engines.reading import open_partition
from engines.refusals import LogRefused
from engines.sources import Partition
from stats.calibration import isotonic_knots
from stats.reference import (
    SCORE_GRID,
    SEGMENT_LEVELS,
    CategoryLevels,
    NumberBins,
    ReferenceProfile,
    ScoreBins,
    empty_state,
    fit_category,
    fit_number,
    fit_score,
)
from stats.results import StatsInputError
from stats.state import BAD, UNKNOWN

# Columns are held whole, as many at a time as fit: a quantile needs all values of its column.
HELD_VALUES = 16_000_000


class WindowRows:
    """The usable rows of a window, its columns read one by one."""

    def __init__(
        self,
        partitions: list[Partition],
        spec: LogSpec,
        between: tuple[date | None, date | None],
        labels_as_of: datetime | None = None,
    ):
        self.partitions, self.spec = partitions, spec
        self._masks: list[list[np.ndarray]] = []
        scores, labels = [], []
        for partition in partitions:
            judged = self._judged(partition, between=between, labels_as_of=labels_as_of)
            self._masks.append([used for used, _, _ in judged])
            scores += [part[used] for used, part, _ in judged]
            labels += [part[used] for used, _, part in judged]
        self.scores, self.labels = np.concatenate([[], *scores]), np.concatenate([[], *labels])
        if not self.scores.size:
            raise LogRefused("the window holds no usable row; check its days and its files")

    def _judged(self, partition: Partition, **rules) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """(used rows, scores, labels) of every block."""
        reader = open_partition(partition, self.spec.columns)
        admission = Admission(self.spec, rows=reader.rows, **rules)
        admission.check_columns(reader, partition)
        judged = []
        for block in reader.blocks(admission.columns):
            admitted = admission.judge(block.read(admission.columns))
            judged.append((admitted.groups[0] != UNGROUPED, admitted.scores, admitted.labels))
        corrections = admission.corrections()
        return self._judged(partition, corrections=corrections, **rules) if corrections else judged

    def _columns(self, names: tuple[str, ...]):
        """(name, column, used rows) of every block, in file order."""
        for partition, masks in zip(self.partitions, self._masks, strict=True):
            reader = open_partition(partition, names, levels=self.spec.levels)
            for block, used in zip(reader.blocks(names), masks, strict=True):
                for name, column in block.read(names).items():
                    yield name, column, used

    def numbers(self, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        """(rows,) float64 of each column."""
        parts: dict[str, list[np.ndarray]] = {name: [np.empty(0)] for name in names}
        for name, column, used in self._columns(names):
            parts[name].append(numbers_of(column, name)[0][used])
        return {name: np.concatenate(values) for name, values in parts.items()}

    def levels(self, names: tuple[str, ...]) -> dict[str, Counter[str]]:
        """How often each level of each column occurs; missing is left out."""
        counts: dict[str, Counter[str]] = {name: Counter() for name in names}
        for name, column, used in self._columns(names):
            _count_levels(levels_of(column, name), used, counts[name])
        return counts


def _count_levels(chunks: list, used: np.ndarray, counts: Counter[str]) -> None:
    start = 0
    for positions, names in chunks:
        inside = positions[used[start : start + positions.size]]
        start += positions.size
        found = np.bincount(inside[inside >= 0], minlength=len(names))
        for place in np.flatnonzero(found).tolist():
            if names[place] is not None:
                counts[names[place]] += int(found[place])


def fit_numbers(rows: WindowRows, *, psi_bins: int) -> tuple[NumberBins, ...]:
    """Raises LogRefused for a feature without one finite value."""
    names, fitted = rows.spec.numbers, []
    at_a_time = max(1, HELD_VALUES // rows.scores.size)
    for start in range(0, len(names), at_a_time):
        values = rows.numbers(names[start : start + at_a_time])
        for name, column in values.items():
            try:
                fitted.append(fit_number(name, column, psi_bins=psi_bins))
            except StatsInputError as wrong:
                raise LogRefused(str(wrong), column=name) from wrong
    return tuple(fitted)


def fit_levels(rows: WindowRows) -> tuple[tuple[CategoryLevels, ...], tuple[CategoryLevels, ...]]:
    """Levels of the categorical features, and of the segments."""
    spec = rows.spec
    counts = rows.levels(tuple(dict.fromkeys((*spec.categories, *spec.segments))))
    categories = tuple(fit_category(name, counts[name]) for name in spec.categories)
    return categories, tuple(fit_category(name, counts[name], cap=SEGMENT_LEVELS) for name in spec.segments)


def fit_scores(rows: WindowRows, *, psi_bins: int, grid: int = SCORE_GRID) -> ScoreBins:
    known = rows.labels != UNKNOWN
    knots = isotonic_knots(rows.scores[known], (rows.labels[known] == BAD).astype(float))
    return fit_score(rows.scores, knots, cut_offs=rows.spec.cut_offs, psi_bins=psi_bins, grid=grid)


def fit_bins(
    partitions: list[Partition],
    spec: LogSpec,
    *,
    between: tuple[date | None, date | None],
    seed: int,
    psi_bins: int = 10,
    labels_as_of: datetime | None = None,
) -> ReferenceProfile:
    """The bins of every column, with nothing counted in them yet.

    Raises LogRefused as engines.local.fit_reference does.
    """
    rows = WindowRows(partitions, spec, between, labels_as_of)
    categories, segments = fit_levels(rows)
    numbers, score = fit_numbers(rows, psi_bins=psi_bins), fit_scores(rows, psi_bins=psi_bins)
    settings = {
        "psi_bins": psi_bins,
        "since": between[0] and between[0].isoformat(),
        "until": between[1] and between[1].isoformat(),
        "labels_as_of": labels_as_of and labels_as_of.astimezone(UTC).isoformat(),
        "partitions": [[partition.key, partition.sha256] for partition in partitions],
        "spec": spec.to_dict(),
    }
    return ReferenceProfile(
        numbers, categories, score, segments, seed, settings, empty_state(numbers, categories, score)
    )
