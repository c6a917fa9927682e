"""Files from outside: what they are is seen by their content, and what is too much of them is not read."""

import hashlib
import io
import zipfile
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory

from web import uploads
from web.sheets import file_chunks
from web.uploads import UploadRefused, form_of, table_in, table_of


@pytest.fixture
def file(tmp_path):
    def file(content: bytes):
        path = tmp_path / "sent"
        path.write_bytes(content)
        return path

    return file


def sent(content: bytes, name="models.csv"):
    """An upload as a view gets it."""
    request = RequestFactory().post("/", {"file": SimpleUploadedFile(name, content)})
    return request.FILES["file"]


def book(*rows, heads=("a", "b")) -> bytes:
    return b"".join(file_chunks("xlsx", heads, rows))


def zipped(**parts: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return stream.getvalue()


def test_a_small_file_too_goes_to_disk_and_is_hashed():
    upload = sent(b"a,b\r\n1,2\r\n")

    assert upload.sha256 == hashlib.sha256(b"a,b\r\n1,2\r\n").hexdigest()
    assert Path(upload.temporary_file_path()).read_bytes() == b"a,b\r\n1,2\r\n"


def test_a_file_that_is_too_large_is_let_go_by_and_refused_with_a_sentence(monkeypatch):
    monkeypatch.setattr(uploads, "LARGEST", 1024**2)
    upload = sent(b"a" * (3 * 1024**2))

    with pytest.raises(UploadRefused, match="larger than 1 MB"):
        table_of(upload)
    assert len(Path(upload.temporary_file_path()).read_bytes()) <= 1024**2


def test_twin_without_the_limit_all_of_it_is_written(monkeypatch):
    monkeypatch.setattr(uploads, "LARGEST", 10 * 1024**2)
    upload = sent(b"a" * (3 * 1024**2))

    assert len(Path(upload.temporary_file_path()).read_bytes()) == 3 * 1024**2


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b"a,b\n1,2\n", "csv"),
        (b"\xef\xbb\xbfa;b\n1;2\n", "csv"),
        (b"a\tb\n1\t2\n", "csv"),
        (b'[{"a": "1", "b": "2"}]', "json"),
        (book(["1", "2"]), "xlsx"),
    ],
)
def test_a_file_is_known_by_its_content(file, content, form):
    table = table_in(file(content))

    assert (table.form, table.heads) == (form, ["a", "b"])
    assert [cells for _, cells in table.rows] == [["1", "2"]]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\xd0\xcf\x11\xe0 old", "old Excel file"),
        (b"%PDF-1.7", "neither CSV nor XLSX nor JSON"),
        (b"a,b\n\0\0", "neither CSV nor XLSX nor JSON"),
        ("a,b\n1,2".encode("utf-16"), "UTF-16"),
        ("a,b\n1,Tomás\n".encode("latin-1"), "line 2 holds a byte that may be “á” in Latin-1"),
        (b"PK\x03\x04 no zip", "damaged"),
        (zipped(readme=b"x"), "no workbook"),
        (zipped(**{"xl/workbook.xml": b"x", "xl/vbaProject.bin": b"x"}), "macros"),
        (zipped(**{"xl/workbook.xml": b"0" * 9_000_000}), "unpacks to 9 MB in 1 parts"),
        (b'{"a": 1}', "one array of objects"),
        (b'[{"a": 1}', "cannot be read as JSON"),
        (b"", "empty"),
        (b"a,a\n1,2\n", "stand twice in the first row: a"),
        (b"a,,b\n1,2,3\n", "Column 2 has no name"),
        (b'a,b\n"1,2\n', "cannot be read as CSV"),
        (",".join(f"c{n}" for n in range(200)).encode(), "200 columns; at most 100 are read"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence_that_helps(file, content, sentence):
    with pytest.raises(UploadRefused, match=sentence):
        list(table_in(file(content)).rows)


def test_twin_without_the_ratio_the_bomb_is_unpacked(file, monkeypatch):
    monkeypatch.setattr(uploads, "LARGEST_RATIO", 10**6)

    assert form_of(file(zipped(**{"xl/workbook.xml": b"0" * 9_000_000}))) == "xlsx"


def test_rows_without_anything_are_no_rows(file):
    assert [line for line, _ in table_in(file(b"a,b\n1,2\n,\n\n3,4\n")).rows] == [2, 5]
