"""A bottom-k sample of raw rows: by keyed hash, mergeable, independent of the order of rows and files.

Kept are the PER_BAND rows with the smallest keys of every reference score band (so that rare bands can be
drawn from) and the OVERALL rows with the smallest keys of all (so that a window of as many rows always gives
as many, however its scores moved). A row kept for either reason in a union was kept for it in its part, so
sampling parts and merging equals sampling the whole.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc as ipc

from engines.arrays import arrow_array, arrow_mask, numpy_array

PER_BAND = 100
OVERALL = 1_000
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
    def bands(self) -> np.ndarray:
        return numpy_array(self.table.column(BAND))[0]

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
        """Up to `rows` rows, stratified by score band, ordered by key; the same rows every time.

        shares  (bands,) how the rows are spread over the bands, for example those of the window; equal
                when None. Bands that hold too few rows are topped up with the smallest keys of the rest.
        """
        bands = self.bands
        shares = np.ones(int(bands.max(initial=0)) + 1) if shares is None else np.asarray(shares, float)
        wanted = np.floor(rows * shares / shares.sum()).astype(int)
        rank = _rank_within(bands)
        inside = (bands < wanted.size) & (rank < wanted[np.minimum(bands, wanted.size - 1)])
        spare = np.flatnonzero(~inside)[: max(rows - int(inside.sum()), 0)]
        inside[spare] = True
        return self.table.filter(arrow_mask(inside))


def smallest(keys: np.ndarray, bands: np.ndarray) -> np.ndarray:
    """Positions of the rows that the sample keeps, ordered by key."""
    few = _surely_enough(keys, bands)
    if few is not None:
        return few[smallest(keys[few], bands[few])]
    order = np.argsort(keys)
    if (keys[order][1:] == keys[order][:-1]).any():  # twins keep the order they came in: several times slower
        order = np.argsort(keys, kind="stable")
    kept = _rank_within(bands[order]) < PER_BAND
    kept[:OVERALL] = True
    return order[kept]


def _surely_enough(keys: np.ndarray, bands: np.ndarray) -> np.ndarray | None:
    """Positions of the smallest keys that hold every row to be kept; None where all have to be sorted.

    A selection is several times cheaper than sorting. It is enough where each band has PER_BAND rows in it.
    """
    if keys.size <= 2 * SELECTED:
        return None
    limit = np.partition(keys, SELECTED - 1)[SELECTED - 1]
    few = np.flatnonzero(keys <= limit)
    inside, all_of = np.bincount(bands[few], minlength=128), np.bincount(bands, minlength=128)
    is_enough = (inside >= np.minimum(all_of, PER_BAND)).all() and few.size <= 2 * SELECTED
    return few if is_enough else None


def _rank_within(bands: np.ndarray) -> np.ndarray:
    """For rows in key order: how many rows of the same band come before."""
    rank = np.empty(bands.size, np.int64)
    for band in np.unique(bands):
        inside = np.flatnonzero(bands == band)
        rank[inside] = np.arange(inside.size)
    return rank


def merge_samples(samples: Iterable[Sample]) -> Sample:
    """The sample of all the rows together. Raises ValueError for none."""
    tables = [sample.table for sample in samples]
    if not tables:
        raise ValueError("no sample to merge")
    table = pa.concat_tables(tables).combine_chunks()
    keys = numpy_array(table.column(KEY))[0]
    if np.unique(keys).size < keys.size:
        # A row id that two partitions share has one key: order such twins by content, not by file.
        table = table.sort_by([(name, "ascending") for name in dict.fromkeys((KEY, *table.column_names))])
        keys = numpy_array(table.column(KEY))[0]
    kept = smallest(keys, numpy_array(table.column(BAND))[0])
    return Sample(table.take(arrow_array(kept, pa.int64())))
