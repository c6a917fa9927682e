"""The operator's steps from the next key to the new epoch, by the commands alone, with two administrators."""

import sys
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from audit import checkpoints
from audit.models import Entry, Epoch
from proposals.models import Proposal
from tests.cast import PASSWORD
from tests.integration.audit.restoring import back_up, restore


@pytest.fixture
def typed(monkeypatch):
    """Runs `manage.py epoch …`, the password coming by standard input; gives what it printed."""

    def run(*words: str, password: str = PASSWORD) -> str:
        monkeypatch.setattr(sys, "stdin", StringIO(f"{password}\n"))
        out = StringIO()
        call_command("epoch", *words, stdout=out)
        return out.getvalue()

    return run


def ask(of: str = "rotation", by: str = "ada") -> tuple[str, ...]:
    return "propose", of, "--by", by, "--reason", "Yearly", "--password-stdin"


def accept(by: str = "bert") -> tuple[str, ...]:
    return "accept", str(Proposal.objects.first().pk), "--by", by, "--reason", "Agreed", "--password-stdin"


def test_two_administrators_and_an_operator_rotate_the_key(log, cast, typed):
    log.checkpoint()
    old_key, receipt = log.key, log.receipt(0)

    new_key = typed("new-key").strip()
    typed(*ask())
    typed(*accept())
    said = typed("begin")
    call_command("checkpointer", "--once")

    assert f"Epoch 2 of the log began. Its key: {new_key}" in said
    assert new_key == checkpoints.log_key() != old_key
    epoch = Epoch.objects.get()
    ada, bert = (f"accounts.person:{who.person_id}" for who in (cast.administrator, cast.second_administrator))
    assert (epoch.asked_by, epoch.accepted_by) == (ada, bert)
    assert Proposal.objects.first().applied_at
    assert typed("note", "2") == epoch.note
    exported = log.export(receipts=[receipt])
    assert log.verify_offline(exported, [receipt], key=old_key).returncode == 0
    out = StringIO()
    call_command("verify_audit", stdout=out)
    assert "2 epochs" in out.getvalue()
    assert out.getvalue().endswith("VERIFIED\n")


def test_a_restore_is_begun_by_the_same_steps_and_verify_audit_says_what_was_lost(
    log, cast, typed, db, database_template
):
    log.checkpoint()
    kept = log.size
    backup = back_up(database_template, db, log.folder / "backup")
    log.write(2, prefix="lost")
    log.checkpoint()
    restore(database_template, db, backup)
    with pytest.raises(CommandError, match="restored from"):
        call_command("checkpointer", "--once")

    typed("new-key")
    typed(*ask("restore"))
    typed(*accept())
    typed("begin")
    call_command("checkpointer", "--once")

    out = StringIO()
    call_command("verify_audit", stdout=out)
    assert f"STATED  records beyond size {kept} were lost in the restore of epoch 2" in out.getvalue()
    assert out.getvalue().endswith("VERIFIED\n")


def test_nothing_begins_before_a_second_administrator_accepted(log, cast, typed):
    log.checkpoint()
    typed("new-key")
    typed(*ask())

    with pytest.raises(CommandError, match="two administrators ask and accept"):
        typed("begin")

    assert not Epoch.objects.exists()


@pytest.mark.parametrize(
    ("by", "password", "says"),
    [
        ("ada", PASSWORD, "You asked for this yourself"),
        ("bert", "wrong", "do not sign in"),
        ("priya", PASSWORD, "begin an epoch of the log"),
    ],
)
def test_nobody_else_accepts(log, cast, typed, by, password, says):
    log.checkpoint()
    typed("new-key")
    typed(*ask())

    with pytest.raises(CommandError, match=says):
        typed(*accept(by), password=password)

    assert Proposal.objects.first().state == "open"


def test_another_key_than_the_accepted_one_does_not_begin(log, cast, typed):
    log.checkpoint()
    typed("new-key")
    typed(*ask())
    typed(*accept())
    checkpoints.next_key_file().unlink()
    typed("new-key")

    with pytest.raises(CommandError, match="No accepted proposal asks for an epoch with the next key"):
        typed("begin")


def test_a_loss_that_is_not_the_accepted_one_does_not_begin(log, cast, typed, db, database_template):
    log.checkpoint()
    backup = back_up(database_template, db, log.folder / "backup")
    log.write(1, prefix="lost")
    seen = log.checkpoint().note
    log.write(1, prefix="lost-too")
    log.checkpoint()
    restore(database_template, db, backup)
    (log.folder / "shorter").write_text(seen)
    typed("new-key")
    typed(*ask("restore"))
    typed(*accept())

    with pytest.raises(CommandError, match="not what was accepted, by old size, old root"):
        typed("begin", "--checkpoints", str(log.folder / "shorter"))
    with pytest.raises(CommandError, match="there is none"):
        typed("begin", "--checkpoints", str(log.folder / "nowhere"))

    assert not Epoch.objects.exists()


def test_a_beginning_that_was_cut_off_is_finished_by_the_same_command(log, cast, typed, monkeypatch):
    log.checkpoint()
    new_key = typed("new-key").strip()
    typed(*ask())
    typed(*accept())
    with monkeypatch.context() as cut:
        cut.setattr(checkpoints, "put_next_key_in_place", lambda ended: sys.exit(9))
        with pytest.raises(SystemExit):
            typed("begin")
    with pytest.raises(CommandError, match="puts the new key in its place"):
        call_command("checkpointer", "--once")

    typed("begin")
    call_command("checkpointer", "--once")

    assert checkpoints.log_key() == new_key
    assert Entry.objects.filter(event="audit.epoch_begun").count() == 1


def test_a_missing_key_is_not_made_anew(log, cast, typed):
    log.checkpoint()
    typed("new-key")
    typed(*ask())
    typed(*accept())
    (log.folder / "log.key").unlink()

    with pytest.raises(CommandError, match="Put the saved copy back"):
        typed("begin")

    assert not (log.folder / "log.key").exists()
