"""The folder of artefacts: a file's name is its SHA-256, and it is there whole or not at all."""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings


def path_of(sha256: str) -> Path:
    return settings.ARTEFACT_ROOT / sha256[:2] / sha256


def is_there() -> bool:
    """Whether the folder can be read; before its first file, whether what it will lie in can be."""
    root = settings.ARTEFACT_ROOT
    place = next(folder for folder in (root, *root.parents) if folder.exists())
    return os.access(place, os.R_OK | os.X_OK)


def keep(chunks: Iterable[bytes]) -> tuple[str, int]:
    """Write chunks to the folder under their SHA-256; return (sha256, bytes). Constant memory.

    A temporary name, fsync, rename: a killed process leaves no half file under a digest.
    """
    settings.ARTEFACT_ROOT.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with tempfile.NamedTemporaryFile(dir=settings.ARTEFACT_ROOT, prefix=".part-", delete=False) as stream:
        try:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                stream.write(chunk)
            stream.flush()
            os.fsync(stream.fileno())
            target = path_of(digest.hexdigest())
            target.parent.mkdir(exist_ok=True)
            os.chmod(stream.name, 0o440)
            os.replace(stream.name, target)
        except BaseException:
            Path(stream.name).unlink(missing_ok=True)
            raise
    _sync_folder(target.parent)
    return digest.hexdigest(), size


def remove(sha256: str) -> None:
    """Take a file out of the folder; one that is gone already is no fault."""
    path = path_of(sha256)
    path.unlink(missing_ok=True)
    if path.parent.exists():
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex. Constant memory."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
