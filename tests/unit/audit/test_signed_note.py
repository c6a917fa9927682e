"""Signed notes: what one key signs, only that key verifies, and a key file is whole or refused."""

import base64
import os
import stat
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import checkpoint_file, verifier
from audit.signed_note import (
    COSIGNATURE,
    LOG,
    KeyUnusable,
    Signer,
    checkpoint_text,
    load_or_make_signer,
    public_half_of,
)

ROOT = bytes(range(32))
TEXT = checkpoint_text("bank.example/log", 12, ROOT, "triggers AAAA")


def signer(name="bank.example/log", kind=LOG, seed=1):
    return Signer(name, kind, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def note(by):
    return f"{TEXT}\n{by.sign(TEXT)}"


def test_a_checkpoint_comes_back_as_it_was_signed():
    log = signer()

    found = verifier.check_checkpoint(note(log), verifier.parse_key(log.verifier_key))

    assert found == ("bank.example/log", 12, ROOT, ["triggers AAAA"])


def test_a_cosignature_is_added_to_a_note_and_tells_its_time():
    log, witness = signer(), signer("witness.example", COSIGNATURE, seed=2)
    cosigned = note(log) + witness.cosign(TEXT, seconds=1_800_000_000)

    assert verifier.check_note(cosigned, verifier.parse_key(witness.verifier_key)) == (TEXT, 1_800_000_000)
    assert verifier.check_note(cosigned, verifier.parse_key(log.verifier_key)) == (TEXT, None)


@pytest.mark.parametrize(
    "other",
    [
        signer(seed=3),
        signer(name="other.example/log"),
        signer(kind=COSIGNATURE),
    ],
    ids=["another key", "another name", "another kind"],
)
def test_a_note_does_not_verify_with(other):
    with pytest.raises(verifier.Defect, match="not signed by"):
        verifier.check_note(note(signer()), verifier.parse_key(other.verifier_key))


@pytest.mark.parametrize("old", ["bank.example/log", "12", base64.b64encode(ROOT).decode(), "triggers AAAA"])
def test_no_line_of_a_signed_checkpoint_can_be_changed(old):
    log = signer()
    changed = note(log).replace(old, old[:-1] + ("B" if old[-1] != "B" else "C"), 1)

    with pytest.raises(verifier.Defect, match="not signed by"):
        verifier.check_note(changed, verifier.parse_key(log.verifier_key))


def test_a_signed_checkpoint_of_another_log_is_refused():
    log = signer()
    text = checkpoint_text("other.example/log", 12, ROOT)

    with pytest.raises(verifier.Defect, match=r"of the log other\.example/log"):
        verifier.check_checkpoint(f"{text}\n{log.sign(text)}", verifier.parse_key(log.verifier_key))


@pytest.mark.parametrize(
    "text",
    [
        "bank.example/log\n",
        "bank.example/log\ntwelve\nAAAA\n",
        "bank.example/log\n-1\n" + base64.b64encode(ROOT).decode() + "\n",
        "bank.example/log\n012\n" + base64.b64encode(ROOT).decode() + "\n",
        "bank.example/log\n1_2\n" + base64.b64encode(ROOT).decode() + "\n",
        "bank.example/log\n12\n" + base64.b64encode(ROOT[:31]).decode() + "\n",
    ],
)
def test_a_checkpoint_that_is_none_is_refused(text):
    with pytest.raises(verifier.Defect, match="cannot be read"):
        verifier.parse_checkpoint(text)


@pytest.mark.parametrize(
    "damage",
    [
        lambda key: key[:-4],
        lambda key: key.replace("+", "-"),
        lambda key: key.replace("bank", "bonk"),
        lambda key: "",
        lambda key: key[: key.rindex("+") + 1] + base64.b64encode(b"\x09" + b"k" * 32).decode(),
    ],
    ids=["cut", "no plus", "renamed", "empty", "unknown algorithm"],
)
def test_a_damaged_verifier_key_is_refused(damage):
    with pytest.raises(verifier.Defect, match=r"damaged|not a verifier key"):
        verifier.parse_key(damage(signer().verifier_key))


def test_a_note_without_a_signature_is_refused():
    with pytest.raises(verifier.Defect, match="carries no signature"):
        verifier.check_note(TEXT, verifier.parse_key(signer().verifier_key))


def test_lines_of_other_signers_and_junk_are_passed_over():
    log = signer()
    crowded = f"{TEXT}\n— bank.example/log ????\n— bank.example/log AAAA\nwords\n{log.sign(TEXT)}"

    assert verifier.check_note(crowded, verifier.parse_key(log.verifier_key)) == (TEXT, None)


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path):
    path = tmp_path / "keys" / "log.key"

    first, second = load_or_make_signer(path, "a.example", LOG), load_or_make_signer(path, "a.example", LOG)

    assert first.verifier_key == second.verifier_key == public_half_of(path).read_text().strip()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(p.name for p in path.parent.iterdir()) == ["log.key", "log.key.pub"]


def test_a_damaged_key_file_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "log.key"
    path.write_bytes(b"short")

    with pytest.raises(KeyUnusable, match="5 bytes where a signing key has 32"):
        load_or_make_signer(path, "a.example", LOG)

    assert path.read_bytes() == b"short"


def test_processes_that_start_together_use_one_key(tmp_path):
    program = (
        "import sys; from pathlib import Path; from audit.signed_note import *;"
        "sys.stdin.read(); print(load_or_make_signer(Path(sys.argv[1]), 'a.example', LOG).verifier_key)"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "key")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ,
        )
        for _ in range(4)
    ]

    for process in started:
        process.stdin.close()
    keys = {process.stdout.read() for process in started}

    assert [process.wait() for process in started] == [0, 0, 0, 0]
    assert len(keys) == 1


def test_what_a_crash_left_half_written_is_no_checkpoint(tmp_path, settings):
    settings.CHECKPOINT_FILE = str(tmp_path / "checkpoints.log")
    log = signer()

    checkpoint_file.append_to_file(note(log))
    with open(settings.CHECKPOINT_FILE, "a") as stream:
        stream.write("\n" + TEXT + "\n— bank.exam")
    checkpoint_file.append_to_file(note(log))

    assert checkpoint_file.read_file(tmp_path / "checkpoints.log") == [note(log), note(log)]
