"""Workbooks of one sheet. Where a cell of one from outside holds a formula, that is said; its value is not believed."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import IO
from xml.etree.ElementTree import ParseError

from openpyxl import DEFUSEDXML, Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

type Value = str | int | float | datetime | None

MOMENT = "yyyy-mm-dd hh:mm:ss"
MOST_ROWS = 1_048_576  # of a sheet, as the format has it
# What openpyxl raises for files that are not what they should be; it has no error of its own for that.
UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, InvalidFileException, ParseError, EOFError, NotImplementedError),
    *(ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError, OverflowError),
)
if not DEFUSEDXML:
    raise ImportError("defusedxml is missing: without it a workbook from outside could unpack without end.")


class WorkbookRefused(Exception):
    """The file is no workbook that can be read; the sentence says why and what to do."""


@dataclass(frozen=True)
class Formula:
    """What stands in a cell that is computed."""

    text: str


def write_workbook(
    stream: IO[bytes], rows: Iterable[Sequence[Value]], *, sheet: str, is_quoted: Callable[[str], bool]
) -> None:
    """Write rows as the one sheet of a workbook, in constant memory.

    is_quoted  says of a text that a spreadsheet must keep it a text when somebody edits it
    """
    book = Workbook(write_only=True)
    written = book.create_sheet(sheet)
    written.freeze_panes = "A2"
    for row in rows:
        written.append([_cell(written, value, is_quoted) for value in row])
    book.save(stream)


def _cell(sheet: WriteOnlyWorksheet, value: Value, is_quoted: Callable[[str], bool]) -> WriteOnlyCell | None:
    """A cell whose type is its value's: a text is a text, whatever it begins with."""
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        cell = WriteOnlyCell(sheet, value.astimezone(UTC).replace(tzinfo=None))
        cell.number_format = MOMENT
        return cell
    if not isinstance(value, str):
        return WriteOnlyCell(sheet, value)
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value))
    cell.data_type = "s"
    cell.quotePrefix = is_quoted(value)
    return cell


def read_workbook(path: Path) -> Iterator[list[object]]:
    """Rows of a workbook's first sheet; a cell is a text, a number, a truth value, None or a Formula; days are texts.

    Raises WorkbookRefused. The caller has limited what the zip unpacks to.
    """
    try:
        with path.open("rb") as stream:
            sheet = load_workbook(stream, read_only=True, keep_links=False).worksheets[0]
            sheet.reset_dimensions()  # the file's own word on how wide and long it is counts for nothing
            for number, row in enumerate(sheet.iter_rows(), 1):
                if number > MOST_ROWS:
                    raise WorkbookRefused(f"The sheet has more than {MOST_ROWS:,} rows. Save it again as XLSX.")
                yield [_value(cell) for cell in row]
    except UNREADABLE as problem:
        raise WorkbookRefused(f"The workbook cannot be read ({problem}). Save it again as XLSX.") from problem


def _value(cell) -> object:
    value = cell.value
    if cell.data_type == "f":
        return Formula(str(getattr(value, "text", value)))
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value
