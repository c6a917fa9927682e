"""Each kind of tampering, as superuser, is caught by an outsider with an earlier receipt, or by verify_audit."""

import pytest

from accounts import services
from audit import checkpoints, effects
from audit.models import Checkpoint
from tests.integration.audit.tampering import TAMPERING, guards_off

pytestmark = pytest.mark.outside_portal  # files and units that no service announced

# What the log itself cannot hold: the rows and the guards as they stand. verify_audit reads those.


@pytest.fixture
def kept(log):
    """A log of six records with a file, and the receipts that readers took away: (log, receipts)."""
    unit, *_ = log.write(5)
    log.file(b"report", unit)
    log.checkpoint()
    return log, tuple(log.receipt(position) for position in (1, 2, 5))


def go_on(log) -> None:
    """The portal notices nothing: it writes, and signs what it finds with its own key."""
    services.add_unit(code="afterwards", name="Afterwards", parent=None, by=None)
    checkpoints.checkpoint_if_needed(log.signer)
    assert Checkpoint.objects.order_by("-id").first().note.startswith(log.signer.name)


def test_the_untouched_log_verifies_in_the_same_way(kept):
    log, receipts = kept
    go_on(log)

    done = log.verify_offline(log.export(receipts=receipts), receipts=receipts)

    assert done.returncode == 0, done.stdout
    assert "3 receipts" in done.stdout
    assert log.verify().defects == []


@pytest.mark.parametrize("kind", TAMPERING)
def test_an_outsider_with_an_earlier_receipt_catches(kept, superuser, kind):
    log, receipts = kept

    with guards_off(superuser):
        TAMPERING[kind](superuser)
    go_on(log)

    done = log.verify_offline(log.export(receipts=receipts), receipts=receipts)
    verdict = log.verify()
    assert done.returncode == 1, f"{kind}: {done.stdout}{done.stderr}"
    assert "DEFECT" in done.stdout
    assert verdict.defects, f"verify_audit does not catch: {kind}"


def test_without_an_earlier_receipt_a_rewritten_log_verifies_for_an_outsider(kept, superuser):
    """Why receipts, witnesses and the checkpoint file exist: hashes and the log's own key are not enough."""
    log, _ = kept

    with guards_off(superuser):
        TAMPERING["rewrite everything from the middle to the tip, signed again"](superuser)
    go_on(log)

    assert log.verify_offline(log.export()).returncode == 0
    assert all(defect.startswith("checkpoint file") for defect in log.verify().defects)
    assert log.verify().defects


def test_a_receipt_catches_a_rewritten_past_in_one_trails_export_too(kept, superuser):
    log, receipts = kept
    with guards_off(superuser):
        TAMPERING["replace a record and its leaf"](superuser)
        TAMPERING["rewrite everything from the middle to the tip, signed again"](superuser)
    go_on(log)

    done = log.verify_offline(log.export("accounts.unit:1", receipts=receipts), receipts=receipts)

    assert done.returncode == 1
    assert "history was rewritten" in done.stdout


# ---- what stands outside the log: only verify_audit can see it ------------------------------------------
def alter_live_row(superuser):
    superuser.execute("alter table accounts_unit disable trigger audit_capture")
    superuser.execute("update accounts_unit set name = 'Smuggled' where id = 1")
    superuser.execute("alter table accounts_unit enable always trigger audit_capture")


def delete_live_row(superuser):
    superuser.execute("alter table audit_attachment disable trigger all")
    superuser.execute("delete from audit_attachment")
    superuser.execute("alter table audit_attachment enable trigger all")
    for name in ("audit_capture", "audit_no_truncate"):
        superuser.execute(f"alter table audit_attachment enable always trigger {name}")


def insert_live_row(superuser):
    superuser.execute("alter table accounts_unit disable trigger audit_capture")
    superuser.execute("insert into accounts_unit (code, name, path) values ('x', 'Smuggled', '/x/')")
    superuser.execute("alter table accounts_unit enable always trigger audit_capture")


def move_subject_head(superuser):
    superuser.execute("update audit.subject_head set digest = sha256('x') where subject = 'accounts.unit:1'")


ROWS = {
    "a governed row altered behind the trail": (alter_live_row, "1 rows of accounts_unit are not as"),
    "a governed row deleted behind the trail": (delete_live_row, "1 rows of audit_attachment are not as"),
    "a governed row inserted behind the trail": (insert_live_row, "1 rows of accounts_unit are not as"),
    "a subject head moved": (move_subject_head, "1 subject heads do not hold"),
}


@pytest.mark.parametrize("kind", ROWS)
def test_only_verify_audit_sees(kept, superuser, kind):
    log, receipts = kept
    tamper, sentence = ROWS[kind]

    tamper(superuser)
    log.checkpoint()

    assert any(sentence in defect for defect in log.verify().defects)
    assert log.verify_offline(log.export(receipts=receipts), receipts=receipts).returncode == 0


GUARDS = {
    "the capture trigger dropped": "drop trigger audit_capture on accounts_unit",
    "the capture trigger disabled": "alter table accounts_unit disable trigger audit_capture",
    "the capture trigger made ordinary": "alter table accounts_unit enable trigger audit_capture",
    "the sealing trigger disabled": "alter table audit.tx disable trigger seal",
    "the append-only trigger dropped": "drop trigger append_only on audit.sealed_record",
    "a table no longer listed as governed": "delete from audit.governed where table_name = 'accounts_unit'",
}


@pytest.mark.parametrize("kind", GUARDS)
def test_verify_audit_names_and_the_next_checkpoint_covers(kept, superuser, kind):
    log, _ = kept
    before = Checkpoint.objects.order_by("-id").first()

    superuser.execute(GUARDS[kind])
    at_once = log.verify().defects
    log.checkpoint()
    later = log.verify().defects

    assert any("not those of the last checkpoint" in defect for defect in at_once)
    assert any("is not guarded" in defect or "no longer listed" in defect for defect in later)
    assert bytes(Checkpoint.objects.order_by("-id").first().triggers) != bytes(before.triggers)


def test_a_guard_whose_function_was_hollowed_out_is_on_the_trail(kept, superuser):
    log, _ = kept

    superuser.execute(
        "create or replace function audit.refuse() returns trigger language plpgsql as $$ begin return null; end $$"
    )
    log.checkpoint()

    verdict = log.verify()
    assert verdict.guards_changed == 1
    assert "1 changes of the guards" in log.verify_offline(log.export()).stdout


def test_a_record_that_was_never_sealed_is_reported(kept, superuser):
    log, _ = kept
    superuser.execute("alter table audit.tx disable trigger seal")
    superuser.execute("update accounts_unit set name = 'Unsealed' where id = 1")
    superuser.execute("alter table audit.tx enable always trigger seal")

    assert any("committed without being sealed" in defect for defect in log.verify().defects)


def test_the_checkpoint_file_catches_a_log_that_was_put_back(kept, superuser):
    """A restore of an old backup, signed on: the file outside the database remembers more."""
    log, _ = kept
    with guards_off(superuser):
        TAMPERING["cut off the end"](superuser)
    log.checkpoint()

    assert any("its end is gone" in defect for defect in log.verify().defects)


def test_a_checkpoint_file_that_is_gone_is_reported(kept):
    log, _ = kept
    log.checkpoint_file.unlink()

    assert log.verify().defects == [f"the checkpoint file {log.checkpoint_file} is gone"]


def test_the_folder_is_read_by_its_digests(kept):
    log, _ = kept

    assert log.verify().files == 1
    assert effects.path_of(effects.keep([b"report"])[0]).read_bytes() == b"report"
