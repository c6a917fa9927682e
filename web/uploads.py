"""Files from outside: streamed to disk and hashed as they come, typed by content, limited before they are read."""

from __future__ import annotations

import codecs
import csv
import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.core.files.uploadhandler import TemporaryFileUploadHandler

from web.sheets import plain
from web.xlsx import Formula, WorkbookRefused, read_workbook

LARGEST = 20_000_000  # bytes of a file as it is sent
LARGEST_UNPACKED = 200_000_000
LARGEST_RATIO = 100  # a table of text packs ten to one; a bomb a thousand to one
MOST_PARTS = 1_000  # of a workbook
MOST_COLUMNS = 100
SEEN = 4_096  # bytes at the beginning by which a file is known
LONGEST_CELL = 100_000
csv.field_size_limit(LONGEST_CELL)


class UploadRefused(Exception):
    """The file is not read; the sentence says why and what to do."""


class HashedUpload(TemporaryFileUploadHandler):
    """Writes a file to disk, never to memory, and knows its SHA-256 and size when it is there.

    Of one that is too large the rest is let go by unwritten: the browser is answered by a sentence, not by a broken
    connection.
    """

    def new_file(self, *args, **kwargs) -> None:
        super().new_file(*args, **kwargs)
        self._digest, self._taken = hashlib.sha256(), 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._taken += len(raw_data)
        if self._taken <= LARGEST:
            self._digest.update(raw_data)
            super().receive_data_chunk(raw_data, start)

    def file_complete(self, file_size: int):
        self.file.sha256, self.file.is_too_large = self._digest.hexdigest(), self._taken > LARGEST
        return super().file_complete(file_size)


@dataclass(frozen=True)
class Table:
    """What an uploaded file holds. `rows` are read as they are asked for: (number in the file, its cells)."""

    form: str
    heads: list[str]
    rows: Iterator[tuple[int, list[object]]]


def table_of(upload) -> Table:
    """The table in an upload that HashedUpload took. Raises UploadRefused, also while its rows are read."""
    if upload.is_too_large:
        raise UploadRefused(f"The file is larger than {LARGEST // 1_000_000} MB. Send it in parts.")
    return table_in(Path(upload.temporary_file_path()))


def table_in(path: Path) -> Table:
    form = form_of(path)
    reader = {"xlsx": _workbook, "json": _objects, "csv": _separated}[form]
    rows = _refusing(reader(path))
    _, heads = next(rows, (1, []))
    names = ["" if head is None else str(head).strip() for head in heads]
    while names and not names[-1]:
        names.pop()
    _check_heads(names)
    return Table(form, names, (row for row in rows if any(cell not in (None, "") for cell in row[1])))


def _check_heads(names: list[str]) -> None:
    if not names:
        raise UploadRefused("The file is empty: its first row names the columns.")
    if len(names) > MOST_COLUMNS:
        raise UploadRefused(
            f"The file has {len(names)} columns; at most {MOST_COLUMNS} are read. Keep those of the template."
        )
    if again := sorted({name for name in names if name and names.count(name) > 1}):
        raise UploadRefused(f"Columns stand twice in the first row: {', '.join(again)}. Keep one of each.")
    if "" in names:
        raise UploadRefused(f"Column {names.index('') + 1} has no name in the first row. Name it or take it out.")


def form_of(path: Path) -> str:
    """csv, xlsx or json, by what is in the file; its name and what the browser said of it count for nothing."""
    with path.open("rb") as stream:
        start = stream.read(SEEN)
    if start.startswith(b"PK\x03\x04"):
        _check_workbook(path)
        return "xlsx"
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise UploadRefused("This is an old Excel file (XLS). Save it as XLSX or as CSV UTF-8.")
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UploadRefused("The file is UTF-16 text. Save it as CSV UTF-8.")
    if b"\0" in start or start.startswith(b"%PDF"):
        raise UploadRefused("The file is neither CSV nor XLSX nor JSON, whatever its name says.")
    return "json" if start.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"[", b"{") else "csv"


def _check_workbook(path: Path) -> None:
    """Refuse a zip that is no workbook or unpacks to too much, by its directory, before a byte is unpacked."""
    try:
        with zipfile.ZipFile(path) as package:
            parts = package.infolist()
    except (zipfile.BadZipFile, ValueError) as broken:
        raise UploadRefused("The workbook is damaged. Save it again as XLSX.") from broken
    names, unpacked = {part.filename for part in parts}, sum(part.file_size for part in parts)
    if "xl/workbook.xml" not in names:
        raise UploadRefused("This is a zip file, but no workbook. Send the table as XLSX, CSV or JSON.")
    if len(parts) > MOST_PARTS or unpacked > LARGEST_UNPACKED or unpacked > LARGEST_RATIO * path.stat().st_size:
        raise UploadRefused(
            f"The workbook unpacks to {unpacked / 1_000_000:,.0f} MB in {len(parts)} parts, which is more than a table"
            " needs. Copy its rows into a new workbook, or save it as CSV UTF-8."
        )
    if "xl/vbaProject.bin" in names:
        raise UploadRefused("The workbook holds macros. Save it as XLSX, which holds none.")


def _refusing(rows: Iterable[tuple[int, list[object]]]) -> Iterator[tuple[int, list[object]]]:
    try:
        yield from rows
    except WorkbookRefused as refusal:
        raise UploadRefused(str(refusal)) from refusal
    except csv.Error as refusal:
        raise UploadRefused(f"The file cannot be read as CSV ({refusal}). Save it again as CSV UTF-8.") from refusal


def _workbook(path: Path) -> Iterator[tuple[int, list[object]]]:
    return enumerate(read_workbook(path), 1)


def _objects(path: Path) -> Iterator[tuple[int, list[object]]]:
    """A JSON array of objects; its columns are the names in all of them."""
    try:
        objects = json.loads(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as refusal:
        raise _no_utf8(path, refusal) from refusal
    except (ValueError, RecursionError) as refusal:
        raise UploadRefused(f"The file cannot be read as JSON ({refusal}).") from refusal
    if not isinstance(objects, list) or not all(isinstance(each, dict) for each in objects):
        raise UploadRefused("A JSON file holds one array of objects, one for each model.")
    heads = list(dict.fromkeys(name for each in objects for name in each))
    yield 1, heads
    for number, each in enumerate(objects, 1):
        yield number, [each.get(name) for name in heads]


def _separated(path: Path) -> Iterator[tuple[int, list[object]]]:
    """CSV in UTF-8, parted by commas, semicolons or tabs, whichever the first line has most of."""
    _check_utf8(path)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        first = stream.readline(LONGEST_CELL)
        stream.seek(0)
        reader = csv.reader(stream, delimiter=max(",;\t", key=first.count), strict=True)
        for row in reader:
            yield reader.line_num, [_cell(text) for text in row]


def _cell(text: str) -> str | Formula:
    """A cell of CSV, which a spreadsheet would compute where it begins with =; behind an apostrophe it is a text."""
    return Formula(text) if text.lstrip().startswith("=") else plain(text)


def _check_utf8(path: Path) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as stream:
        try:
            while chunk := stream.read(1024**2):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as refusal:
            raise _no_utf8(path, refusal) from refusal


def _no_utf8(path: Path, refusal: UnicodeDecodeError) -> UploadRefused:
    """A sentence that leads to the letter: in Latin-1 a é is a byte that UTF-8 does not have alone."""
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            line.decode()
        except UnicodeDecodeError as found:
            letter = line[found.start : found.start + 1].decode("latin-1")
            return UploadRefused(
                f"The file is not UTF-8: line {number} holds a byte that may be “{letter}” in Latin-1. Save it as"
                " “CSV UTF-8”, so that no name is changed by a guess."
            )
    return UploadRefused(f"The file is not UTF-8 ({refusal.reason}). Save it as “CSV UTF-8”.")
