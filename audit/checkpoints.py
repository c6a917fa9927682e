"""The checkpointer: builds the tree, signs its head, hands it to the witnesses, keeps it in a file.

The signing key is read by this process alone. A receipt is an inclusion proof under a checkpoint, so none
exists before the record it is for has been committed.
"""

import base64
import contextlib
import logging
import os
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
from django.conf import settings
from django.db import connection, transaction

from audit import epochs, events, services, signed_note, tree, verifier
from audit.checkpoint_file import append_to_file, read_file
from audit.models import Checkpoint, SealedRecord
from audit.signed_note import Signer

logger = logging.getLogger(__name__)
COVER_WITHIN = timedelta(seconds=10)
TRIGGERS_LINE = "triggers"  # the checkpoint's extension line: what guarded the trail when it was signed


@dataclass(frozen=True)
class Receipt:
    """Proof that a record is in the log: its bytes, the path to a signed root, the signed root."""

    position: int
    record: bytes
    proof: list[bytes]
    checkpoint: str

    def as_json(self) -> dict:
        return {
            "position": self.position,
            "record": base64.b64encode(self.record).decode(),
            "proof": [node.hex() for node in self.proof],
            "checkpoint": self.checkpoint,
        }


class LogUnsignable(Exception):
    """Why nothing can be signed, or checked, before somebody acts."""


def key_file() -> Path:
    if not settings.CHECKPOINT_KEY_FILE:
        raise LogUnsignable("ASSAY_CHECKPOINT_KEY_FILE is not set: it names the file of the key that signs the log.")
    return Path(settings.CHECKPOINT_KEY_FILE)


def log_signer() -> Signer:
    """The log's own key, made on first use where ASSAY_CHECKPOINT_KEY_FILE says; for the checkpointer alone."""
    return signed_note.load_or_make_signer(key_file(), settings.AUDIT_ORIGIN, signed_note.LOG)


def log_key() -> str:
    """The log's verifier key, from the public half that lies beside the signing key. Raises LogUnsignable."""
    path = signed_note.public_half_of(key_file())
    if not path.exists():
        raise LogUnsignable(f"There is no {path}: the checkpointer writes it when it first starts. Or give --key.")
    return path.read_text(encoding="utf-8").strip()


def check_same_log(signer: Signer) -> None:
    """Raise LogUnsignable where another key signs this log, or where the log is behind what its key signed before.

    A lost key must not be replaced in silence, and a database restored from a backup must not be signed over.
    """
    first = Checkpoint.objects.order_by("id").first()
    if not check_key_in_force(signer) and first and first.note != signed(signer, first):
        raise LogUnsignable(
            f"The key in {key_file()} is not the one that signed this log's first checkpoint. Put the saved key file"
            " back. Another key begins another epoch of the log, which two administrators ask for and accept:"
            " docs/own-servers.md, “The log’s key”."
        )
    check_not_behind(signer)


def check_key_in_force(signer: Signer) -> bool:
    """Whether the log is beyond its first epoch. Raises LogUnsignable where the key is not the one in force."""
    key = epochs.key_in_force()
    if key and key != signer.verifier_key:
        raise LogUnsignable(
            f"The key in {key_file()} is not that of the epoch in force, which is {key}. Where a new epoch has just"
            " begun, `manage.py epoch begin` puts the new key in its place."
        )
    return key is not None


def check_not_behind(signer: Signer) -> None:
    """Raise LogUnsignable where the append-only file holds a checkpoint by this key that is not of this database."""
    path = Path(settings.CHECKPOINT_FILE) if settings.CHECKPOINT_FILE else None
    if path is None or not path.exists():
        return
    key = verifier.parse_key(signer.verifier_key)
    ours = (note for note in reversed(read_file(path)) if verifier.is_signed(note, key, signed_note.verifies))
    last = next(ours, None)
    if last is None:
        return
    _, size, root, _ = verifier.parse_checkpoint(last.partition("\n\n")[0])
    if root != _root_here(size):
        raise LogUnsignable(
            f"This key signed {size} records, as {path} shows, and the database does not hold them: it was restored"
            " from a backup, or its end is gone. Signing on would give one key two histories. Begin an epoch:"
            " docs/own-servers.md, “After a restore”."
        )


def _root_here(size: int) -> bytes | None:
    """Root of the first `size` records of this database; None where it has fewer."""
    with connection.cursor() as cursor:
        cursor.execute("select size, audit.build_nodes(size) from audit.head")
        return tree.root_of_first(size) if size <= cursor.fetchone()[0] else None


# ---- the key of the next epoch ----------------------------------------------------------------------------------
def next_key_file() -> Path:
    """Where the key waits that the next epoch begins with; its public half lies beside it."""
    return key_file().with_name(f"{key_file().name}.next")


def next_signer() -> Signer:
    """The next epoch's key, made on first use; for the machine of the checkpointer alone."""
    return signed_note.load_or_make_signer(next_key_file(), settings.AUDIT_ORIGIN, signed_note.LOG)


def next_key() -> str | None:
    """The next epoch's verifier key; None where no next key was made, or cannot be read here."""
    path = signed_note.public_half_of(next_key_file())
    return path.read_text(encoding="utf-8").strip() if path.exists() else None


def put_next_key_in_place(ended: int) -> Path:
    """Make the next key the log's, once its epoch began; the key of the epoch that ended stays beside it.

    Safe to run again: at no moment is there no key, or a third one. Gives the old key's file.
    """
    current, following = key_file(), next_key_file()
    retired = current.with_name(f"{current.name}.epoch-{ended}")
    if current.exists() and not retired.exists():
        os.link(current, retired)
    following.replace(current)
    signed_note.load_or_make_signer(current, settings.AUDIT_ORIGIN, signed_note.LOG)  # writes its public half
    signed_note.public_half_of(following).unlink(missing_ok=True)
    return retired


# ---- signing ------------------------------------------------------------------------------------------------------
def signed(signer: Signer, checkpoint: Checkpoint) -> str:
    """The note that `signer` makes of a checkpoint's columns; Ed25519 gives the same bytes every time."""
    triggers = base64.b64encode(bytes(checkpoint.triggers)).decode()
    text = signed_note.checkpoint_text(
        signer.name, checkpoint.size, bytes(checkpoint.root), f"{TRIGGERS_LINE} {triggers}"
    )
    return f"{text}\n{signer.sign(text)}"


def checkpoint_if_needed(signer: Signer) -> Checkpoint | None:
    """Sign the tree as it stands, where it grew, its guards changed, or the last checkpoint is not our own.

    A change of the guards is put on the trail first: once signed over, nothing else would show it.
    """
    last = Checkpoint.objects.order_by("-id").first()
    size, triggers = _head()
    if last and bytes(last.triggers) != triggers:
        _announce_guards(last)
        size, triggers = _head()
    is_covered = last and last.size == size and bytes(last.triggers) == triggers and last.note == signed(signer, last)
    return None if size == 0 or is_covered else _sign(signer, size, triggers)


def _head() -> tuple[int, bytes]:
    with connection.cursor() as cursor:
        cursor.execute("select size, audit.trigger_digest() from audit.head")
        size, triggers = cursor.fetchone()
    return size, bytes(triggers)


@transaction.atomic
def _announce_guards(since: Checkpoint) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select table_name || ' ' || trigger_name from audit.unguarded()")
        unguarded = [name for (name,) in cursor.fetchall()]
    services.record_about(
        events.GUARDS_CHANGED,
        subject=f"audit.checkpoint:{since.pk}",
        trails=[],
        by=None,
        data={"since": since.pk, "unguarded": ", ".join(unguarded) or "none"},
    )


@transaction.atomic
def _sign(signer: Signer, size: int, triggers: bytes) -> Checkpoint:
    with connection.cursor() as cursor:
        cursor.execute("select audit.build_nodes(%s)", [size])
        checkpoint = Checkpoint(size=size, root=tree.root_of_first(size), triggers=triggers)
        note = signed(signer, checkpoint)
        cursor.execute("select audit.file_checkpoint(%s, %s, %s, %s)", [size, checkpoint.root, triggers, note])
        checkpoint = Checkpoint.objects.get(pk=cursor.fetchone()[0])
    transaction.on_commit(lambda: append_to_file(note))
    return checkpoint


def collect_cosignatures(checkpoint: Checkpoint) -> int:
    """Ask each witness to cosign (C2SP tlog-witness); a witness that is away is asked again with the next one."""
    return sum(_ask_witness(url, checkpoint) for url in settings.WITNESS_URLS)


def _ask_witness(url: str, checkpoint: Checkpoint) -> bool:
    answer = _post(url, "add-checkpoint", checkpoint.size, checkpoint.note)
    if answer is not None and answer.status_code == 403 and _tell_of_epochs(url):
        answer = _post(url, "add-checkpoint", checkpoint.size, checkpoint.note)
    if answer is None:
        return False
    if answer.status_code != 200:
        logger.error("witness %s refused checkpoint %s: %s", url, checkpoint.size, answer.text.strip())
        return False
    _last_seen_by[url] = checkpoint.size
    return _file_cosignature(checkpoint, answer.text)


def _post(url: str, address: str, size: int, note: str) -> httpx.Response | None:
    """Send a note over `size` records with the proof from what the witness saw last; None where it is away, or
    ahead of this log."""
    old_size = min(_last_seen_by.get(url, 0), size)
    for _ in range(2):  # a 409 says which size the witness has; once is enough
        try:
            content = _request(old_size, size, note)
            answer = httpx.post(f"{url.rstrip('/')}/{address}", content=content, timeout=2.0)
        except httpx.HTTPError as problem:
            logger.warning("witness %s does not answer: %s", url, problem)
            return None
        if answer.status_code != 409 or not answer.text.strip().isdigit():
            return answer
        old_size = int(answer.text)
        if old_size > size:
            logger.error("witness %s has seen %s records, this log has %s", url, old_size, size)
            return None
    return answer


_last_seen_by: dict[str, int] = {}


def _request(old_size: int, size: int, note: str) -> bytes:
    proof = tree.consistency_proof(old_size, size)
    lines = [f"old {old_size}", *(base64.b64encode(node).decode() for node in proof)]
    return ("\n".join(lines) + "\n\n" + note).encode()


def _tell_of_epochs(url: str) -> bool:
    """Bring the witness the note of each epoch; whether it took the last, and with it the key that signs now."""
    answer = None
    for note in epochs.notes():  # those that it has, or that were before its first key, are none the worse for it
        kept = verifier.parse_epoch(note.rpartition("\n\n")[0])["kept_size"]
        answer = _post(url, "add-epoch", kept, note)
    if answer is not None and answer.status_code != 200:
        logger.error("witness %s does not take this log's epoch: %s", url, answer.text.strip())
    return answer is not None and answer.status_code == 200


def _file_cosignature(checkpoint: Checkpoint, answer: str) -> bool:
    """Keep the line of `answer` that one of the configured witness keys verifies; refuse any other."""
    for line in answer.splitlines():
        if name := witness_of(checkpoint.note, f"{line}\n"):
            with connection.cursor() as cursor:
                cursor.execute("select audit.file_cosignature(%s, %s, %s)", [checkpoint.pk, name, f"{line}\n"])
            return True
    logger.error("a cosignature came in that no key in ASSAY_WITNESS_KEYS verifies: %s", answer.strip()[:80])
    return False


def witness_of(note: str, line: str) -> str | None:
    """Name of the configured witness whose good cosignature of `note` the line is; None for any other line."""
    for key in map(verifier.parse_key, settings.WITNESS_KEYS):
        with contextlib.suppress(verifier.Defect):
            verifier.check_note(note + line, key, signed_note.verifies)
            return key[0]
    return None


def receipt_for(position: int) -> Receipt | None:
    """A receipt under the newest checkpoint; None while none covers the record yet."""
    checkpoint = Checkpoint.objects.filter(size__gt=position).order_by("-id").first()
    if checkpoint is None:
        return None
    record = SealedRecord.objects.get(pk=position)
    proof = tree.inclusion_proof(position, checkpoint.size)
    return Receipt(position, bytes(record.body), proof, checkpoint.full_note)


def wait_for_receipt(position: int, *, seconds: float = 2.0) -> Receipt | None:
    """Wait for a covering checkpoint, after the commit; None says "counted, receipt pending"."""
    until = time.monotonic() + seconds
    while (receipt := receipt_for(position)) is None and time.monotonic() < until:
        time.sleep(0.05)
    return receipt


def overdue_since() -> timedelta | None:
    """How long the oldest uncovered record has waited, where that is longer than COVER_WITHIN."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select audit.clock() - sealed_at from audit.sealed_record"
            " where position = (select coalesce(max(size), 0) from audit.checkpoint)"
        )
        oldest = cursor.fetchone()
    return oldest[0] if oldest and oldest[0] > COVER_WITHIN else None
