"""What the repository brings as data: one file for each regime, and for each pack of fields."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

FRAMEWORKS = Path(__file__).parent / "frameworks"
PACKS = Path(__file__).parent / "packs"


@dataclass(frozen=True)
class DataFile:
    """One file: its name, what it says, and the digest of its bytes."""

    name: str
    content: dict
    sha256: str


def framework_files(folder: Path = FRAMEWORKS) -> Iterator[DataFile]:
    """The regimes' files, by name. A new regulator is a new file."""
    return _files(folder)


def pack_files(folder: Path = PACKS) -> Iterator[DataFile]:
    """Files of fields that one kind of model has beside the others."""
    return _files(folder)


def _files(folder: Path) -> Iterator[DataFile]:
    for path in sorted(folder.glob("*.yaml")):
        data = path.read_bytes()
        yield DataFile(path.name, yaml.safe_load(data), hashlib.sha256(data).hexdigest())
