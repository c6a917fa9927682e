"""Exports, checked by an outsider: the verifier in a process of its own under the machine's Python."""

import json
import zipfile

import pytest
from django.db import transaction

from accounts import services
from audit import signed_note
from audit.export import NothingSigned
from audit.models import Artefact, subject_name

pytestmark = pytest.mark.outside_portal  # files and units that no service announced


def rewritten(log, exported, change):
    """The export with `change(name, bytes)` applied to each of its files; None leaves one out."""
    path = log.folder / f"rewritten-{exported.name}"
    with zipfile.ZipFile(exported) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            content = change(name, source.read(name))
            if content is not None:
                target.writestr(name, content)
    return path


@pytest.fixture
def units(log):
    """Two units with a file each, and one transaction that touches both."""
    first, second = log.write(2)
    log.file(b"report of the first", first)
    log.file(b"report of the second", second)
    with transaction.atomic():
        services.add_person(hr_number="HR-1", full_name="Ann", mail="", unit=first, by=None)
        log.file(b"plan of the first", first, role="plan")
        log.file(b"plan of the second", second, role="plan")
    return first, second


def test_without_a_checkpoint_there_is_nothing_to_export_under(log):
    log.write(1)

    with pytest.raises(NothingSigned, match="Start the checkpointer"):
        log.export()


def test_the_whole_log_verifies_with_its_files(log, units):
    log.checkpoint()

    done = log.verify_offline(log.export())

    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 files" in done.stdout
    assert f"whole log, from the log {log.signer.name} of {log.size} records" in done.stdout
    assert done.stdout.endswith("VERIFIED\n")


def test_one_trail_verifies_and_shows_no_word_of_another(log, units):
    first, second = units
    log.checkpoint()

    exported = log.export(subject_name(first))
    done = log.verify_offline(exported)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 files" in done.stdout
    with zipfile.ZipFile(exported) as archive:
        lines = [json.loads(line) for line in archive.read("records.jsonl").splitlines()]
        everything = b"".join(archive.read(name) for name in archive.namelist() if name != "records.jsonl")
    shown = [row for line in lines for row in line["rows"]]
    assert {row["trail"] for row in shown} == {subject_name(first)}
    assert all(subject_name(second) not in json.dumps(line["entries"]) for line in lines)
    assert b"of the second" not in everything


def test_a_file_that_another_trail_filed_first_verifies_in_both(log, units):
    log.file(b"report of the first", units[1], role="copy")
    log.checkpoint()

    for unit in units:
        done = log.verify_offline(log.export(subject_name(unit)))
        assert done.returncode == 0, done.stdout


def test_rows_of_customers_stay_where_they_are(log, units):
    log.file(b"row,score", units[0], role="sample", retention=Artefact.Retention.SAMPLE)
    log.checkpoint()

    exported = log.export()

    assert log.verify_offline(exported).returncode == 0
    with zipfile.ZipFile(exported) as archive:
        assert len([name for name in archive.namelist() if name.startswith("artefacts/")]) == 4


@pytest.mark.parametrize("trail", [False, True], ids=["whole log", "one trail"])
def test_an_earlier_receipt_is_checked_against_a_later_export(log, units, trail):
    log.checkpoint()
    receipts = tuple(log.receipt(position) for position in (0, 2, 4))
    log.write(5, prefix="later")
    log.checkpoint()

    exported = log.export(subject_name(units[0]) if trail else None, receipts=receipts)
    done = log.verify_offline(exported, receipts=receipts)

    assert done.returncode == 0, done.stdout
    assert "3 receipts" in done.stdout


def test_an_export_that_was_not_made_for_the_receipt_says_so(log, units):
    log.checkpoint()
    receipt = log.receipt(0)
    log.write(1, prefix="later")
    log.checkpoint()

    done = log.verify_offline(log.export(subject_name(units[0])), receipts=[receipt])

    assert done.returncode == 1
    assert "ask for an export made for it" in done.stdout


def test_the_verifier_in_the_export_is_the_one_that_we_run(log, units):
    log.checkpoint()

    with zipfile.ZipFile(log.export()) as archive:
        assert archive.read("verifier.py").startswith(b"#!/usr/bin/env python3")


def test_the_key_of_another_log_does_not_verify(log, units):
    log.checkpoint()
    other = signed_note.load_or_make_signer(log.folder / "other.key", log.signer.name, signed_note.LOG)

    done = log.verify_offline(log.export(), key=other.verifier_key)

    assert done.returncode == 1
    assert "not signed by" in done.stdout


def test_a_witness_that_did_not_cosign_is_reported(log, units):
    log.checkpoint()
    absent = signed_note.load_or_make_signer(log.folder / "w.key", "witness.example", signed_note.COSIGNATURE)

    done = log.verify_offline(log.export(), witnesses=[absent.verifier_key])

    assert done.returncode == 1
    assert "not signed by witness.example" in done.stdout


CHANGES = {
    "a file altered": (lambda name, data: data + b"!" if name.startswith("artefacts/") else data, "not the one that"),
    "a file left out": (lambda name, data: None if name.startswith("artefacts/") else data, "not in the export"),
    "a record left out": (
        lambda name, data: b"".join(data.splitlines(True)[1:]) if name == "records.jsonl" else data,
        "a record is missing or moved",
    ),
    "an entry's words changed": (
        lambda name, data: (
            data.replace(b"accounts.unit_added", b"accounts.unit_moved") if name == "records.jsonl" else data
        ),
        "is not the one that was sealed",
    ),
    "called one trail": (
        lambda name, data: data.replace(b"whole log", b"accounts.unit:1") if name == "manifest.json" else data,
        "cannot be checked",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_export_changed_on_its_way_is_refused(log, units, change):
    log.checkpoint()
    apply, sentence = CHANGES[change]

    done = log.verify_offline(rewritten(log, log.export(), apply))

    assert done.returncode == (2 if sentence == "cannot be checked" else 1)
    assert sentence in done.stdout


def test_a_file_that_nothing_names_is_reported(log, units):
    log.checkpoint()
    exported = log.export()
    with zipfile.ZipFile(exported, "a") as archive:
        archive.writestr("artefacts/" + "0" * 64, b"smuggled")

    done = log.verify_offline(exported)

    assert done.returncode == 1
    assert "named by no sealed row" in done.stdout


DAMAGE = {
    "cut off": lambda data: data[: len(data) // 2],
    "not a zip": lambda data: b"words",
    "empty": lambda data: b"",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_zip_is_a_sentence_and_status_2(log, units, damage):
    log.checkpoint()
    exported = log.export()
    exported.write_bytes(DAMAGE[damage](exported.read_bytes()))

    done = log.verify_offline(exported)

    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.startswith("cannot be checked")


@pytest.mark.parametrize(
    ("name", "content"),
    [("manifest.json", b"[]"), ("records.jsonl", b"[1]\n"), ("records.jsonl", b"{}\n"), ("consistency.json", None)],
)
def test_an_export_of_another_shape_is_a_sentence_too(log, units, name, content):
    log.checkpoint()
    receipt = log.receipt(0)
    log.write(1, prefix="later")
    log.checkpoint()
    exported = log.export(subject_name(units[0]), receipts=(receipt,))

    done = log.verify_offline(
        rewritten(log, exported, lambda found, data: content if found == name else data), receipts=[receipt]
    )

    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.startswith("cannot be checked")


@pytest.mark.parametrize("content", ["{}", "[]", "words", '{"checkpoint": 7}'])
def test_a_receipt_that_is_none_is_a_sentence_too(log, units, content):
    log.checkpoint()
    path = log.folder / "receipt.json"
    path.write_text(content)

    done = log.verify_offline(log.export(), receipts=[path])

    assert (done.returncode, done.stderr) == (2, "")
