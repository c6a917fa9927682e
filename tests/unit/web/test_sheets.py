"""Tables as files: what a spreadsheet could run, and what is a number."""

import csv
import io
import json
import zipfile
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from openpyxl import load_workbook

from web.sheets import MEDIA_TYPES, file_chunks, neutral, plain
from web.xlsx import MOMENT as AS_MOMENT
from web.xlsx import Formula, WorkbookRefused, read_workbook, write_workbook

FORMULAS = ["=1+1", "=cmd|' /C calc'!A0", "+44 20", "-2+3", "@SUM(A1)", "\t=1", "\r=1"]
MOMENT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def written(form: str, *rows) -> bytes:
    return b"".join(file_chunks(form, ["text", "number", "at"], rows))


def cells_of(content: bytes, tmp_path) -> list[list]:
    (tmp_path / "book.xlsx").write_bytes(content)
    return list(read_workbook(tmp_path / "book.xlsx"))[1:]


def sheet_of(content: bytes) -> ElementTree.Element:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return ElementTree.fromstring(package.read("xl/worksheets/sheet1.xml"))


def cell(content: bytes, place: str):
    return load_workbook(io.BytesIO(content)).active[place]


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_is_text_in_csv_and_xlsx(formula, tmp_path):
    line = list(csv.reader(io.StringIO(written("csv", [formula, -1.5, None]).decode(), newline="")))[1]
    book = written("xlsx", [formula, -1.5, None])

    assert line[0] == f"'{formula}"
    assert cells_of(book, tmp_path)[0][0] == formula.replace("\r", "\n")  # XML knows one end of a line
    assert cell(book, "A2").data_type == "s"
    assert cell(book, "A2").quotePrefix
    assert sheet_of(book).find(".//{*}f") is None


@pytest.mark.parametrize("formula", FORMULAS)
def test_twin_without_the_look_at_how_a_text_begins_it_would_run(formula, monkeypatch):
    monkeypatch.setattr("web.sheets.DANGEROUS", ("\0",))

    line = list(csv.reader(io.StringIO(written("csv", [formula, 1, None]).decode(), newline="")))[1]

    assert line[0] == formula
    assert not cell(written("xlsx", [formula, 1, None]), "A2").quotePrefix


@pytest.mark.parametrize("number", [-3, 0, 4.25, -0.125, 1e-9])
def test_numbers_stay_numbers_negative_ones_too(number, tmp_path):
    line = list(csv.reader(io.StringIO(written("csv", ["x", number, None]).decode())))[1]
    book = written("xlsx", ["x", number, None])

    assert float(line[1]) == number
    assert cell(book, "B2").data_type == "n"
    assert cells_of(book, tmp_path)[0][1] == number
    assert json.loads(written("json", ["x", number, None]))[0]["number"] == number


def test_a_moment_is_utc_everywhere():
    book = written("xlsx", ["x", 1, MOMENT])

    assert b"2026-03-04T05:06:07Z" in written("csv", ["x", 1, MOMENT])
    assert json.loads(written("json", ["x", 1, MOMENT]))[0]["at"] == "2026-03-04T05:06:07Z"
    assert cell(book, "C2").number_format == AS_MOMENT
    # 46085 days after 30 December 1899, counted by hand from 46023 for 1 January 2026
    kept = float(sheet_of(book).find(".//{*}c[@r='C2']").findtext("{*}v"))
    assert kept == pytest.approx(46_085 + (5 * 3600 + 6 * 60 + 7) / 86_400)


@pytest.mark.parametrize("text", [*FORMULAS, "plain", "", "'quoted", "a=b", "Tomás"])
def test_what_was_neutralised_is_read_back_as_it_was(text):
    assert plain(neutral(text)) == text


def test_a_character_that_no_spreadsheet_holds_does_not_break_the_file(tmp_path):
    assert cells_of(written("xlsx", ["a\x0bb\r\n<&>", 1, None]), tmp_path)[0][0] == "ab\n<&>"


@pytest.mark.parametrize("form", MEDIA_TYPES)
def test_an_empty_table_is_a_file_all_the_same(form):
    assert written(form)


# ---- workbooks of others --------------------------------------------------------------------------------------
SHARED = (
    b'<Override PartName="/xl/sharedStrings.xml"'
    b' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>'
)


def book_of(tmp_path, sheet: str, shared: str = ""):
    """A workbook as Excel lays it out, with the given rows; `shared` are its shared texts."""
    stream = io.BytesIO()
    write_workbook(stream, [], sheet="S", is_quoted=lambda text: False)
    path, main = tmp_path / "other.xlsx", "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    with zipfile.ZipFile(stream) as ours, zipfile.ZipFile(path, "w") as package:
        for name in ours.namelist():
            if "sheet1" not in name:
                package.writestr(name, ours.read(name).replace(b"</Types>", SHARED if shared else b"</Types>"))
        package.writestr(
            "xl/worksheets/sheet1.xml", f"{sheet.replace('<worksheet>', f'<worksheet xmlns={chr(34)}{main}{chr(34)}>')}"
        )
        if shared:
            package.writestr("xl/sharedStrings.xml", f'<sst xmlns="{main}">{shared}</sst>')
    return path


def test_shared_texts_gaps_truth_values_and_formulas_are_read(tmp_path):
    path = book_of(
        tmp_path,
        '<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>1</v></c><c r="D1" t="b"><v>1</v></c></row>'
        '<row r="2"><c r="A2"><f>1+1</f><v>2</v></c><c r="B2"><v>2.5</v></c><c t="str"><v>x</v></c></row>'
        "</sheetData></worksheet>",
        shared="<si><t>zero</t></si><si><r><t>on</t></r><r><t>e</t></r><rPh sb='0' eb='1'><t>no</t></rPh></si>",
    )

    assert list(read_workbook(path)) == [["one", None, None, True], [Formula("=1+1"), 2.5, "x"]]


@pytest.mark.parametrize(
    "sheet",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa">]>'
        '<worksheet><sheetData><row><c t="str"><v>&a;</v></c></row></sheetData></worksheet>',
        '<worksheet><sheetData><row><c r="A1" t="s"><v>7</v></c></row></sheetData></worksheet>',
        '<worksheet><sheetData><row><c r="A1"><v>seven</v></c></row></sheetData></worksheet>',
        "<worksheet><sheetData><row>",
        '<worksheet><sheetData><row r="9999999999"><c t="str"><v>far</v></c></row></sheetData></worksheet>',
    ],
)
def test_a_workbook_that_is_broken_or_means_harm_is_refused_with_a_sentence(tmp_path, sheet):
    with pytest.raises(WorkbookRefused, match="Save it again as XLSX"):
        list(read_workbook(book_of(tmp_path, sheet)))
