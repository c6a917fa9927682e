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
from django.utils import timezone

from audit import signed_note, tree, verifier
from audit.models import Checkpoint, SealedRecord
from audit.signed_note import Signer

logger = logging.getLogger(__name__)
COVER_WITHIN = timedelta(seconds=10)


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


def log_signer() -> Signer:
    """The log's own key, made on first use where ASSAY_CHECKPOINT_KEY_FILE says."""
    return signed_note.load_or_make_signer(Path(settings.CHECKPOINT_KEY_FILE), settings.AUDIT_ORIGIN, signed_note.LOG)


def checkpoint_if_needed(signer: Signer) -> Checkpoint | None:
    """Sign the tree as it stands, where it grew or its guards changed since the last checkpoint."""
    with connection.cursor() as cursor:
        cursor.execute("select size, audit.trigger_digest() from audit.head")
        size, triggers = cursor.fetchone()
    last = Checkpoint.objects.order_by("-id").first()
    if size == 0 or (last and last.size == size and bytes(last.triggers) == bytes(triggers)):
        return None
    return _sign(signer, size, bytes(triggers))


@transaction.atomic
def _sign(signer: Signer, size: int, triggers: bytes) -> Checkpoint:
    with connection.cursor() as cursor:
        cursor.execute("select audit.build_nodes(%s)", [size])
        root = tree.root_of_first(size)
        text = signed_note.checkpoint_text(signer.name, size, root, f"triggers {base64.b64encode(triggers).decode()}")
        note = f"{text}\n{signer.sign(text)}"
        cursor.execute("select audit.file_checkpoint(%s, %s, %s, %s)", [size, root, triggers, note])
        checkpoint = Checkpoint.objects.get(pk=cursor.fetchone()[0])
    transaction.on_commit(lambda: append_to_file(note))
    return checkpoint


def append_to_file(note: str) -> None:
    """Add a checkpoint to the append-only file, flushed to disk."""
    if not settings.CHECKPOINT_FILE:
        return
    path = Path(settings.CHECKPOINT_FILE)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(note + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def collect_cosignatures(checkpoint: Checkpoint) -> int:
    """Ask each witness to cosign (C2SP tlog-witness); a witness that is away is asked again with the next one."""
    return sum(_ask_witness(url, checkpoint) for url in settings.WITNESS_URLS)


def _ask_witness(url: str, checkpoint: Checkpoint) -> bool:
    old_size = _last_seen_by.get(url, 0)
    for _ in range(2):  # a 409 says which size the witness has; once is enough
        try:
            answer = httpx.post(
                f"{url.rstrip('/')}/add-checkpoint", content=_request(old_size, checkpoint), timeout=2.0
            )
        except httpx.HTTPError as problem:
            logger.warning("witness %s does not answer: %s", url, problem)
            return False
        if answer.status_code == 409 and answer.text.strip().isdigit():
            old_size = int(answer.text)
            if old_size > checkpoint.size:
                logger.error("witness %s has seen %s records, this log has %s", url, old_size, checkpoint.size)
                return False
            continue
        break
    if answer.status_code != 200:
        logger.error("witness %s refused checkpoint %s: %s", url, checkpoint.size, answer.text.strip())
        return False
    _last_seen_by[url] = checkpoint.size
    return _file_cosignature(checkpoint, answer.text)


_last_seen_by: dict[str, int] = {}


def _request(old_size: int, checkpoint: Checkpoint) -> bytes:
    proof = tree.consistency_proof(old_size, checkpoint.size)
    lines = [f"old {old_size}", *(base64.b64encode(node).decode() for node in proof)]
    return ("\n".join(lines) + "\n\n" + checkpoint.note).encode()


def _file_cosignature(checkpoint: Checkpoint, line: str) -> bool:
    """Keep a cosignature that one of the configured witness keys verifies; refuse any other."""
    for text in settings.WITNESS_KEYS:
        key = verifier.parse_key(text)
        with contextlib.suppress(verifier.Defect):
            verifier.check_note(checkpoint.note + line, key)
            with connection.cursor() as cursor:
                cursor.execute("select audit.file_cosignature(%s, %s, %s)", [checkpoint.pk, key[0], line])
            return True
    logger.error("a cosignature came in that no key in ASSAY_WITNESS_KEYS verifies: %s", line.strip()[:80])
    return False


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
    last = Checkpoint.objects.order_by("-id").first()
    oldest = SealedRecord.objects.filter(position__gte=last.size if last else 0).order_by("position").first()
    waited = timezone.now() - oldest.sealed_at if oldest else timedelta()
    return waited if waited > COVER_WITHIN else None
