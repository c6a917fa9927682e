"""Tables as files that spreadsheets open: CSV, XLSX and JSON. Formulas are neutralised, numbers stay numbers."""

from __future__ import annotations

import csv
import io
import itertools
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime

from web.xlsx import Value, write_workbook

# A text that begins with one of these a spreadsheet would run as a formula, or hand to another program.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
CHUNK = 64 * 1024
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}


def is_dangerous(text: str) -> bool:
    return text.startswith(DANGEROUS)


def neutral(text: str) -> str:
    """A text that no spreadsheet runs: one that could be a formula stands behind an apostrophe."""
    return f"'{text}" if is_dangerous(text) else text


def plain(text: str) -> str:
    """What `neutral` was given."""
    return text[1:] if text.startswith("'") and is_dangerous(text[1:]) else text


def file_chunks(form: str, heads: Sequence[str], rows: Iterable[Sequence[Value]]) -> Iterator[bytes]:
    """The bytes of a table in one of MEDIA_TYPES, in constant memory. `heads` name its columns."""
    return _WRITERS[form](heads, rows)


def _csv(heads: Sequence[str], rows: Iterable[Sequence[Value]]) -> Iterator[bytes]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(heads)
    for row in rows:
        writer.writerow([neutral(value) if isinstance(value, str) else _in_text(value) for value in row])
        if buffer.tell() > CHUNK:
            yield _taken_from(buffer)
    yield _taken_from(buffer)


def _taken_from(buffer: io.StringIO) -> bytes:
    content = buffer.getvalue().encode()
    buffer.seek(0)
    buffer.truncate()
    return content


def _in_text(value: Value) -> Value:
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else value


def _json(heads: Sequence[str], rows: Iterable[Sequence[Value]]) -> Iterator[bytes]:
    yield b"["
    for number, row in enumerate(rows):
        line = dict(zip(heads, map(_in_text, row), strict=True))
        yield (",\n" if number else "\n").encode() + json.dumps(line, ensure_ascii=False, allow_nan=False).encode()
    yield b"\n]\n"


def _xlsx(heads: Sequence[str], rows: Iterable[Sequence[Value]]) -> Iterator[bytes]:
    with tempfile.TemporaryFile() as file:
        write_workbook(file, itertools.chain([heads], rows), sheet="Models", is_quoted=is_dangerous)
        file.seek(0)
        yield from iter(lambda: file.read(CHUNK), b"")


_WRITERS: dict[str, Callable[[Sequence[str], Iterable[Sequence[Value]]], Iterator[bytes]]] = {
    "csv": _csv,
    "xlsx": _xlsx,
    "json": _json,
}
