"""Epochs of the log: another key, and a restore from a real backup, with a real witness and the verifier alone."""

import subprocess
import sys
import zipfile

import psycopg
import pytest
from django.db import DatabaseError

from audit import checkpoint_file, checkpoints, epochs, signed_note, verifier
from audit.models import Checkpoint, Entry, Epoch
from tests.integration.audit.conftest import ROOT
from tests.integration.audit.restoring import back_up, restore
from tests.integration.audit.test_witness import cosigned

ASKED, ACCEPTED = "accounts.person:1", "accounts.person:2"


def ending(log, reason: str = epochs.ROTATION) -> epochs.Ending:
    return epochs.ending(reason=reason, key=log.key, files=[log.checkpoint_file])


def begin(log, reason: str = epochs.ROTATION, *, with_old_key: bool = True) -> Epoch:
    """An epoch as the operator begins it; the log signs with its key from then on."""
    if reason == epochs.ROTATION:
        log.checkpoint()
    found = ending(log, reason)
    old = log.signer if with_old_key else None
    begun = epochs.begin_epoch(
        found=found, new=checkpoints.next_signer(), old=old, asked_by=ASKED, accepted_by=ACCEPTED, by=None
    )
    checkpoints.put_next_key_in_place(found.number - 1)
    log.signer = checkpoints.log_signer()
    log.key = log.signer.verifier_key
    return begun


def note(log, signers, **other) -> str:
    """A note of epoch 2 over the log as it stands, by whomever and with whatever."""
    log.checkpoint()
    size, root = ending(log).old
    fields = {"number": 2, "reason": "rotation", "old_key": log.key, "new_key": signers[0].verifier_key}
    fields |= {"old_size": size, "old_root": root, "kept_size": size, "kept_root": root}
    text = signed_note.epoch_text(fields | {"asked_by": ASKED, "accepted_by": ACCEPTED} | other)
    return f"{text}\n{''.join(by.sign(text) for by in signers)}"


def acknowledge(witness, path, *more: str) -> subprocess.CompletedProcess:
    """What whoever runs the witness does at its machine; the witness runs on."""
    argv = [sys.executable, "-m", "audit.witness", "--folder", str(witness.folder), "--name", "witness.example"]
    argv += ["--log-key", witness.log_key, "--acknowledge-epoch", str(path), *more]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture
def stranger(log):
    """A key of somebody else's under the log's name."""
    return signed_note.load_or_make_signer(log.folder / "stranger.key", log.signer.name, signed_note.LOG)


@pytest.fixture
def lost(log, witness, db, database_template):
    """Six records signed and cosigned, of which a restore brought three back; receipts by size and place."""
    log.write(3)
    cosigned(log)
    backup = back_up(database_template, db, log.folder / "backup")
    receipts = {(3, 1): log.receipt(1)}
    log.write(3, prefix="lost")
    cosigned(log)
    receipts |= {(6, 1): log.receipt(1), (6, 4): log.receipt(4)}
    restore(database_template, db, backup)
    checkpoints._last_seen_by.clear()
    return receipts


# ---- another key ------------------------------------------------------------------------------------------------
def test_a_log_goes_on_under_another_key_and_its_witness_goes_along(log, witness):
    log.write(3)
    cosigned(log)
    old_key, old_receipt = log.key, log.receipt(1)

    begin(log)
    log.write(2, prefix="later")
    cosigned(log)

    receipts = [old_receipt, log.receipt(4)]
    for key in (old_key, log.key):
        done = log.verify_offline(log.export(receipts=receipts), receipts, [witness.key], key=key)
        assert done.returncode == 0, done.stdout
        assert "in epoch 2" in done.stdout
    verdict = log.verify()
    assert (verdict.defects, verdict.epochs, verdict.losses) == ([], 2, [])
    assert log.key != old_key


def test_a_trails_export_leads_from_key_to_key_too(log):
    unit = log.write(3)[1]
    log.checkpoint()
    old_key, receipt = log.key, log.receipt(1)
    begin(log)
    log.checkpoint()

    done = log.verify_offline(log.export(f"accounts.unit:{unit.pk}", [receipt]), [receipt], key=old_key)

    assert done.returncode == 0, done.stdout


def test_the_beginning_is_an_entry_of_the_log_in_words(log):
    log.write(1)

    epoch = begin(log)

    entry = Entry.objects.get(event="audit.epoch_begun")
    assert entry.subject == "audit.epoch:2"
    assert entry.data["what"] == "the log's key was replaced"
    assert (entry.data["key"], entry.data["note"]) == (log.key, verifier.sha256_of_note(epoch.note))
    assert (entry.data["asked_by"], entry.data["accepted_by"]) == (ASKED, ACCEPTED)
    assert checkpoint_file.read_epochs(log.checkpoint_file) == [epoch.note]


def test_once_an_epoch_began_the_old_key_signs_no_more(log):
    log.write(1)
    old = log.signer
    begin(log)

    with pytest.raises(DatabaseError, match="a new epoch of the log began"):
        checkpoints.checkpoint_if_needed(old)

    with pytest.raises(checkpoints.LogUnsignable, match="is not that of the epoch in force"):
        checkpoints.check_key_in_force(old)


def test_twin_without_its_guard_the_old_key_signs_on_and_verifying_tells(log, superuser):
    log.write(1)
    old = log.signer
    begin(log)
    superuser.execute("alter table audit.checkpoint disable trigger hold_epoch")

    checkpoints.checkpoint_if_needed(old)

    superuser.execute("alter table audit.checkpoint enable always trigger hold_epoch")
    assert any("the note of epoch 2 hides some" in defect for defect in log.verify().defects)


def test_nothing_of_an_epoch_is_ever_changed(log, superuser):
    log.write(1)
    begin(log)

    for statement in ("update audit.epoch set reason = reason", "delete from audit.epoch", "truncate audit.epoch"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            superuser.execute(statement)


def test_a_checkpoint_that_comes_in_between_is_not_left_out(log):
    log.write(1)
    log.checkpoint()
    found = ending(log)
    log.write(1, prefix="meanwhile")
    log.checkpoint()

    with pytest.raises(DatabaseError, match="would leave it out"):
        epochs.begin_epoch(
            found=found,
            new=checkpoints.next_signer(),
            old=log.signer,
            asked_by=ASKED,
            accepted_by=ACCEPTED,
            by=None,
        )


def test_one_person_alone_begins_nothing(log):
    log.write(1)
    log.checkpoint()

    with pytest.raises(DatabaseError, match="epoch_check"):
        epochs.begin_epoch(
            found=ending(log),
            new=checkpoints.next_signer(),
            old=log.signer,
            asked_by=ASKED,
            accepted_by=ASKED,
            by=None,
        )


def test_the_keys_change_places_and_a_second_time_changes_nothing(log):
    log.write(1)
    old_seed = (log.folder / "log.key").read_bytes()

    begin(log)
    new_seed = (log.folder / "log.key").read_bytes()

    assert (log.folder / "log.key.epoch-1").read_bytes() == old_seed != new_seed
    assert checkpoints.log_key() == log.key
    assert checkpoints.next_key() is None
    checkpoints.check_same_log(log.signer)


def test_a_beginning_whose_note_did_not_reach_the_file_reaches_it_later(log):
    log.write(1)
    epoch = begin(log)
    text = log.checkpoint_file.read_text()
    log.checkpoint_file.write_text(text.replace(epoch.note, ""))
    assert log.verify().defects == ["checkpoint file: its epoch notes are not those of the log"]

    epochs.keep_in_file()

    assert log.verify().defects == []


# ---- a witness ----------------------------------------------------------------------------------------------------
def test_a_witness_takes_no_key_without_its_note(log, witness, stranger):
    log.write(2)
    cosigned(log)
    checkpoint = log.checkpoint() or Checkpoint.objects.last()

    answer = witness.ask(2, checkpoints.signed(stranger, checkpoint))

    assert answer.status_code == 403


def test_a_witness_refuses_every_note_that_the_key_before_it_did_not_sign(log, witness, stranger):
    log.write(2)
    cosigned(log)
    mine = checkpoints.next_signer()
    other_root = verifier.node_hash(b"another", b"history")
    refused = {
        "one signature": note(log, [mine]),
        "the old key alone": note(log, [log.signer], new_key=mine.verifier_key),
        "somebody else's key": note(log, [mine, stranger]),
        "another log": note(log, [mine, stranger], old_key=stranger.verifier_key),
        "another tree": note(log, [mine, log.signer], old_root=other_root, kept_root=other_root),
        "a shorter tree": note(log, [mine, log.signer], reason="restore", kept_size=1, kept_root=other_root),
        "forged afterwards": note(log, [mine, log.signer]).replace("number 2", "number 3"),
    }

    answers = {name: witness.ask(2, text, address="add-epoch") for name, text in refused.items()}
    true = witness.ask(2, note(log, [mine, log.signer]), address="add-epoch")
    again = witness.ask(2, note(log, [mine, log.signer]), address="add-epoch")

    codes = {name: answer.status_code for name, answer in answers.items()}
    assert codes == dict.fromkeys(refused, 403) | {"another tree": 409}
    assert (true.status_code, true.text, again.status_code) == (200, "epoch 2\n", 200)


def test_a_witness_that_fell_behind_is_brought_the_epochs_that_it_missed(log, witness):
    log.write(2)
    cosigned(log)
    witness.kill()
    for number in range(2):
        begin(log)
        log.write(1, prefix=f"away-{number}")
        log.checkpoint()

    witness.start()

    assert checkpoints.collect_cosignatures(Checkpoint.objects.last()) == 1


def test_a_witness_that_was_given_a_later_key_knows_no_earlier_ones(log, witness, tmp_path):
    log.write(1)
    begin(log)
    log.checkpoint()
    witness.kill()
    witness.log_key = log.key
    witness.start()
    cosigned_now = checkpoints.collect_cosignatures(Checkpoint.objects.last())
    begin(log)

    assert (cosigned_now, checkpoints.collect_cosignatures(log.checkpoint())) == (1, 1)


def test_a_lost_key_takes_an_operators_act_and_a_key_from_somebody_trusted(log, witness):
    log.write(2)
    cosigned(log)
    old_key, receipt = log.key, log.receipt(0)
    epoch = begin(log, with_old_key=False)
    checkpoint = log.checkpoint()
    (log.folder / "note").write_text(epoch.note)

    by_itself = checkpoints.collect_cosignatures(checkpoint)
    hasty = acknowledge(witness, log.folder / "note")
    knowing = acknowledge(witness, log.folder / "note", "--without-old-key")
    exported = log.export()

    assert (by_itself, hasty.returncode, knowing.returncode) == (0, 1, 0)
    assert checkpoints.collect_cosignatures(checkpoint) == 1
    alone = log.verify_offline(exported, [receipt], key=old_key)
    assert (alone.returncode, "anybody can make such a note" in alone.stdout) == (1, True)
    assert log.verify_offline(exported, [receipt]).returncode == 0


# ---- a restore ----------------------------------------------------------------------------------------------------
def test_a_restored_database_is_not_signed_by_the_key_that_signed_more(log, lost):
    with pytest.raises(checkpoints.LogUnsignable, match="This key signed 6 records"):
        checkpoints.check_same_log(log.signer)
    done = log.manage("checkpointer", "--once")
    assert done.returncode == 1
    assert "it was restored from a backup" in done.stderr.replace("\n", " ")


def test_a_restore_begins_an_epoch_that_says_what_was_lost(log, witness, lost):
    old_key, loss = log.key, "records beyond size 3 were lost in the restore of epoch 2"

    begin(log, epochs.RESTORE)
    log.write(4, prefix="after")
    log.checkpoint()
    exported = log.export(receipts=list(lost.values()))

    kept = log.verify_offline(exported, [lost[3, 1], lost[6, 1]], key=old_key)
    gone = log.verify_offline(exported, [lost[6, 4]], key=old_key)
    assert kept.returncode == 0, kept.stdout
    assert f"STATED  {loss}; that epoch had 6" in kept.stdout
    assert gone.returncode == 3, gone.stdout
    assert f"LOST    receipt of record 4: {loss}\n" in gone.stdout
    assert "DEFECT" not in gone.stdout
    verdict = log.verify()
    assert (verdict.defects, verdict.epochs, verdict.losses) == ([], 2, [loss])
    assert "records beyond 3 of 6 were lost" in Entry.objects.get(event="audit.epoch_begun").data["what"]


def test_twin_a_restored_log_that_signs_on_without_an_epoch_is_caught(log, witness, lost):
    log.write(4, prefix="after")
    checkpoint = log.checkpoint()

    done = log.verify_offline(log.export(), [lost[6, 4]])

    assert done.returncode == 1
    assert "record 4 is not the one that the receipt was given for" in done.stdout
    assert checkpoints.collect_cosignatures(checkpoint) == 0
    assert any("checkpoint file" in defect for defect in log.verify().defects)


def test_a_witness_goes_back_for_its_operator_alone(log, witness, lost):
    epoch = begin(log, epochs.RESTORE)
    log.write(1, prefix="after")
    checkpoint = log.checkpoint()
    (log.folder / "note").write_text(epoch.note)

    by_itself = checkpoints.collect_cosignatures(checkpoint)
    done = acknowledge(witness, log.folder / "note")

    assert by_itself == 0
    assert done.returncode == 0, done.stderr
    assert "goes on from 3 of 6 records" in done.stderr
    checkpoints._last_seen_by.clear()
    assert checkpoints.collect_cosignatures(checkpoint) == 1
    fork = witness.ask(
        checkpoint.size, checkpoints.signed(log.signer, Checkpoint(size=9, root=bytes(32), triggers=b""))
    )
    assert fork.status_code == 422


def test_a_witness_acknowledges_no_note_that_hides_or_alters_what_it_cosigned(log, witness, lost):
    new = checkpoints.next_signer()
    said = {"reason": "restore", "old_size": 6, "old_root": ending(log, epochs.RESTORE).old[1]}
    said |= {"kept_size": 3, "kept_root": checkpoints.tree.root_of_first(3)}
    altered = {
        "ends too early": note_of(log, new, said | {"old_size": 5}),
        "another end": note_of(log, new, said | {"old_root": bytes(32)}),
        "kept another tree": note_of(log, new, said | {"kept_root": bytes(32)}),
        "one signature": note_of(log, new, said, with_old_key=False),
    }

    answers = {}
    for name, text in altered.items():
        (log.folder / "note").write_text(text)
        answers[name] = acknowledge(witness, log.folder / "note").returncode

    assert answers == dict.fromkeys(altered, 1)
    assert not (witness.folder / "epochs").exists()


def note_of(log, new, said: dict, *, with_old_key: bool = True) -> str:
    fields = {"number": 2, "old_key": log.key, "new_key": new.verifier_key, "asked_by": ASKED, "accepted_by": ACCEPTED}
    text = signed_note.epoch_text(fields | said)
    return f"{text}\n{new.sign(text)}{log.signer.sign(text) if with_old_key else ''}"


def test_a_receipt_from_before_verifies_after_a_rotation_and_a_restore(log, db, database_template):
    log.write(2)
    log.checkpoint()
    first_key, first = log.key, log.receipt(0)
    begin(log)
    log.write(2, prefix="second")
    log.checkpoint()
    second = log.receipt(3)
    backup = back_up(database_template, db, log.folder / "backup")
    log.write(2, prefix="lost")
    log.checkpoint()
    third = log.receipt(6)
    restore(database_template, db, backup)
    begin(log, epochs.RESTORE)
    log.checkpoint()

    exported = log.export(receipts=[first, second])
    kept, gone = (log.verify_offline(exported, some, key=first_key) for some in ([first, second], [third]))

    assert (kept.returncode, gone.returncode) == (0, 3), kept.stdout + gone.stdout
    assert "records beyond size 5 were lost in the restore of epoch 3" in gone.stdout
    assert log.verify().defects == []


def test_a_rotation_that_a_restore_lost_is_put_back(log, db, database_template):
    log.write(2)
    log.checkpoint()
    first_key, first = log.key, log.receipt(0)
    backup = back_up(database_template, db, log.folder / "backup")
    log.write(1, prefix="lost")
    begin(log)
    log.checkpoint()
    restore(database_template, db, backup)

    begin(log, epochs.RESTORE)
    log.checkpoint()

    assert [epoch.reason for epoch in Epoch.objects.all()] == ["rotation", "restore"]
    assert log.verify().defects == []
    done = log.verify_offline(log.export(receipts=[first]), [first], key=first_key)
    assert done.returncode == 0, done.stdout


def test_what_was_written_after_the_restore_and_before_the_epoch_is_not_taken_for_what_was_lost(log, lost):
    log.write(2, prefix="hasty")

    begin(log, epochs.RESTORE)
    log.checkpoint()

    done = log.verify_offline(log.export(), [lost[6, 4]])
    assert done.returncode == 3, done.stdout
    assert "records beyond size 3 were lost" in done.stdout


def test_an_epoch_is_of_the_kind_that_it_is(log, lost):
    with pytest.raises(epochs.NoNewEpoch, match="restored from a backup"):
        ending(log, epochs.ROTATION)


def test_where_nothing_was_lost_there_is_nothing_to_begin(log):
    log.write(2)
    log.checkpoint()

    with pytest.raises(epochs.NoNewEpoch, match="Nothing was lost"):
        ending(log, epochs.RESTORE)


def test_a_log_that_was_never_signed_has_no_epoch_to_end(log):
    with pytest.raises(epochs.NoNewEpoch, match="was ever signed"):
        ending(log)


# ---- somebody who would whitewash ---------------------------------------------------------------------------------
def test_an_export_whose_epoch_notes_are_left_out_or_forged_is_refused(log, stranger, tmp_path):
    log.write(2)
    log.checkpoint()
    old_key = log.key
    begin(log)
    log.checkpoint()
    exported = log.export()
    forged = note_over(log, old_key, stranger)

    left_out = log.verify_offline(with_notes(exported, "", tmp_path / "a.zip"), key=old_key)
    by_another = log.verify_offline(with_notes(exported, forged, tmp_path / "b.zip"), key=old_key)
    as_the_first = log.verify_offline(with_notes(exported, "", tmp_path / "c.zip"))

    assert (left_out.returncode, by_another.returncode, as_the_first.returncode) == (1, 1, 1)
    assert "1 epochs began as the entries of the log say, 0 as the notes say" in as_the_first.stdout
    assert "is not signed by" in left_out.stdout
    assert "anybody can make such a note" in by_another.stdout


def note_over(log, old_key: str, stranger) -> str:
    """Epoch 2 as somebody tells it who has another key than the log, and not the old one."""
    said = signed_note.epoch_text(epochs.parts_of(Epoch.objects.get().note) | {"new_key": stranger.verifier_key})
    return f"{said}\n{stranger.sign(said)}"


def with_notes(exported, notes: str, path):
    with zipfile.ZipFile(exported) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            target.writestr(name, notes if name == "epochs.txt" else source.read(name))
    return path


def test_a_note_that_no_entry_of_the_log_names_is_reported(log, superuser):
    log.write(1)
    begin(log)
    log.checkpoint()
    superuser.execute("alter table audit.epoch disable trigger user")
    superuser.execute("delete from audit.epoch")
    superuser.execute("alter table audit.epoch enable always trigger append_only")
    superuser.execute("alter table audit.epoch enable always trigger no_truncate")

    assert "1 entries say that an epoch began, 0 notes are there: not the same" in log.verify().defects


def test_a_row_of_an_epoch_that_was_changed_is_reported(log, superuser):
    log.write(1)
    begin(log)
    log.checkpoint()
    superuser.execute("alter table audit.epoch disable trigger append_only")
    superuser.execute("update audit.epoch set accepted_by = 'accounts.person:3'")
    superuser.execute("alter table audit.epoch enable always trigger append_only")

    assert log.verify().defects == ["the rows of the log's epochs are not what their notes say"]
