"""A bottom-k sample of raw rows: by keyed hash, mergeable, independent of the order of rows and files.

Kept are the A_DAY rows with the smallest keys of every day, and the PER_BAND rows with the smallest keys of every
reference score band, so that rare bands can be drawn from. A row kept for either reason in a union was kept for
it in its part, so sampling parts and merging equals sampling the whole.

What follows of it: of any window of whole days, the A_DAY rows with the smallest keys of all are there (all rows,
where the window has fewer), since each of them is among the smallest of its day. A key depends on the row id and
the seed alone, so they are a simple random sample of the window, whether its days are files of their own or cut
out of a month's; unless row ids were chosen by somebody who knows the seed (engines.siphash). Behind them come
rows that are there for their band only: a sample would be biased by them, and `draw` takes them only to fill a
band's share.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc as ipc

from engines.arrays import arrow_array, arrow_mask, numpy_array

A_DAY = 1_000
PER_BAND = 100
SELECTED = 4_000
KEY, BAND, DAY = "__key", "__band", "__day"


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows with the raw columns of the log, ordered by key.

    table  the log's columns (row id as text, numbers as float64, categories as text, time in microseconds
           UTC, decision 0/1/2 and label 0/1/2 as in stats.state), and __key uint64, __band int8, __day date
    """

    table: pa.Table = field(repr=False)

    def __len__(self) -> int:
        return self.table.num_rows

    def to_bytes(self) -> bytes:
        """An Arrow IPC stream."""
        sink = pa.BufferOutputStream()
        with ipc.new_stream(sink, self.table.schema) as writer:
            writer.write_table(self.table.combine_chunks())
        return sink.getvalue().to_pybytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Sample":
        with ipc.open_stream(data) as reader:
            return cls(reader.read_all())

    @cached_property
    def keys(self) -> np.ndarray:
        return numpy_array(self.table.column(KEY))[0]

    @cached_property
    def bands(self) -> np.ndarray:
        return numpy_array(self.table.column(BAND))[0]

    @cached_property
    def days(self) -> np.ndarray:
        """(n,) int32 days since 1970."""
        return numpy_array(self.table.column(DAY).cast(pa.int32()))[0]

    def taken(self, positions: np.ndarray) -> "Sample":
        return Sample(self.table.take(arrow_array(positions, pa.int64())))

    def as_one_window(self) -> "Sample":
        """What `draw` needs of these rows as long as nobody cuts days out of them: of a reference window."""
        return self.taken(smallest(self.keys, self.bands, np.zeros_like(self.days)))

    def with_columns_of(self, other: "Sample") -> "Sample":
        """These rows with the columns that `other`, a sample of the same rows, has too."""
        table = self.table
        for place, name in enumerate(table.column_names):
            if name in other.table.column_names:
                table = table.set_column(place, table.schema.field(name), other.table.column(name))
        return Sample(table)

    def between(self, since, until) -> "Sample":
        """The rows of the days since ≤ day < until."""
        days = self.table.column(DAY)
        return Sample(self.table.filter(pc.and_(pc.greater_equal(days, since), pc.less(days, until))))

    def draw(self, rows: int, *, shares: np.ndarray | None = None) -> pa.Table:
        """Up to `rows` rows of the window, at most A_DAY, ordered by key; the same rows every time.

        Without shares the rows with the smallest keys of all: a simple random sample of the window.
        shares  (bands,) how the rows are spread over the score bands, for example the window's own counts
                (stats.state.ScoreCounts.by_band): each band gives its part by its smallest keys. Where it holds
                fewer, the smallest keys of the rest fill up: near A_DAY rows a band above PER_BAND may by
                chance hold less than its part. With other shares than the window's own
                the sample shows their scores, not the window's.
        Raises ValueError for shares that are negative or all 0.
        """
        rows = min(rows, A_DAY)
        if shares is None:
            return self.table.slice(0, rows)
        inside = self._first_of_bands(_parts(rows, shares))
        inside[np.flatnonzero(~inside)[: rows - int(inside.sum())]] = True
        return self.table.filter(arrow_mask(inside))

    def _first_of_bands(self, wanted: np.ndarray) -> np.ndarray:
        """(n,) bool: the first wanted[b] rows of each band b."""
        wanted = np.append(wanted, 0)  # a band that the shares do not name
        return rank_within(self.bands) < wanted[np.minimum(self.bands, wanted.size - 1)]


def _parts(rows: int, shares: np.ndarray) -> np.ndarray:
    """Whole rows that add up to `rows`; the largest remainders are rounded up, of equal ones the first."""
    shares = np.asarray(shares, np.float64)
    if not (shares >= 0).all() or not shares.sum() > 0:
        raise ValueError(f"shares must not be negative, nor all 0, got {shares.tolist()}")
    exact = rows * shares / shares.sum()
    parts = np.floor(exact).astype(int)
    parts[np.argsort(parts - exact, kind="stable")[: rows - parts.sum()]] += 1
    return parts


def smallest(keys: np.ndarray, bands: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Positions of the rows that the sample keeps, ordered by key."""
    few = _surely_enough(keys, bands, days)
    if few is not None:
        return few[smallest(keys[few], bands[few], days[few])]
    order = np.argsort(keys)
    if (keys[order][1:] == keys[order][:-1]).any():  # twins keep the order they came in: several times slower
        order = np.argsort(keys, kind="stable")
    return order[(rank_within(bands[order]) < PER_BAND) | (rank_within(days[order]) < A_DAY)]


def _surely_enough(keys: np.ndarray, bands: np.ndarray, days: np.ndarray) -> np.ndarray | None:
    """Positions of the smallest keys that hold every row to be kept; None where all have to be sorted.

    A selection is several times cheaper than sorting. It is enough where each band has PER_BAND rows in it and
    each day A_DAY: where there are few days.
    """
    if keys.size <= 2 * SELECTED:
        return None
    limit = np.partition(keys, SELECTED - 1)[SELECTED - 1]
    few = np.flatnonzero(keys <= limit)
    is_enough = few.size <= 2 * SELECTED and all(
        (inside >= np.minimum(whole, wanted)).all()
        for inside, whole, wanted in (
            (*_counts(bands[few], bands), PER_BAND),
            (*_counts(days[few], days), A_DAY),
        )
    )
    return few if is_enough else None


def _counts(part: np.ndarray, whole: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How often each value of `whole` occurs in `part` and in `whole`."""
    first, span = int(whole.min()), int(np.ptp(whole)) + 1
    return tuple(np.bincount(values - first, minlength=span) for values in (part, whole))


def rank_within(groups: np.ndarray) -> np.ndarray:
    """For rows in key order: how many rows of the same group come before."""
    order = np.argsort(groups, kind="stable")
    grouped = groups[order]
    starts = np.flatnonzero(np.append(True, grouped[1:] != grouped[:-1]))[: grouped.size]
    rank = np.empty(groups.size, np.int64)
    rank[order] = np.arange(groups.size) - np.repeat(starts, np.diff(np.append(starts, groups.size)))
    return rank


def merge_samples(samples: Iterable[Sample]) -> Sample:
    """The sample of all the rows together. Raises ValueError for none."""
    tables = [sample.table for sample in samples]
    if not tables:
        raise ValueError("no sample to merge")
    table = pa.concat_tables(tables).combine_chunks()
    keys = Sample(table).keys
    if np.unique(keys).size < keys.size:
        # A row id that two partitions share has one key: order such twins by content, not by file.
        table = table.sort_by([(name, "ascending") for name in dict.fromkeys((KEY, *table.column_names))])
        keys = Sample(table).keys
    whole = Sample(table)
    return whole.taken(smallest(keys, whole.bands, whole.days))
