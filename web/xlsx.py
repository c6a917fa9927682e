"""Workbooks of one sheet, written and read with the standard library: ECMA-376, as little of it as a table needs.

A workbook from outside is a zip of XML: what it unpacks to is limited before it is read, a document type is refused,
and only texts, numbers and truth values are taken. Where a cell holds a formula, that is said, and its value is not
believed.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

type Value = str | int | float | datetime | None

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # no XML 1.0 can hold it
DAY_ZERO = datetime(1899, 12, 30, tzinfo=UTC)
PLAIN, MOMENT, QUOTED = 0, 1, 2  # places of the styles below

FIXED = {
    "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/styles.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{RELATIONS}/styles" Target="styles.xml"/></Relationships>',
    "xl/styles.xml": f'<styleSheet xmlns="{MAIN}">'
    '<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>'
    '<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1"/></cellXfs></styleSheet>',
}
HEADER = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


# ---- writing ------------------------------------------------------------------------------------------------
def write_workbook(stream: IO[bytes], rows: Iterable[Sequence[Value]], *, sheet: str, is_quoted) -> None:
    """Write rows as the one sheet of a workbook, row by row.

    is_quoted  says of a text that a spreadsheet must keep it a text when somebody edits it
    """
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in FIXED.items():
            package.writestr(name, HEADER + content)
        package.writestr(
            "xl/workbook.xml",
            f'{HEADER}<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>'
            f'<sheet name={quoteattr(sheet)} sheetId="1" r:id="rId1"/></sheets></workbook>',
        )
        with package.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            part.write(f'{HEADER}<worksheet xmlns="{MAIN}"><sheetViews><sheetView workbookViewId="0">'.encode())
            part.write(b'<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>')
            part.write(b"</sheetView></sheetViews><sheetData>")
            for number, row in enumerate(rows, 1):
                cells = "".join(_cell(f"{column_name(at)}{number}", value, is_quoted) for at, value in enumerate(row))
                part.write(f'<row r="{number}">{cells}</row>'.encode())
            part.write(b"</sheetData></worksheet>")


def _cell(place: str, value: Value, is_quoted) -> str:
    """A cell whose type is its value's: a text is a text, whatever it begins with."""
    if value is None or value == "":
        return ""
    if isinstance(value, datetime):
        return f'<c r="{place}" s="{MOMENT}"><v>{(value - DAY_ZERO).total_seconds() / 86_400!r}</v></c>'
    if isinstance(value, str):
        style = QUOTED if is_quoted(value) else PLAIN
        text = escape(NO_TEXT.sub("", value)).replace("\r", "&#13;")
        return f'<c r="{place}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
    return f'<c r="{place}"><v>{value!r}</v></c>'


def column_name(number: int) -> str:
    """Letters of a column counted from 0: A, B, … Z, AA."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


# ---- reading ------------------------------------------------------------------------------------------------
class WorkbookRefused(Exception):
    """The file is no workbook that can be read; the sentence says why and what to do."""


@dataclass(frozen=True)
class Formula:
    """What stands in a cell that is computed."""

    text: str


def read_workbook(path: Path) -> Iterator[list[object]]:
    """Rows of a workbook's first sheet; a cell is a text, a number, a truth value, None or a Formula.

    Raises WorkbookRefused. The caller has limited what the zip unpacks to.
    """
    try:
        with zipfile.ZipFile(path) as package:
            names = set(package.namelist())
            shared = _shared_texts(package) if "xl/sharedStrings.xml" in names else []
            part = _first_sheet(package, names)
            with package.open(part) as stream:
                yield from _rows(stream, shared)
    except (zipfile.BadZipFile, expat.ExpatError, KeyError, ValueError, IndexError, RuntimeError) as problem:
        raise WorkbookRefused(f"The workbook cannot be read ({problem}). Save it again as XLSX.") from problem


def _first_sheet(package: zipfile.ZipFile, names: set[str]) -> str:
    """The part that the workbook's first sheet leads to."""
    first, targets = [], {}

    def sheet(name: str, attributes: dict) -> None:
        if name == "sheet":
            first.append(next(value for key, value in attributes.items() if key.rpartition(":")[2] == "id"))

    def relation(name: str, attributes: dict) -> None:
        if name == "Relationship":
            targets[attributes["Id"]] = attributes["Target"]

    _parse(package.open("xl/workbook.xml"), start=sheet)
    _parse(package.open("xl/_rels/workbook.xml.rels"), start=relation)
    target = targets[first[0]]
    part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    if part not in names:
        raise WorkbookRefused("The workbook names a sheet that is not in it. Save it again as XLSX.")
    return part


def _shared_texts(package: zipfile.ZipFile) -> list[str]:
    texts: list[list[str]] = []
    inside = {"t": False, "rPh": False}  # reading aids for East Asian texts are no part of them

    def start(name: str, _attributes: dict) -> None:
        if name == "si":
            texts.append([])
        if name in inside:
            inside[name] = True

    def end(name: str) -> None:
        if name in inside:
            inside[name] = False

    def data(text: str) -> None:
        if inside["t"] and not inside["rPh"]:
            texts[-1].append(text)

    _parse(package.open("xl/sharedStrings.xml"), start=start, end=end, data=data)
    return ["".join(parts) for parts in texts]


class _Sheet:
    """Collects the rows of a sheet as its XML goes by."""

    def __init__(self, shared: list[str]):
        self.shared, self.rows, self.row = shared, [], []
        self.kind, self.place, self.text, self.formula = "n", 0, [], None
        self.into: list[str] | None = None

    def start(self, name: str, attributes: dict) -> None:
        if name == "row":
            self.row = []
        elif name == "c":
            self.kind = attributes.get("t", "n")
            self.place = _column(attributes["r"]) if "r" in attributes else len(self.row)
            self.text, self.formula = [], None
        elif name == "f":
            self.formula = self.into = []
        elif name in ("v", "t"):
            self.into = self.text

    def data(self, text: str) -> None:
        if self.into is not None:
            self.into.append(text)

    def end(self, name: str) -> None:
        if name in ("v", "t", "f"):
            self.into = None
        elif name == "c":
            self.row.extend([None] * (self.place + 1 - len(self.row)))
            self.row[self.place] = self._value()
        elif name == "row":
            self.rows.append(self.row)

    def _value(self) -> object:
        if self.formula is not None:
            return Formula("=" + "".join(self.formula))
        text = "".join(self.text)
        if self.kind == "s":
            return self.shared[int(text)]
        if self.kind == "b":
            return text == "1"
        if self.kind != "n" or not text:
            return text or None
        number = float(text)
        return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _rows(stream: IO[bytes], shared: list[str]) -> Iterator[list[object]]:
    sheet = _Sheet(shared)
    parser = _parser(start=sheet.start, end=sheet.end, data=sheet.data)
    while chunk := stream.read(256 * 1024):
        parser.Parse(chunk)
        yield from sheet.rows
        sheet.rows = []
    parser.Parse(b"", True)
    yield from sheet.rows


MOST_COLUMNS = 16_384  # of a sheet, as the format has it


def _column(place: str) -> int:
    """The column of a cell named like B3, counted from 0."""
    letters, number = re.fullmatch(r"([A-Z]{1,3})[0-9]*", place)[1] if place.isascii() else "", 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    if not 1 <= number <= MOST_COLUMNS:
        raise ValueError(f"there is no cell {place[:20]!r}")
    return number - 1


def _parse(stream: IO[bytes], **handlers) -> None:
    with stream:
        _parser(**handlers).ParseFile(stream)


def _parser(*, start, end=None, data=None):
    """A parser that knows names without their prefixes, and no document type: entities are how XML explodes."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = lambda name, attributes: start(
        name.rpartition(" ")[2], {key.rpartition(" ")[2]: value for key, value in attributes.items()}
    )
    if end:
        parser.EndElementHandler = lambda name: end(name.rpartition(" ")[2])
    parser.CharacterDataHandler = data
    parser.StartDoctypeDeclHandler = _refuse_type
    return parser


def _refuse_type(*_declaration) -> None:
    raise ValueError("it declares a document type")
