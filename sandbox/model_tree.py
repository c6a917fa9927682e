"""The digest of a model artefact: one SHA-256 over a folder of files, `model-tree-v1`."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ALGORITHM = "model-tree-v1"
# MLflow writes this file when a model is fetched by its registered name and not when it is fetched
# by id: the same model, so it is no part of the digest.
NOT_PART_OF_THE_MODEL = frozenset({"registered_model_meta"})

_CHUNK = 1 << 20


class ModelTreeRefused(ValueError):
    """The folder holds something that is not a plain file, or changed while it was read."""


@dataclass(frozen=True)
class TreeFile:
    """One file of the artefact: path relative to the folder with `/`, size in bytes, SHA-256 in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class ModelTree:
    """What was digested: the digest in hex, every file in digest order, their total size in bytes."""

    digest: str
    files: tuple[TreeFile, ...]
    total_bytes: int


def model_tree_digest(folder: Path | str) -> str:
    """`model-tree-v1` of `folder`, 64 hex characters; see `model_tree`."""
    return model_tree(folder).digest


def model_tree(folder: Path | str) -> ModelTree:
    """Digest every file under `folder`, reading each once in chunks of 1 MiB.

    `model-tree-v1`, byte for byte. A field is its length as 8 bytes, big-endian, then its bytes:

        field("model-tree-v1")
        field(number of files as 8 bytes, big-endian)
        then for each file, in ascending order of the path's UTF-8 bytes:
            field(path, relative to the folder, parts joined with "/", UTF-8)
            field(size in bytes as 8 bytes, big-endian)
            field(SHA-256 of the content, 32 bytes)

    The digest is the SHA-256 of all that. A file `registered_model_meta` at the top is left out;
    empty folders, modes, owners and times do not count. Unlike a hash of joined text, no choice of
    file names can make two different folders give the same input.

    Raises ModelTreeRefused for a symbolic link, a socket, pipe or device, a name that is not UTF-8,
    a folder without files, or a file whose size changed while it was read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as empty:
    ...     _ = Path(empty, "MLmodel").write_bytes(b"flavors: {}")
    ...     model_tree_digest(empty)[:16]
    '47113d6396c9ccce'
    """
    files = sorted(_files(Path(folder)), key=lambda file: file.path.encode())
    if not files:
        raise ModelTreeRefused(f"{folder} holds no file, so there is no model to digest")
    return ModelTree(digest_of_files(files), tuple(files), sum(file.size for file in files))


def digest_of_files(files: list[TreeFile]) -> str:
    """`model-tree-v1` of files already hashed and in order, as hex."""
    digest = hashlib.sha256(_field(ALGORITHM.encode()) + _field(_u64(len(files))))
    for file in files:
        digest.update(_field(file.path.encode()) + _field(_u64(file.size)) + _field(bytes.fromhex(file.sha256)))
    return digest.hexdigest()


def _files(root: Path) -> Iterator[TreeFile]:
    # fwalk opens every folder by descriptor and without following links: a folder swapped for a link
    # half-way cannot lead the walk out of the tree.
    for base, folders, names, base_fd in os.fwalk(root, onerror=_raise):
        for name in (*folders, *names):
            path = _relative(root, base, name)
            mode = os.stat(name, dir_fd=base_fd, follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode) or (path in NOT_PART_OF_THE_MODEL and stat.S_ISREG(mode)):
                continue
            if not stat.S_ISREG(mode):
                raise ModelTreeRefused(f"{path} is {_kind(mode)}; a model artefact holds plain files only")
            yield _hashed(path, name, base_fd)


def _hashed(path: str, name: str, folder_fd: int) -> TreeFile:
    # O_NONBLOCK: a pipe put in the file's place after the check must not make open() wait for ever.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    digest, size = hashlib.sha256(), 0
    with open(os.open(name, flags, dir_fd=folder_fd), "rb", buffering=0) as file:
        before = os.fstat(file.fileno())
        if not stat.S_ISREG(before.st_mode):
            raise ModelTreeRefused(f"{path} became {_kind(before.st_mode)} while the artefact was read")
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    if size != before.st_size:
        raise ModelTreeRefused(f"{path} changed while it was read: {before.st_size} bytes, then {size}")
    return TreeFile(path, size, digest.hexdigest())


def _relative(root: Path, base: str, name: str) -> str:
    path = os.path.relpath(os.path.join(base, name), root)
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise ModelTreeRefused(f"{path!r} is not a UTF-8 file name; rename it and register again") from error
    return path


def _kind(mode: int) -> str:
    names = {stat.S_IFLNK: "a symbolic link", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return names.get(stat.S_IFMT(mode), "a device or special file")


def _field(data: bytes) -> bytes:
    return _u64(len(data)) + data


def _u64(number: int) -> bytes:
    return number.to_bytes(8, "big")


def _raise(error: OSError) -> None:
    raise error
