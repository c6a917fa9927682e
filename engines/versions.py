"""How many rows each version of the model scored, by bank's day, as the log itself says."""

from collections import Counter
from datetime import date

import numpy as np
import pyarrow as pa

from engines.admission import OTHER, Admitted, day_of, levels_of
from engines.kernels import UNGROUPED
from engines.partition import MISSING

MOST_VERSIONS = 50  # that are named, the ones that sort first: then the counts are exact in any order of rows
LONGEST = 60


class VersionTally:
    """Rows by day and version of the blocks so far."""

    def __init__(self):
        self._rows: Counter[tuple[int, str]] = Counter()

    def add(self, column: pa.ChunkedArray | None, name: str, admitted: Admitted) -> None:
        used, start = admitted.groups[0] != UNGROUPED, 0
        if column is None:
            self._count(admitted.days[used], np.zeros(int(used.sum()), np.int64), [None])
            return
        for positions, names in levels_of(column, name):
            inside = slice(start, start + positions.size)
            start += positions.size
            kept = used[inside]
            self._count(admitted.days[inside][kept], positions[kept], names)
        self._pool()

    def _count(self, days: np.ndarray, positions: np.ndarray, names: list[str | None]) -> None:
        for day in np.unique(days).tolist():
            counts = np.bincount(positions[days == day] + 1, minlength=len(names) + 1)
            for place in np.flatnonzero(counts).tolist():
                self._rows[day, version_said(names[place - 1] if place else None)] += int(counts[place])

    def _pool(self) -> None:
        self._rows = pooled(self._rows)

    @property
    def by_day(self) -> dict[tuple[date, str], int]:
        return {(day_of(day), version): rows for (day, version), rows in sorted(self._rows.items())}


def version_said(text: str | None) -> str:
    return text[:LONGEST] if text else MISSING


def pooled[D](rows: Counter[tuple[D, str]]) -> Counter[tuple[D, str]]:
    """The same rows with at most MOST_VERSIONS names; what is beyond is one."""
    names = sorted({version for _, version in rows} - {OTHER, MISSING})
    if len(names) <= MOST_VERSIONS:
        return rows
    kept, fewer = {*names[:MOST_VERSIONS], OTHER, MISSING}, Counter()
    for (day, version), count in rows.items():
        fewer[day, version if version in kept else OTHER] += count
    return fewer
