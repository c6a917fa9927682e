"""Open one partition and hand out its rows in blocks, in file order, whatever the format.

A block is a run of row groups, or a batch within a huge one: memory is bounded by the block, not the file.
"""

import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from engines.arrays import numpy_array
from engines.columns import is_text
from engines.refusals import LogRefused

BLOCK_ROWS = 65_536
HUGE_ROW_GROUP = 8 * BLOCK_ROWS
FIRST_ROWS = 1_000
QUOTED_LINE = re.compile(r"(columns, got \d+): .*")  # Arrow ends with the line itself: rows of customers
CSV_BLOCK_BYTES = 16 << 20

Columns = dict[str, pa.ChunkedArray]


class Block(Protocol):
    """Some consecutive rows. `read` may be called from several threads at once."""

    rows: int

    def read(self, names: Iterable[str]) -> Columns: ...


class Reader(Protocol):
    """One open partition; `rows` is None where only reading to the end would tell."""

    names: list[str]
    rows: int | None
    malformed: int

    def first_rows(self) -> pa.Table: ...
    def blocks(self, names: Iterable[str]) -> Iterator[Block]: ...


@contextmanager
def readable(partition):
    """Turn what Arrow raises for damaged files into one sentence."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeError) as failure:
        detail = str(failure).strip().splitlines() or [type(failure).__name__]
        told = QUOTED_LINE.sub(r"\1", detail[0])[:200]
        reason = f"{partition.key} cannot be read as {partition.format}: {told}"
        raise LogRefused(reason, partition=partition.key) from failure


def open_partition(partition, names: Iterable[str], *, levels: Iterable[str] = ()) -> Reader:
    """Open a partition for the columns `names` that it has.

    levels  those of them that hold few different texts: read as dictionaries, half the time of plain strings

    Raises LogRefused for an empty or damaged file and for a column of `names` that it has twice.
    """
    with readable(partition):
        if partition.bytes == 0:
            raise LogRefused(f"{partition.key} is empty (0 bytes)", partition=partition.key)
        reader = CsvReader(partition) if partition.format == "csv" else ParquetReader(partition, levels)
    for name in names:
        if reader.names.count(name) > 1:
            reason = f"column {name!r} is there {reader.names.count(name)} times in {partition.key}"
            raise LogRefused(reason, column=name, partition=partition.key)
    return reader


class ParquetReader:
    """Row groups of a Parquet file."""

    malformed = 0

    def __init__(self, partition, levels: Iterable[str]):
        self.partition = partition
        self._metadata = pq.read_metadata(partition.path)
        schema = self._metadata.schema.to_arrow_schema()
        self.names, self.rows = schema.names, self._metadata.num_rows
        self._levels = [field.name for field in schema if is_text(field.type) and field.name in set(levels)]
        self._local = threading.local()

    def first_rows(self) -> pa.Table:
        with readable(self.partition):
            batches = self._file().iter_batches(batch_size=FIRST_ROWS)
            first = next(batches, None)
            schema = self._file().schema_arrow
            return pa.Table.from_batches([] if first is None else [first], schema)

    def blocks(self, names: Iterable[str]) -> Iterator["Block"]:
        run, rows = [], 0
        for group in range(self._metadata.num_row_groups):
            size = self._metadata.row_group(group).num_rows
            if run and rows + size > BLOCK_ROWS:
                yield RowGroups(self, run, rows)
                run, rows = [], 0
            if size > HUGE_ROW_GROUP:
                yield from self._batches(group, names)
            else:
                run, rows = [*run, group], rows + size
        if run:
            yield RowGroups(self, run, rows)

    def _batches(self, group: int, names: Iterable[str]) -> Iterator["Block"]:
        present = [name for name in names if name in self.names]
        with readable(self.partition):
            batches = self._file().iter_batches(BLOCK_ROWS, [group], present, use_threads=False)
            for batch in batches:
                yield Rows(_with_sound_levels(pa.Table.from_batches([batch])))

    def _file(self) -> pq.ParquetFile:
        """One open file a thread: a reader is not documented as safe to share."""
        if not hasattr(self._local, "file"):
            self._local.file = pq.ParquetFile(
                self.partition.path, metadata=self._metadata, read_dictionary=self._levels
            )
        return self._local.file

    def read_groups(self, groups: list[int], names: list[str]) -> pa.Table:
        with readable(self.partition):
            return _with_sound_levels(self._file().read_row_groups(groups, columns=names, use_threads=False))


def _with_sound_levels(table: pa.Table) -> pa.Table:
    """The table, its dictionary positions checked. Raises ArrowInvalid where one leads out of its dictionary.

    Arrow hands on what a damaged or hostile file says, and a kernel would write wherever it leads. Its own
    `validate(full=True)` of the column says so too, in four times the time.
    """
    for column in table.columns:
        if pa.types.is_dictionary(column.type):
            for chunk in column.chunks:
                _check_positions(chunk)
    return table


def _check_positions(chunk: pa.DictionaryArray) -> None:
    chunk.validate()
    chunk.dictionary.validate(full=True)
    positions, valid = numpy_array(chunk.indices)
    used = positions if valid is None else positions[valid]
    if used.size and not 0 <= used.min() <= used.max() < len(chunk.dictionary):
        raise pa.ArrowInvalid(f"a dictionary position is out of bounds: {used.min()} to {used.max()}")


class RowGroups:
    """A block that is read from the file column by column, when asked."""

    def __init__(self, reader: ParquetReader, groups: list[int], rows: int):
        self._reader, self._groups, self.rows = reader, groups, rows

    def read(self, names: Iterable[str]) -> Columns:
        present = [name for name in names if name in self._reader.names]
        if not present:
            return {}
        table = self._reader.read_groups(self._groups, present)
        if table.num_rows != self.rows:
            raise LogRefused(f"{self._reader.partition.key} has fewer rows than its footer says")
        return {name: table.column(name) for name in present}


class Rows:
    """A block that is already in memory."""

    def __init__(self, table: pa.Table):
        self._table, self.rows = table, table.num_rows

    def read(self, names: Iterable[str]) -> Columns:
        return {name: self._table.column(name) for name in names if name in self._table.column_names}


class CsvReader:
    """Rows of a CSV file (UTF-8, also with a byte-order mark; header in the first line), all as text.

    Types are not inferred: they would be guessed from the first block, and a value that does not fit would
    end the file half-way. `malformed` counts lines with the wrong number of cells, which are left out.
    """

    rows = None

    def __init__(self, partition):
        self.partition, self.malformed = partition, 0
        self.names = pacsv.open_csv(
            partition.path, read_options=_csv_blocks(), parse_options=self._parsing()
        ).schema.names

    def first_rows(self) -> pa.Table:
        with readable(self.partition):
            stream = self._open(self.names)
            first = next(iter(stream), None)
            return pa.Table.from_batches([] if first is None else [first], stream.schema).slice(0, FIRST_ROWS)

    def blocks(self, names: Iterable[str]) -> Iterator["Block"]:
        self.malformed = 0
        with readable(self.partition):
            for batch in self._open([name for name in dict.fromkeys(names) if name in self.names]):
                yield Rows(pa.Table.from_batches([batch]))

    def _open(self, names: list[str]) -> pacsv.CSVStreamingReader:
        return pacsv.open_csv(
            self.partition.path,
            read_options=_csv_blocks(),
            parse_options=self._parsing(),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=names,
                strings_can_be_null=True,
                null_values=["", "NULL", "null", "NA", "N/A", "NaN", "nan"],
            ),
        )

    def _parsing(self) -> pacsv.ParseOptions:
        return pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=self._leave_out)

    def _leave_out(self, row) -> str:
        self.malformed += 1
        return "skip"


def _csv_blocks() -> pacsv.ReadOptions:
    return pacsv.ReadOptions(use_threads=False, block_size=CSV_BLOCK_BYTES)
