"""One entry's way to the signed root, computed while the page is made, step by step as the verifier takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from audit import checkpoints, epochs, tree, verifier
from audit.reading import checkpoint_over, rows_sealed_in
from monitoring.events import RUN_COMPLETED
from monitoring.models import Run
from monitoring.verification import verify_run

TAIL = 64 * 1024  # bytes of the append-only file in which the newest checkpoint is looked for
DRAWN = 7  # joints that a picture shows one by one
ENTRY_FIELDS = ("event", "subject", "trails", "actor", "account", "through", "request")


@dataclass(frozen=True)
class Step:
    """One thing that was checked: whether it holds (None: it could not be checked), and why not."""

    words: str
    holds: bool | None
    why: str = ""


@dataclass(frozen=True)
class Joint:
    """Where the way meets a sibling: the hash of both together, the sibling, and on which side it stands."""

    node: str
    sibling: str
    side: str


@dataclass(frozen=True)
class Proof:
    """What was found about one entry. `joints` lead from the leaf to the root, lowest first."""

    position: int
    leaf: str
    joints: list[Joint]
    root: str
    checkpoint: object
    steps: list[Step]

    @property
    def holds(self) -> bool:
        return all(step.holds is not False for step in self.steps)

    @property
    def shown(self) -> list[Joint]:
        """The joints that a picture has room for: all, or those next to the leaf."""
        return self.joints if len(self.joints) <= DRAWN else self.joints[: DRAWN - 2]

    @property
    def hidden(self) -> int:
        return len(self.joints) - len(self.shown)


def proof_of(entry) -> Proof | None:
    """Verify an entry now; None while no checkpoint covers it. The entry comes with its sealed record."""
    record = entry.sealed_in
    checkpoint = checkpoint_over(record.position) if record else None
    if checkpoint is None:
        return None
    body, root = bytes(record.body), bytes(checkpoint.root)
    leaf, siblings = verifier.leaf_hash(body), tree.inclusion_proof(record.position, checkpoint.size)
    steps = [
        _step("The entry’s stored bytes are the ones that were sealed", lambda: _check_entry(entry, body)),
        _step("Its row changes are the ones that were sealed", lambda: _check_rows(entry, body)),
        _step(
            f"{len(siblings)} hashes lead from its record to the signed root",
            lambda: verifier.check_inclusion(leaf, record.position, checkpoint.size, siblings, root),
        ),
        *checkpoint_steps(checkpoint),
    ]
    if entry.event == RUN_COMPLETED.name:
        steps.append(_figures_step(entry))
    joints = list(walk(leaf, record.position, checkpoint.size, siblings))
    return Proof(record.position, leaf.hex(), joints, root.hex(), checkpoint, steps)


def walk(leaf: bytes, position: int, size: int, siblings: Iterable[bytes]) -> Iterable[Joint]:
    """Every joint between a leaf and its root (RFC 9162, 2.1.3.2)."""
    fn, sn, node = position, size - 1, leaf
    for sibling in siblings:
        is_right = bool(fn & 1) or fn == sn
        node = verifier.node_hash(sibling, node) if is_right else verifier.node_hash(node, sibling)
        while is_right and fn and not fn & 1:
            fn, sn = fn >> 1, sn >> 1
        fn, sn = fn >> 1, sn >> 1
        yield Joint(node.hex(), sibling.hex(), "left" if is_right else "right")


def checkpoint_steps(checkpoint) -> list[Step]:
    """The checkpoint itself: the log's signature, each witness, and the file outside the database."""
    steps = [_step("The checkpoint carries the log’s signature", lambda: _check_signature(checkpoint))]
    for cosignature in checkpoint.cosignatures.all():
        steps.append(_witness_step(checkpoint, cosignature))
    if settings.CHECKPOINT_FILE:
        steps.append(_file_step(checkpoint))
    return steps


def _step(words: str, check: Callable[[], None]) -> Step:
    try:
        check()
    except verifier.Defect as defect:
        return Step(words, False, str(defect))
    except checkpoints.LogUnsignable as reason:
        return Step(words, None, str(reason))
    return Step(words, True)


def _check_entry(entry, record: bytes) -> None:
    plain = {name: getattr(entry, name) for name in ENTRY_FIELDS} | {"body": bytes(entry.body)}
    if verifier.entry_digest(plain) not in verifier.parse_record(record)["entries"]:
        raise verifier.Defect("the entry is not the one that was sealed")


def _check_rows(entry, record: bytes) -> None:
    sealed = set(verifier.parse_record(record)["rows"])
    for row in rows_sealed_in(entry.sealed_in_id, [*entry.trails, entry.subject]):
        plain = {"table": row.table_name, "pk": row.pk_text, "op": row.op, "subject": row.subject}
        plain |= {"trail": row.trail, "db_user": row.db_user}
        plain["body_sha256"] = verifier.hashlib.sha256(bytes(row.body)).digest()
        if verifier.row_digest(plain) not in sealed:
            raise verifier.Defect(f"the change of {row.subject} is not the one that was sealed")


def _figures_step(entry) -> Step:
    """The figures that pages show, built up again from their rows and held against what the entry sealed."""
    run = Run.objects.select_related("model", "monitor").filter(pk=entry.subject.rpartition(":")[2]).first()
    if run is None:
        return Step("The figures that it measured are there", False, "the run is gone")
    found = verify_run(run)
    words = f"{found.figures:,} stored figures of {found.windows} windows are the ones that were sealed"
    if found.older and found.holds:
        return Step(words, None, "this run is older than the seal over each window")
    return Step(words, found.holds, "; ".join(found.defects[:3]))


def _check_signature(checkpoint) -> None:
    _, size, root, _ = epochs.epochs_of_log(checkpoints.log_key()).check_checkpoint(checkpoint.note)
    if (size, root) != (checkpoint.size, bytes(checkpoint.root)):
        raise verifier.Defect("the signed note names another tree than the checkpoint's row")


def _witness_step(checkpoint, cosignature) -> Step:
    """A name in the table is a claim; the line beside it is what counts."""
    words = f"Witness {cosignature.witness} cosigned it"
    known = checkpoints.witness_of(checkpoint.note, cosignature.line) == cosignature.witness
    return Step(words, known, "" if known else "no key in ASSAY_WITNESS_KEYS verifies this cosignature")


def _file_step(checkpoint) -> Step:
    words = "The append-only file holds it"
    try:
        with Path(settings.CHECKPOINT_FILE).open("rb") as stream:
            stream.seek(max(0, stream.seek(0, 2) - TAIL))
            held = checkpoint.note.encode() in stream.read()
    except OSError as problem:
        return Step(words, None, f"the file cannot be read: {problem.strerror}")
    return Step(words, True) if held else Step(words, None, "not among its newest checkpoints; run verify_audit")
