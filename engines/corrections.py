"""Outcomes that a partition states again: the same row id on a later line, known as of another moment.

A row counts once, as its first usable line has it. Its outcome is the one with the newest moment up to the cut-off,
whichever line states it; of two for the same moment, the line that came first. Which lines those are is known only
at the end of the partition, so its label columns are then read once more.
"""

import numpy as np

from engines.columns import NO_TIME
from stats.state import UNKNOWN


class Restated:
    """The outcomes of repeated lines so far, in file order."""

    def __init__(self):
        self._prints, self._labels, self._known_at = [], [], []

    def add(self, prints: np.ndarray, labels: np.ndarray, known_at: np.ndarray, repeated: np.ndarray) -> None:
        """Those of a block's repeated lines that say an outcome and since when it is known."""
        chosen = repeated & (labels != UNKNOWN) & (known_at != NO_TIME)
        if chosen.any():
            self._prints.append(prints[chosen])
            self._labels.append(labels[chosen])
            self._known_at.append(known_at[chosen])

    def corrections(self, as_of: int | None) -> "Corrections | None":
        """As of a cut-off in microseconds, None for all; None where nothing was restated."""
        if not self._prints:
            return None
        parts = (self._prints, self._labels, self._known_at)
        return Corrections(*map(np.concatenate, parts), as_of=as_of)


class Corrections:
    """For each row id of repeated lines the newest outcome up to the cut-off; applied while reading again."""

    def __init__(self, prints: np.ndarray, labels: np.ndarray, known_at: np.ndarray, *, as_of: int | None):
        """prints (k, 2) uint64, labels (k,) int8, known_at (k,) int64: a restated outcome each, in file order."""
        self._as_of = np.iinfo(np.int64).max if as_of is None else as_of
        # By id, then by moment; the last of an id is its newest, of equal moments the line that came first.
        order = np.lexsort((-np.arange(known_at.size), known_at, prints[:, 1], prints[:, 0]))
        ids, self._moments = prints[order], known_at[order]
        starts = np.flatnonzero(np.append(True, (ids[1:] != ids[:-1]).any(axis=1)))
        self._sizes = np.diff(np.append(starts, known_at.size))
        self._ids = ids[starts]
        self._run = int(np.unique(self._ids[:, 0], return_counts=True)[1].max())
        in_time = np.add.reduceat((self._moments <= self._as_of).astype(np.int64), starts)
        newest = np.maximum(starts + in_time - 1, 0)
        self._newest_at = np.where(in_time > 0, self._moments[newest], NO_TIME)
        self._newest = np.where(in_time > 0, labels[order][newest], UNKNOWN)
        self._own_at = np.full(len(self._ids), NO_TIME)

    def apply(
        self, prints: np.ndarray, usable: np.ndarray, labels: np.ndarray, known_at: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Labels and moments of a block whose usable lines are the first of their ids, the newest outcome in place."""
        rows, ids = self._found(prints, usable)
        own_at = np.where(labels[rows] != UNKNOWN, known_at[rows], NO_TIME)
        self._own_at[ids] = own_at
        newer = self._newest_at[ids] > np.where(own_at <= self._as_of, own_at, NO_TIME)
        labels, known_at = labels.copy(), known_at.copy()
        labels[rows[newer]], known_at[rows[newer]] = self._newest[ids[newer]], self._newest_at[ids[newer]]
        return labels, known_at

    def _found(self, prints: np.ndarray, usable: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places of the usable lines whose id was restated, and the places of those ids."""
        at, rows, ids = np.searchsorted(self._ids[:, 0], prints[:, 0]), [], []
        for step in range(self._run):  # once, unless two ids agree in 64 of their 128 bits
            here = np.minimum(at + step, len(self._ids) - 1)
            hits = np.flatnonzero(usable & (self._ids[here] == prints).all(axis=1))
            rows.append(hits)
            ids.append(here[hits])
        return np.concatenate(rows), np.concatenate(ids)

    @property
    def next_moment(self) -> int:
        """The first moment after the cut-off of any outcome that was restated: no label of theirs changes before it."""
        return int(self._moments[self._moments > self._as_of].min(initial=np.iinfo(np.int64).max))

    @property
    def restated(self) -> int:
        """How many repeated lines state an outcome as of another moment than the first; known after reading again."""
        return int((self._moments != np.repeat(self._own_at, self._sizes)).sum())
