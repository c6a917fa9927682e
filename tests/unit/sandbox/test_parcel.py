"""A hostile process writes the parcel: whatever it holds, it is read or refused, and nothing else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.parcel import MAGIC, BadParcel, read_parcel


def parcel(files: object, body: bytes = b"", **head) -> bytes:
    facts = {"exit": 0, "peak_bytes": 1, "cpu_seconds": 0.1, "output_full": False, "files": files, **head}
    text = json.dumps(facts).encode()
    return MAGIC + len(text).to_bytes(4, "big") + text + body


def test_files_come_out_by_name():
    read = read_parcel(parcel([["a.json", 2], ["b.npy", 1]], b"{}x"))

    assert read.files == {"a.json": b"{}", "b.npy": b"x"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        MAGIC,
        parcel([["a", 5]], b"1"),
        parcel([["a", 1]], b"12"),
        parcel([["a", 1], ["a", 1]], b"12"),
        parcel([["../a", 1]], b"1"),
        parcel([["a/b", 1]], b"1"),
        parcel([["a", -1]]),
        parcel([["a", True]], b"1"),
        parcel([[f"f{n}", 0] for n in range(33)]),
        parcel([], exit="0"),
        parcel([], exit=True),
        parcel({}),
        parcel([], refused="a folder"),
        MAGIC + (1 << 31).to_bytes(4, "big"),
        MAGIC + (200).to_bytes(4, "big") + b"[" * 200,
    ],
)
def test_a_parcel_that_does_not_add_up_is_refused(data):
    with pytest.raises(BadParcel):
        read_parcel(data)


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda tail: parcel([["a", 3]]) + tail))
def test_random_bytes_are_read_or_refused(data):
    try:
        read = read_parcel(data)
    except BadParcel:
        return

    assert read.files == {"a": data[-3:]}
