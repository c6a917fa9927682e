"""Epochs of the log: a new one begins where its key is replaced, or where a restore from backup lost records.

Each has one key and one tree that only grew. What leads from one to the next is a note, which the new key signs and,
where it still exists, the old one: docs/adr/0007-epochs.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from audit import events, signed_note, tree, verifier
from audit.checkpoint_file import append_to_file, read_epochs, read_file
from audit.models import Checkpoint, Epoch
from audit.services import Actor, record_about
from audit.signed_note import Signer

ROTATION, RESTORE = "rotation", "restore"
NOTHING = hashlib.sha256(b"").digest()  # the root of a tree without records


class NoNewEpoch(Exception):
    """Why no epoch can begin, as a sentence for the operator."""


@dataclass(frozen=True)
class Ending:
    """How the epoch in force ends, and what is left of it.

    number   of the epoch that begins
    kept     size and root up to which the database still holds what was signed
    missing  notes of epochs that the file has and the database lost
    """

    number: int
    reason: str
    old_key: str
    old: tuple[int, bytes]
    kept: tuple[int, bytes]
    missing: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What happened, as people say it."""
        if self.reason == ROTATION:
            return "the log's key was replaced"
        return f"the log was restored from a backup, and its records beyond {self.kept[0]} of {self.old[0]} were lost"


# ---- reading ------------------------------------------------------------------------------------------------
def notes(*, before: Checkpoint | None = None) -> list[str]:
    """The notes of all epochs but the first; `before`: of those that had begun when a checkpoint was signed."""
    begun = Epoch.objects.order_by("number")
    if before:
        begun = begun.filter(after_checkpoint__lt=before.pk)
    return list(begun.values_list("note", flat=True))


def epochs_of_log(key: str) -> verifier.Epochs:
    """The chain of the log's epochs as somebody who holds `key` can check it. Raises verifier.Defect."""
    return verifier.Epochs(notes(), [verifier.parse_key(key)], signed_note.verifies)


def key_in_force() -> str | None:
    """The key that the newest epoch began with; None while the log is in its first."""
    return Epoch.objects.order_by("-number").values_list("key", flat=True).first()


def missing_notes(known: list[str], files: Iterable[Path]) -> list[str]:
    """Epoch notes of the files, in their order, that come after those which the database holds."""
    found = {
        verifier.parse_epoch(note.rpartition("\n\n")[0])["number"]: note for path in files for note in read_epochs(path)
    }
    return [found[number] for number in sorted(found) if number > len(known) + 1]


# ---- how the epoch in force ends ------------------------------------------------------------------------------
def ending(*, reason: str, key: str, files: Iterable[Path]) -> Ending:
    """How the epoch in force would end now, from every checkpoint that the log's keys ever signed.

    key    a key of the log that whoever asks trusts, as a verifier key
    files  append-only files of checkpoints; a witness's history is one too
    Raises NoNewEpoch, verifier.Defect.
    """
    files = _that_are_there(files, reason)
    known = notes()
    missing = missing_notes(known, files)
    chain = verifier.Epochs([*known, *missing], [verifier.parse_key(key)], signed_note.verifies)
    signed = list(_signed(chain, files))
    old = max((place for number, *place in signed if number == len(chain.keys)), default=_began(chain))
    if old is None:
        raise NoNewEpoch("No checkpoint of this log was ever signed: there is no epoch to end. Start the checkpointer.")
    kept = _kept(place for _, *place in signed)
    found = Ending(len(chain.keys) + 1, reason, _as_text(chain.keys[-1]), tuple(old), kept, tuple(missing))
    _check_reason(found)
    return found


def _that_are_there(files: Iterable[Path], reason: str) -> list[Path]:
    """A log that was just begun has no file yet; what a restore lost, only a file can tell."""
    wanted = list(files)
    found = [path for path in wanted if path.exists()]
    if reason == RESTORE and (not found or found != wanted):
        names = ", ".join(str(path) for path in wanted if path not in found) or "given"
        raise NoNewEpoch(f"How far the log had come shows a file of its checkpoints, and there is none: {names}.")
    return found


def _check_reason(found: Ending) -> None:
    if found.reason == ROTATION and (found.kept != found.old or found.missing):
        raise NoNewEpoch(
            f"The log's key signed {found.old[0]} records, and the database holds {found.kept[0]} of them: it was"
            " restored from a backup. That is an epoch of the kind “restore”, not a rotation."
        )
    if found.reason == RESTORE and found.kept == found.old:
        raise NoNewEpoch(
            f"Nothing was lost: the database holds all {found.old[0]} records that were signed. The log goes on as it"
            " is; start the checkpointer."
        )


def _signed(chain: verifier.Epochs, files: Iterable[Path]) -> Iterator[tuple[int, int, bytes]]:
    """(epoch, size, root) of each checkpoint that is still to be held: signed, and not lost in an earlier restore."""
    kept_notes = [note for path in files for note in read_file(path)]
    for note in dict.fromkeys([*Checkpoint.objects.order_by("id").values_list("note", flat=True), *kept_notes]):
        try:
            number, size, root, _ = chain.check_checkpoint(note)
        except verifier.Defect:
            continue  # verify_audit reports it; nothing is built on it
        kept = chain.kept_of(number)
        if kept is None or size <= kept:
            yield number, size, root


def _began(chain: verifier.Epochs) -> tuple[int, bytes] | None:
    """With what the epoch in force began: its end, where it has signed nothing yet."""
    return (chain.begun[-1]["kept_size"], chain.begun[-1]["kept_root"]) if chain.begun else None


def _kept(signed: Iterable[tuple[int, bytes]]) -> tuple[int, bytes]:
    """The largest signed tree that the database still begins with: all that were signed below it agree."""
    with connection.cursor() as cursor:
        cursor.execute("select audit.build_nodes(size), size from audit.head")
        head = cursor.fetchone()[1]
    roots: dict[int, set[bytes]] = {}
    for size, root in signed:
        roots.setdefault(size, set()).add(root)
    kept = 0, NOTHING
    for size in sorted(roots):
        if size > head or roots[size] != {tree.root_of_first(size)}:
            break
        kept = size, tree.root_of_first(size)
    return kept


def _as_text(key: tuple) -> str:
    name, key_id, kind, public = key
    return f"{name}+{key_id.hex()}+{signed_note.base64.b64encode(bytes([kind]) + public).decode()}"


# ---- beginning ------------------------------------------------------------------------------------------------
def note_of(found: Ending, *, new: Signer, old: Signer | None, asked_by: str, accepted_by: str) -> str:
    """The epoch note, signed by the new key and, where it still exists, by the old one."""
    text = signed_note.epoch_text(
        {
            "number": found.number,
            "reason": found.reason,
            "old_key": found.old_key,
            "old_size": found.old[0],
            "old_root": found.old[1],
            "kept_size": found.kept[0],
            "kept_root": found.kept[1],
            "new_key": new.verifier_key,
            "asked_by": asked_by,
            "accepted_by": accepted_by,
        }
    )
    return f"{text}\n{new.sign(text)}{old.sign(text) if old else ''}"


@transaction.atomic
def begin_epoch(
    *, found: Ending, new: Signer, old: Signer | None, asked_by: str, accepted_by: str, by: Actor | None
) -> Epoch:
    """Begin an epoch; from the commit on no other key signs. Epochs that a restore lost are put back before it.

    asked_by, accepted_by  two persons, by their names on the trail: that they did so, the caller knows
    """
    if old and old.verifier_key != found.old_key:
        raise NoNewEpoch(f"The old key at hand is {old.verifier_key}, and the epoch in force has {found.old_key}.")
    note = note_of(found, new=new, old=old, asked_by=asked_by, accepted_by=accepted_by)
    for one in [*found.missing, note]:
        _file(one, by)
    transaction.on_commit(lambda: append_to_file(note))
    return Epoch.objects.get(number=found.number)


def parts_of(note: str) -> dict:
    """What an epoch note says, by the columns of audit.epoch."""
    epoch = verifier.parse_epoch(note.rpartition("\n\n")[0])
    return epoch | {"old_key": _as_text(epoch["old_key"]), "new_key": _as_text(epoch["new_key"])}


def parts_stored(epoch: Epoch) -> dict:
    """The same, as the row has it."""
    names = ("number", "reason", "old_key", "old_size", "kept_size", "asked_by", "accepted_by")
    roots = {"old_root": bytes(epoch.old_root), "kept_root": bytes(epoch.kept_root)}
    return {name: getattr(epoch, name) for name in names} | roots | {"new_key": epoch.key}


def _file(note: str, by: Actor | None) -> None:
    parts = parts_of(note)
    ended = Ending(
        parts["number"],
        parts["reason"],
        parts["old_key"],
        (parts["old_size"], parts["old_root"]),
        (parts["kept_size"], parts["kept_root"]),
    )
    values = [parts[name.replace("-", "_")] for name in verifier.EPOCH_FIELDS] + [note]
    with connection.cursor() as cursor:
        cursor.execute(f"select audit.begin_epoch({', '.join(['%s'] * len(values))})", values)
    record_about(
        events.EPOCH_BEGUN,
        subject=f"audit.epoch:{parts['number']}",
        trails=[],
        by=by,
        data={
            "number": parts["number"],
            "what": ended.words,
            "key": parts["new_key"],
            "old_key": parts["old_key"],
            "note": verifier.sha256_of_note(note),
            "asked_by": parts["asked_by"],
            "accepted_by": parts["accepted_by"],
        },
    )


def keep_in_file() -> None:
    """Append to the file what a crash right after a beginning left out of it."""
    if not settings.CHECKPOINT_FILE:
        return
    path = Path(settings.CHECKPOINT_FILE)
    held = read_epochs(path) if path.exists() else []
    for note in notes():
        if note not in held:
            append_to_file(note)
