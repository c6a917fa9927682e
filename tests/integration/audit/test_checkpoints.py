"""Checkpoints and receipts: signed when there is something to sign, kept outside, never before the commit."""

import json
from datetime import timedelta
from io import StringIO
from threading import Thread

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction

from accounts import services
from audit import checkpoint_file, checkpoints, signed_note, verification, verifier
from audit.models import Checkpoint, Entry, SealedRecord


def test_an_empty_log_is_not_signed(log):
    assert log.checkpoint() is None


def test_a_log_that_grew_is_signed_once(log):
    log.write(3)

    checkpoint = log.checkpoint()

    leaves = [bytes(record.leaf_hash) for record in SealedRecord.objects.order_by("position")]
    assert (checkpoint.size, bytes(checkpoint.root)) == (3, verifier.root_of(leaves))
    assert log.checkpoint() is None


@pytest.mark.parametrize("growth", [[1, 1, 1], [2, 5, 1, 8], [7, 9]])
def test_however_the_log_grows_its_checkpoints_extend_one_another(log, growth):
    for number, count in enumerate(growth):
        log.write(count, prefix=f"batch-{number}")
        log.checkpoint()

    assert log.verify().defects == []
    *_, before, last = Checkpoint.objects.order_by("id")
    verifier.check_consistency(
        before.size,
        bytes(before.root),
        last.size,
        bytes(last.root),
        checkpoints.tree.consistency_proof(before.size, last.size),
    )


def test_every_checkpoint_is_appended_to_the_file(log):
    notes = []
    for number in range(3):
        log.write(1, prefix=f"batch-{number}")
        notes.append(log.checkpoint().note)

    assert checkpoint_file.read_file(log.checkpoint_file) == notes


def test_a_checkpoint_that_was_rolled_back_never_reaches_the_file(log):
    log.write(1)

    with transaction.atomic():
        log.checkpoint()
        transaction.set_rollback(True)

    assert not log.checkpoint_file.exists()
    assert not Checkpoint.objects.exists()


def test_a_receipt_verifies_offline_and_only_for_its_own_record(log):
    log.write(5)
    log.checkpoint()

    receipt = checkpoints.receipt_for(3).as_json()

    key = verifier.parse_key(log.key)
    assert verifier.check_receipt(receipt, key)[:2] == (3, 5)
    with pytest.raises(verifier.Defect):
        verifier.check_receipt(receipt | {"record": checkpoints.receipt_for(2).as_json()["record"]}, key)
    with pytest.raises(verifier.Defect):
        verifier.check_receipt(receipt | {"position": 2}, key)


def test_no_receipt_exists_before_a_checkpoint_covers_the_record(log):
    log.write(2)
    log.checkpoint()
    log.write(1, prefix="later")

    assert checkpoints.receipt_for(2) is None
    assert checkpoints.wait_for_receipt(2, seconds=0.1) is None


@pytest.mark.outside_portal
def test_no_checkpoint_covers_a_record_before_its_commit(log, superuser):
    log.write(1)
    with superuser.transaction():
        superuser.execute("update accounts_unit set name = 'not yet committed'")
        superuser.execute("set constraints all immediate")

        log.checkpoint()

        assert superuser.execute("select count(*) from audit.sealed_record").fetchone() == (2,)
        assert Checkpoint.objects.get().size == 1
        assert checkpoints.receipt_for(1) is None


def test_waiting_for_a_receipt_ends_when_the_checkpointer_gets_there(log):
    log.write(1)

    def sign_later():
        log.checkpoint()
        connections.close_all()

    thread = Thread(target=sign_later)
    thread.start()
    receipt = checkpoints.wait_for_receipt(0, seconds=5)
    thread.join()

    assert receipt.position == 0


def test_a_record_that_waits_too_long_is_overdue_until_it_is_covered(log, superuser):
    log.write(1)
    assert checkpoints.overdue_since() is None

    superuser.execute("insert into audit.simulated_clock values (true, clock_timestamp() + interval '1 minute')")
    assert timedelta(seconds=50) < checkpoints.overdue_since() < timedelta(seconds=70)
    assert any("is the checkpointer running?" in defect for defect in log.verify().defects)

    log.checkpoint()
    assert checkpoints.overdue_since() is None


def test_a_guard_that_was_disabled_is_put_on_the_trail_before_it_is_signed_over(log, superuser):
    log.write(1)
    first = log.checkpoint()

    superuser.execute("alter table accounts_unit disable trigger audit_capture")
    signed = log.checkpoint()
    superuser.execute("alter table accounts_unit enable always trigger audit_capture")
    log.checkpoint()

    changes = Entry.objects.filter(event="audit.guards_changed").order_by("id")
    assert [entry.data["unguarded"] for entry in changes] == ["accounts_unit audit_capture", "none"]
    assert changes[0].data["since"] == first.pk
    assert signed.size == 2
    verdict = log.verify()
    assert (verdict.defects, verdict.guards_changed) == ([], 2)


def test_a_false_checkpoint_by_the_portals_role_is_signed_over_and_reported(log):
    log.write(2)
    honest = log.checkpoint()
    forger = signed_note.load_or_make_signer(log.folder / "forger.key", log.signer.name, signed_note.LOG)
    with connection.cursor() as cursor:
        cursor.execute(
            "select audit.file_checkpoint(%s, %s, %s, %s)",
            [2, honest.root, honest.triggers, checkpoints.signed(forger, honest)],
        )

    again = log.checkpoint()

    assert again.note == honest.note
    assert verifier.check_receipt(checkpoints.receipt_for(0).as_json(), verifier.parse_key(log.key))[0] == 0
    assert log.verify().defects == [f"the checkpoint is not signed by {log.signer.name} with this key"]


def test_the_command_signs_once_and_says_its_key(log):
    log.write(2)

    done = log.manage("checkpointer", "--once")

    assert done.returncode == 0, done.stderr
    assert Checkpoint.objects.get().size == 2
    out = StringIO()
    call_command("checkpointer", "--print-key", stdout=out)
    assert out.getvalue().strip() == log.key == checkpoints.log_key()


def test_nothing_rotates_by_itself_a_lost_key_is_not_replaced(log):
    log.write(1)
    log.checkpoint()
    (log.folder / "log.key").unlink()

    with pytest.raises(CommandError, match="is not the one that signed"):
        call_command("checkpointer", "--once")

    assert Checkpoint.objects.count() == 1


def test_a_second_start_changes_nothing(log):
    log.write(1)
    call_command("checkpointer", "--once")
    before = log.checkpoint_file.read_bytes()

    call_command("checkpointer", "--once")

    assert log.checkpoint_file.read_bytes() == before
    assert Checkpoint.objects.count() == 1


def test_the_command_says_in_one_sentence_that_the_key_is_damaged(log):
    (log.folder / "log.key").write_bytes(b"half a key")

    done = log.manage("checkpointer", "--once")

    assert done.returncode == 1
    assert "10 bytes where a signing key has 32" in done.stderr
    assert "Traceback" not in done.stderr


def test_verify_audit_answers_0_1_and_2(log, superuser):
    log.write(2)
    log.checkpoint()

    out = StringIO()
    call_command("verify_audit", stdout=out)
    superuser.execute("alter table audit.entry disable trigger append_only")
    superuser.execute("update audit.entry set event = 'accounts.unit_moved' where id = 1")
    bad = log.manage("verify_audit")

    assert out.getvalue().endswith("VERIFIED\n")
    assert bad.returncode == 1
    assert "DEFECT  record 0: its entries are not those that were sealed" in bad.stdout
    with pytest.raises(CommandError, match="not a verifier key") as refused:
        call_command("verify_audit", "--key", "no key at all")
    assert refused.value.returncode == 2


def test_verifying_neither_needs_nor_makes_a_signing_key(log):
    log.write(1)
    log.checkpoint()
    (log.folder / "log.key").unlink()

    call_command("verify_audit", stdout=StringIO())

    (log.folder / "log.key.pub").unlink()
    with pytest.raises(CommandError, match="Or give --key"):
        call_command("verify_audit")
    assert not (log.folder / "log.key").exists()


@pytest.mark.outside_portal
def test_verifying_is_one_moment_of_a_log_that_goes_on(log, db, database_template):
    log.write(3)
    log.checkpoint()
    checkpoint_in_between = Checkpoint.objects.all
    other = psycopg.connect(database_template, dbname=db, autocommit=True)
    seen = []

    class GoesOn:
        """A file that, looked at, lets the portal write and sign in the middle of the verification."""

        def exists(self):
            other.execute("update accounts_unit set name = name || '!'")
            thread = Thread(target=lambda: (seen.append(log.checkpoint()), connections.close_all()))
            thread.start()
            thread.join()
            return False

    verdict = verification.verify_log(log.key, checkpoint_file=GoesOn())
    other.close()

    assert seen[0].size == 4
    assert checkpoint_in_between().count() == 2
    assert verdict.records == 3
    assert [d for d in verdict.defects if "checkpoint file" not in d] == []


def test_a_receipt_as_json_is_what_a_reader_keeps(log):
    log.write(1)
    log.checkpoint()

    kept = json.loads(log.receipt(0).read_text())

    assert set(kept) == {"position", "record", "proof", "checkpoint"}


def test_the_stored_root_in_sql_is_the_root_for_every_size(log, superuser):
    log.write(21)
    leaves = [bytes(record.leaf_hash) for record in SealedRecord.objects.order_by("position")]
    with connection.cursor() as cursor:
        cursor.execute("select audit.build_nodes(21)")
    found = dict(superuser.execute("select n, audit.stored_root(n) from generate_series(1, 21) n").fetchall())

    assert found == {size: verifier.root_of(leaves[:size]) for size in range(1, 22)}


def test_people_are_announced_like_units(log):
    unit = services.add_unit(code="retail", name="Retail", parent=None, by=None)
    services.add_person(hr_number="HR-1", full_name="Olivia Owner", mail="", unit=unit, by=None)
    log.checkpoint()

    exported = log.export()

    assert b"Olivia" not in exported.read_bytes()
    assert log.verify().holds
