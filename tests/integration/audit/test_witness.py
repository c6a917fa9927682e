"""A witness process: it cosigns what extends the tree that it saw last, and nothing else, ever."""

import base64
import hashlib
import socket
import subprocess
import sys

from audit import checkpoints, signed_note, verifier
from audit.models import Checkpoint, Cosignature
from tests.integration.audit.conftest import ROOT


def forged(log, size: int, root: bytes) -> str:
    """A checkpoint that the log's real key signed over a tree that is not the log's."""
    text = signed_note.checkpoint_text(log.signer.name, size, root)
    return f"{text}\n{log.signer.sign(text)}"


def proof(old_size: int, size: int) -> tuple[str, ...]:
    return tuple(base64.b64encode(node).decode() for node in checkpoints.tree.consistency_proof(old_size, size))


def cosigned(log) -> Checkpoint:
    checkpoint = log.checkpoint()
    assert checkpoints.collect_cosignatures(checkpoint) == 1
    return checkpoint


def test_a_growing_log_is_cosigned_and_the_export_carries_it(log, witness):
    log.write(2)
    cosigned(log)
    log.write(3, prefix="later")
    cosigned(log)

    done = log.verify_offline(log.export(), witnesses=[witness.key])

    assert done.returncode == 0, done.stdout
    assert "1 witnesses checked" in done.stdout
    assert log.verify().cosignatures == 2


def test_a_log_that_does_not_know_what_the_witness_saw_is_told(log, witness):
    log.write(2)
    cosigned(log)
    log.write(3, prefix="later")
    checkpoint = log.checkpoint()

    answer = witness.ask(0, checkpoint.note)
    checkpoints._last_seen_by.clear()

    assert (answer.status_code, answer.text) == (409, "2\n")
    assert answer.headers["Content-Type"] == "text/x.tlog.size"
    assert checkpoints.collect_cosignatures(checkpoint) == 1


def test_a_fork_is_refused(log, witness):
    log.write(4)
    cosigned(log)

    same_size = witness.ask(4, forged(log, 4, hashlib.sha256(b"another history").digest()))
    longer = witness.ask(4, forged(log, 5, hashlib.sha256(b"another history").digest()), proof(2, 4))

    assert (same_size.status_code, longer.status_code) == (409, 422)
    assert "history was rewritten" in same_size.text
    assert "history was rewritten" in longer.text


def test_a_log_that_shrank_is_refused(log, witness):
    log.write(4)
    cosigned(log)

    answers = [witness.ask(old, forged(log, 3, checkpoints.tree.root_of_first(3))) for old in (4, 3, 0)]

    assert [answer.status_code for answer in answers] == [400, 409, 409]
    assert "never shrinks" in answers[0].text


def test_a_checkpoint_by_another_key_is_refused(log, witness):
    log.write(1)
    checkpoint = log.checkpoint()
    other = signed_note.load_or_make_signer(log.folder / "other.key", log.signer.name, signed_note.LOG)

    answer = witness.ask(0, checkpoints.signed(other, checkpoint))

    assert answer.status_code == 403
    assert "not signed by" in answer.text


def test_requests_that_are_none_get_a_sentence_and_the_witness_goes_on(log, witness):
    log.write(1)
    checkpoint = log.checkpoint()

    codes = [witness.ask(word, checkpoint.note).status_code for word in ("-1", "one", "01", "0 0")]
    codes += [witness.ask(0, checkpoint.note, ("no base64!",)).status_code, witness.ask(0, "junk").status_code]

    assert codes == [400, 400, 400, 400, 400, 403]
    assert checkpoints.collect_cosignatures(checkpoint) == 1


def test_a_witness_that_was_killed_remembers(log, witness):
    log.write(3)
    cosigned(log)
    key_before = witness.key
    witness.kill()

    log.write(1, prefix="meanwhile")
    checkpoint = log.checkpoint()
    away = checkpoints.collect_cosignatures(checkpoint)
    witness.start()
    fork = witness.ask(3, forged(log, 3, hashlib.sha256(b"another history").digest()))
    back = checkpoints.collect_cosignatures(checkpoint)

    assert (away, fork.status_code, back) == (0, 409, 1)
    assert witness.key == key_before
    assert len((witness.folder / "history").read_text().split(f"{log.signer.name}\n")) == 3


def test_a_log_that_was_rewritten_and_signed_again_finds_no_witness(log, witness, superuser):
    log.write(4)
    cosigned(log)
    for table in ("checkpoint", "cosignature", "node", "sealed_record", "head"):
        superuser.execute(f"alter table audit.{table} disable trigger user")
    superuser.execute("delete from audit.cosignature")
    superuser.execute("delete from audit.checkpoint")
    superuser.execute("delete from audit.node")
    superuser.execute("delete from audit.sealed_record where position = 3")
    superuser.execute("update audit.head set size = 3")
    checkpoints._last_seen_by.clear()

    checkpoint = log.checkpoint()

    assert checkpoint.size == 3
    assert checkpoints.collect_cosignatures(checkpoint) == 0


def test_a_cosignature_of_an_unknown_witness_is_not_filed(log, witness, settings):
    log.write(1)
    checkpoint = log.checkpoint()
    stranger = signed_note.load_or_make_signer(log.folder / "w.key", "witness.example", signed_note.COSIGNATURE)
    settings.WITNESS_KEYS = [stranger.verifier_key]

    assert checkpoints.collect_cosignatures(checkpoint) == 0
    assert not Cosignature.objects.exists()


def test_a_false_cosignature_by_the_portals_role_does_not_keep_the_true_one_out(log, witness):
    log.write(1)
    checkpoint = log.checkpoint()
    forger = signed_note.load_or_make_signer(log.folder / "w.key", "witness.example", signed_note.COSIGNATURE)
    text = checkpoint.note.partition("\n\n")[0] + "\n"
    with checkpoints.connection.cursor() as cursor:
        line = forger.cosign(text)
        cursor.execute("select audit.file_cosignature(%s, %s, %s)", [checkpoint.pk, "witness.example", line])

    assert checkpoints.collect_cosignatures(checkpoint) == 1

    assert verifier.check_note(Checkpoint.objects.get().full_note, verifier.parse_key(witness.key))[1] > 0
    assert log.verify().defects == ["the checkpoint is not signed by witness.example with this key"]


def test_a_taken_port_is_one_sentence(log, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = subprocess.run(
            [
                *(sys.executable, "-m", "audit.witness", "--folder", str(tmp_path / "w"), "--name", "w.example"),
                *("--log-key", log.key, "--port", str(taken.getsockname()[1])),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert "cannot be used" in done.stderr
    assert "Traceback" not in done.stderr
