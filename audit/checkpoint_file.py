"""The append-only file outside the database: every checkpoint, and the note of every epoch, as they were signed.

Nothing is ever cut from it, by a restore least of all: it is what shows how far the log had come.
"""

import os
import re
from pathlib import Path

from django.conf import settings

SIGNATURE = "— [^\n]+ [A-Za-z0-9+/]{91}=\n"
CHECKPOINT = re.compile(rf"^[^\n]+\n\d+\n[A-Za-z0-9+/=]{{44}}\n(?:[^\n]+\n)*\n{SIGNATURE}", re.MULTILINE)
EPOCH = re.compile(rf"^assay-epoch-v1\n(?:[^\n]+\n)+\n(?:{SIGNATURE}){{1,2}}", re.MULTILINE)


def append_to_file(note: str) -> None:
    """Add a note to the append-only file, flushed to disk. The empty line before it parts it from whatever a crash may
    have left half written."""
    if not settings.CHECKPOINT_FILE:
        return
    path = Path(settings.CHECKPOINT_FILE)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(f"\n{note}")
        stream.flush()
        os.fsync(stream.fileno())


def read_file(path: Path) -> list[str]:
    """The checkpoints of an append-only file. What a crash left half written is no checkpoint and is passed over."""
    return CHECKPOINT.findall(path.read_text(encoding="utf-8", errors="replace"))


def read_epochs(path: Path) -> list[str]:
    """The epoch notes of an append-only file, in their order."""
    return EPOCH.findall(path.read_text(encoding="utf-8", errors="replace"))
