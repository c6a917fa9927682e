"""The exact value for one window and column, read again from the raw rows when somebody asks for it."""

from datetime import date, datetime

import numpy as np

from engines.fitting import WindowRows
from engines.log import LogSpec
from engines.sources import Partition
from stats.raw import exact_auc, exact_distances
from stats.results import NotComputed, Outcome
from stats.state import BAD, UNKNOWN

Between = tuple[date | None, date | None]


def exact_drift(
    reference: list[Partition],
    partitions: list[Partition],
    spec: LogSpec,
    column: str,
    *,
    reference_between: Between = (None, None),
    between: Between = (None, None),
) -> dict[str, Outcome] | NotComputed:
    """`ks` and `wasserstein` of one numeric feature, or of the score, on all usable rows of both windows.

    Holds the column of both windows in memory. Raises LogRefused where a window has no usable row.
    """
    sides = ((reference, reference_between), (partitions, between))
    return exact_distances(*(exact_values(files, spec, column, between=days) for files, days in sides))


def exact_values(
    partitions: list[Partition], spec: LogSpec, column: str, *, between: Between = (None, None)
) -> np.ndarray:
    """(n,) one numeric feature, or the score, of all usable rows of the window; NaN where it is missing.

    Raises LogRefused where the window has no usable row.
    """
    rows = WindowRows(partitions, spec, between)
    return rows.scores if column == spec.score else rows.numbers((column,))[column]


def exact_ranking(
    partitions: list[Partition],
    spec: LogSpec,
    *,
    between: Between = (None, None),
    labels_as_of: datetime | None = None,
) -> Outcome:
    """AUC on all usable rows of the window whose outcome was known at `labels_as_of`."""
    rows = WindowRows(partitions, spec, between, labels_as_of)
    known = rows.labels != UNKNOWN
    return exact_auc(rows.scores[known], rows.labels[known] == BAD)
