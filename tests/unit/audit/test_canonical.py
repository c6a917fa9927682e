"""Canonical bytes: one spelling for one meaning, and a record that says exactly what it holds."""

import datetime
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import verifier
from audit.events import registered_events, say
from audit.services import canonical


def test_the_order_of_keys_does_not_matter_and_no_byte_is_wasted():
    assert canonical({"b": 1, "a": "é"}) == canonical({"a": "é", "b": 1}) == '{"a":"é","b":1}'.encode()


def test_a_date_is_written_as_text():
    assert canonical({"due": datetime.date(2026, 4, 17)}) == b'{"due":"2026-04-17"}'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_what_has_no_one_spelling_is_refused(value):
    with pytest.raises(ValueError, match=r"not JSON compliant|surrogates not allowed"):
        canonical({"value": value})


@given(st.lists(st.text(), max_size=5), st.lists(st.text(), max_size=5))
def test_two_lists_of_fields_share_their_bytes_only_when_they_are_the_same(one, other):
    encoded = [b"".join(verifier.field(text) for text in fields) for fields in (one, other)]

    assert (encoded[0] == encoded[1]) == (one == other)


def record(position=3, entries=(b"e" * 32,), rows=(b"r" * 32, b"s" * 32), form=verifier.RECORD_FORMAT):
    return (
        verifier.field(form)
        + struct.pack(">q", position)
        + verifier.field("2026-01-02T03:04:05.000006Z")
        + verifier.field("app")
        + struct.pack(">i", len(entries))
        + b"".join(entries)
        + struct.pack(">i", len(rows))
        + b"".join(rows)
    )


def test_a_sealed_record_is_taken_apart_into_what_it_was_made_of():
    assert verifier.parse_record(record()) == {
        "position": 3,
        "sealed_at": "2026-01-02T03:04:05.000006Z",
        "db_user": "app",
        "entries": [b"e" * 32],
        "rows": [b"r" * 32, b"s" * 32],
    }


@pytest.mark.parametrize("cut", range(len(record())))
def test_a_record_that_was_cut_anywhere_is_refused(cut):
    with pytest.raises(verifier.Defect, match="shorter"):
        verifier.parse_record(record()[:cut])


def test_a_record_with_something_behind_it_is_refused():
    with pytest.raises(verifier.Defect, match="longer"):
        verifier.parse_record(record() + b"\x00")


def test_a_record_of_another_format_is_refused():
    with pytest.raises(verifier.Defect, match="does not know"):
        verifier.parse_record(record(form=b"assay-sealed-record-v9"))


def test_a_field_of_negative_length_is_refused():
    with pytest.raises(verifier.Defect, match="shorter"):
        verifier.parse_record(struct.pack(">i", -4) + record())


def test_a_moved_boundary_between_fields_changes_the_digest():
    entry = {
        "event": "ab",
        "subject": "c",
        "trails": [],
        "actor": "",
        "account": "",
        "through": "api",
        "request": "",
        "body": b"{}",
    }

    assert verifier.entry_digest(entry) != verifier.entry_digest(entry | {"event": "a", "subject": "bc"})


def test_the_trails_own_events_say_their_sentences_and_a_gap_shows_as_a_dash():
    own = {name for name in registered_events() if name.startswith("audit.")}

    assert own == {
        "audit.outside_portal",
        "audit.epoch_begun",
        "audit.guards_changed",
        "audit.columns_changed",
        "audit.table_governed",
        "audit.artefact_erased",
    }
    assert say("audit.columns_changed", {"rows": 3, "table": "accounts_unit"}).startswith("3 row(s) of accounts_unit")
    assert "checkpoint 4" in say("audit.guards_changed", {"since": 4, "unguarded": "none"})
    assert say("audit.columns_changed", {"rows": 3}).startswith("3 row(s) of – were")
    assert say("not.an.event", {}) == "not.an.event"
