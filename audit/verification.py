"""The portal verifies its own log: every byte, every record, every checkpoint, and the rows as they stand."""

import base64
import contextlib
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from audit import as_it_stands, epochs, events, signed_note, verifier
from audit.checkpoint_file import read_epochs, read_file
from audit.checkpoints import TRIGGERS_LINE
from audit.models import Checkpoint, Entry, Epoch, RowHistory, SealedRecord

BATCH = 2000


@dataclass
class Verdict:
    """What was checked and what does not hold; `defects` are sentences."""

    records: int = 0
    entries: int = 0
    rows: int = 0
    outside: int = 0
    guards_changed: int = 0
    checkpoints: int = 0
    anchored: int = 0  # checkpoints of the append-only file
    epochs: int = 1
    losses: list[str] = field(default_factory=list)  # what restores lost, as the log itself says
    cosignatures: int = 0
    files: int = 0
    erased: int = 0  # files of which a tombstone stays
    root: str = ""
    defects: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.defects


def verify_log(log_key: str, *, checkpoint_file: Path | None = None, check_files: bool = True) -> Verdict:
    """Verify everything that the database and the artefact folder hold, as it stands at one moment.

    log_key          the log's verifier key, of any of its epochs
    checkpoint_file  the append-only copy of this log's checkpoints: what it signed must still be there
    Raises Defect where the key cannot be read.
    """
    verdict, key = Verdict(), verifier.parse_key(log_key)
    with one_moment():
        leaves = _check_records(verdict)
        chain = _check_epochs(leaves, key, verdict)
        _check_checkpoints(leaves, chain, verdict)
        if checkpoint_file:
            _check_checkpoint_file(leaves, chain, checkpoint_file, verdict)
        verdict.defects += as_it_stands.defects(size=len(leaves))
        if check_files:
            verdict.files, verdict.erased, defects = as_it_stands.check_files()
            verdict.defects += defects
    return verdict


@contextmanager
def one_moment() -> Iterator[None]:
    """One snapshot for all that is read: a portal that goes on working must not look like a damaged one."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("set transaction isolation level repeatable read, read only")
        yield


def _check_records(verdict: Verdict) -> list[bytes]:
    leaves: list[bytes] = []
    last_sealed = ""
    for record in _records():
        leaves.append(verifier.leaf_hash(bytes(record.body)))
        try:
            parsed = verifier.parse_record(bytes(record.body))
            _check_record(record, parsed, len(leaves) - 1, verdict)
            if parsed["sealed_at"] < last_sealed:
                raise verifier.Defect(f"record {record.position} is dated before the record that precedes it")
            last_sealed = parsed["sealed_at"]
        except verifier.Defect as defect:
            verdict.defects.append(str(defect))
    verdict.records = len(leaves)
    verdict.root = verifier.root_of(leaves).hex()
    return leaves


def _records() -> Iterator[SealedRecord]:
    start = 0
    while batch := list(
        SealedRecord.objects.filter(position__gte=start)
        .prefetch_related("entries", "rows")
        .order_by("position")[:BATCH]
    ):
        yield from batch
        start = batch[-1].position + 1


def _check_record(record: SealedRecord, parsed: dict, expected: int, verdict: Verdict) -> None:
    if record.position != expected or parsed["position"] != expected:
        raise verifier.Defect(
            f"record {record.position} is where record {expected} belongs: a record is missing or moved"
        )
    if bytes(record.leaf_hash) != verifier.leaf_hash(bytes(record.body)):
        raise verifier.Defect(f"record {expected}: its bytes do not hash to its leaf")
    shown = record.sealed_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), record.db_user
    if shown != (parsed["sealed_at"], parsed["db_user"]):
        raise verifier.Defect(f"record {expected}: its time or database user was changed after it was sealed")
    entries = sorted(record.entries.all(), key=lambda e: e.pk)
    rows = sorted(record.rows.all(), key=lambda r: r.pk)
    verdict.entries += len(entries)
    verdict.rows += len(rows)
    verdict.outside += sum(entry.event == events.OUTSIDE_PORTAL.name for entry in entries)
    verdict.guards_changed += sum(entry.event == events.GUARDS_CHANGED.name for entry in entries)
    _check_same(expected, "entries", parsed["entries"], [_digest_of(entry) for entry in entries], verdict)
    _check_same(expected, "rows", parsed["rows"], [_digest_of_row(row) for row in rows], verdict)


def _check_same(position: int, what: str, sealed: list[bytes], found: list[bytes], verdict: Verdict) -> None:
    if sealed != found:
        verdict.defects.append(
            f"record {position}: its {what} are not those that were sealed ({len(sealed)} sealed, {len(found)} found)"
        )


def _digest_of(entry: Entry) -> bytes:
    """Of the entry's fields; empty where the stored digest is not theirs."""
    names = ("event", "subject", "trails", "actor", "account", "through", "request")
    fields = {name: getattr(entry, name) for name in names} | {"body": bytes(entry.body)}
    digest = verifier.entry_digest(fields)
    return digest if digest == bytes(entry.digest) else b""


def _digest_of_row(row: RowHistory) -> bytes:
    """Of the row's fields and bytes; empty where a stored digest is not theirs."""
    body_sha256 = hashlib.sha256(bytes(row.body)).digest()
    fields = {"table": row.table_name, "pk": row.pk_text, "op": row.op, "subject": row.subject, "trail": row.trail}
    digest = verifier.row_digest(fields | {"db_user": row.db_user, "body_sha256": body_sha256})
    return digest if (digest, body_sha256) == (bytes(row.digest), bytes(row.body_sha256)) else b""


def _check_epochs(leaves: list[bytes], key: tuple, verdict: Verdict) -> verifier.Epochs:
    """The chain of epochs; where it does not hold, that of a log that has the one key."""
    begun = list(Epoch.objects.order_by("number"))
    named = [entry.data.get("note") for entry in Entry.objects.filter(event=events.EPOCH_BEGUN.name)]
    if sorted(map(str, named)) != sorted(verifier.sha256_of_note(epoch.note) for epoch in begun):
        verdict.defects.append(
            f"{len(named)} entries say that an epoch began, {len(begun)} notes are there: not the same"
        )
    try:
        chain = verifier.Epochs([epoch.note for epoch in begun], [key], signed_note.verifies)
    except verifier.Defect as defect:
        verdict.defects.append(str(defect))
        return verifier.Epochs([], [key], signed_note.verifies)
    verdict.epochs = len(chain.keys)
    verdict.losses = [verifier.loss_of(epoch) for epoch in chain.begun if epoch["reason"] == epochs.RESTORE]
    if [epochs.parts_of(epoch.note) for epoch in begun] != [epochs.parts_stored(epoch) for epoch in begun]:
        verdict.defects.append("the rows of the log's epochs are not what their notes say")
    roots = dict(_roots_at(leaves, {size for _, size, _ in chain.prefixes()}))
    for number, size, root in chain.prefixes():
        if roots.get(size) != root:
            verdict.defects.append(f"epoch {number}: the first {size} records are not those with which it began")
    return chain


def _check_checkpoints(leaves: list[bytes], chain: verifier.Epochs, verdict: Verdict) -> None:
    witnesses = {parsed[0]: parsed for parsed in map(verifier.parse_key, settings.WITNESS_KEYS)}
    roots = dict(_roots_at(leaves, set(Checkpoint.objects.values_list("size", flat=True))))
    for checkpoint in Checkpoint.objects.prefetch_related("cosignatures").order_by("id").iterator(BATCH):
        verdict.checkpoints += 1
        try:
            size, root, extensions = _check_signed(checkpoint.note, chain, len(leaves), roots)
            triggers = f"{TRIGGERS_LINE} {base64.b64encode(bytes(checkpoint.triggers)).decode()}"
            if (size, root, [triggers]) != (checkpoint.size, bytes(checkpoint.root), extensions):
                raise verifier.Defect(f"the checkpoint of {size} records was changed after it was signed")
            for cosignature in checkpoint.cosignatures.all():
                if cosignature.witness in witnesses:
                    note = checkpoint.note + cosignature.line
                    verifier.check_note(note, witnesses[cosignature.witness], signed_note.verifies)
                    verdict.cosignatures += 1
        except verifier.Defect as defect:
            verdict.defects.append(str(defect))


def _check_signed(
    note: str, chain: verifier.Epochs, count: int, roots: dict[int, bytes]
) -> tuple[int, bytes, list[str]]:
    """Size, root and extension lines of a checkpoint that a key of the log signed over the records that are there.

    Of a tree that an epoch lost in a restore there is nothing to compare.
    """
    number, size, root, extensions = chain.check_checkpoint(note)
    if _is_lost(chain, number, size):
        return size, root, extensions
    if size > count:
        raise verifier.Defect(f"a checkpoint signs {size} records, the log has {count}: its end is gone")
    if roots.get(size) != root:
        raise verifier.Defect(f"the first {size} records are not those that the checkpoint signed")
    return size, root, extensions


def _is_lost(chain: verifier.Epochs, number: int, size: int) -> bool:
    kept = chain.kept_of(number)
    return kept is not None and size > kept


def _check_checkpoint_file(leaves: list[bytes], chain: verifier.Epochs, path: Path, verdict: Verdict) -> None:
    """What the file outside the database keeps was once signed, so all of it must still be a prefix of the log, but
    for what the log says it lost."""
    if not path.exists():
        verdict.defects.append(f"the checkpoint file {path} is gone")
        return
    if set(read_epochs(path)) != set(epochs.notes()):
        verdict.defects.append("checkpoint file: its epoch notes are not those of the log")
    notes = read_file(path)
    sizes = [size for size in map(_size_of, notes) if size is not None]
    roots = dict(_roots_at(leaves, set(sizes)))
    for note in notes:
        try:
            _check_signed(note, chain, len(leaves), roots)
            verdict.anchored += 1
        except verifier.Defect as defect:
            verdict.defects.append(f"checkpoint file: {defect}")


def _size_of(note: str) -> int | None:
    with contextlib.suppress(verifier.Defect):
        return verifier.parse_checkpoint(note.partition("\n\n")[0])[1]
    return None


def _roots_at(leaves: list[bytes], sizes: set[int]) -> Iterator[tuple[int, bytes]]:
    """Root after each of `sizes` leaves, in one pass."""
    stack: list[tuple[int, bytes]] = []
    for count, leaf in enumerate(leaves, start=1):
        height, node = 0, leaf
        while stack and stack[-1][0] == height:
            node = verifier.node_hash(stack.pop()[1], node)
            height += 1
        stack.append((height, node))
        if count in sizes:
            root = stack[-1][1]
            for _, left in reversed(stack[:-1]):
                root = verifier.node_hash(left, root)
            yield count, root
