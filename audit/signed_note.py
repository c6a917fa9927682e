"""C2SP signed notes: the log's checkpoints and epochs (Ed25519) and witnesses' cosignatures (cosignature/v1)."""

import base64
import contextlib
import hashlib
import os
import struct
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from audit.verifier import EPOCH_FIELDS, EPOCH_FORMAT

LOG, COSIGNATURE = 1, 4  # signature types of the signed-note specification


@dataclass(frozen=True)
class Signer:
    """A named Ed25519 key of one kind: LOG signs checkpoints, COSIGNATURE cosigns them."""

    name: str
    kind: int
    private_key: Ed25519PrivateKey

    @property
    def public_bytes(self) -> bytes:
        return self.private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def key_id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public_bytes).digest()[:4]

    @property
    def verifier_key(self) -> str:
        """`name+hash+base64`, what an outsider keeps."""
        public = base64.b64encode(bytes([self.kind]) + self.public_bytes).decode()
        return f"{self.name}+{self.key_id.hex()}+{public}"

    def sign(self, text: str) -> str:
        """The signature line of a LOG key over the note's text."""
        return self._line(self.private_key.sign(text.encode()))

    def cosign(self, text: str, *, seconds: int | None = None) -> str:
        """The signature line of a COSIGNATURE key: over the text and the time, in POSIX seconds."""
        seconds = int(time.time()) if seconds is None else seconds
        message = f"cosignature/v1\ntime {seconds}\n{text}"
        return self._line(struct.pack(">Q", seconds) + self.private_key.sign(message.encode()))

    def _line(self, signature: bytes) -> str:
        return f"— {self.name} {base64.b64encode(self.key_id + signature).decode()}\n"


def verifies(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """What `verifier.ed25519_verifies` answers, some fifty times faster: for the portal's own verification."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def checkpoint_text(origin: str, size: int, root: bytes, *extensions: str) -> str:
    """The text of a checkpoint: origin, size, root, extension lines."""
    lines = [origin, str(size), base64.b64encode(root).decode(), *extensions]
    return "\n".join(lines) + "\n"


def epoch_text(fields: Mapping[str, object]) -> str:
    """The text of an epoch note: what `verifier.parse_epoch` reads. Its roots are bytes."""
    lines = [EPOCH_FORMAT]
    for name in EPOCH_FIELDS:
        value = fields[name.replace("-", "_")]
        lines.append(f"{name} {base64.b64encode(value).decode() if isinstance(value, bytes) else value}")
    return "\n".join(lines) + "\n"


class KeyUnusable(Exception):
    """A key file that is missing or does not hold a key."""


def load_or_make_signer(path: Path, name: str, kind: int) -> Signer:
    """The signer whose seed lies in `path` (32 bytes, mode 0600); made on first use, with its public half in
    `path`.pub, which is all that anyone but the signer reads. Raises KeyUnusable."""
    if not path.exists():
        _make_seed(path)
    seed = path.read_bytes()
    if len(seed) != 32:
        raise KeyUnusable(
            f"{path} holds {len(seed)} bytes where a signing key has 32: it is damaged. Put the saved copy back;"
            " a new key would make a new log."
        )
    signer = Signer(name, kind, Ed25519PrivateKey.from_private_bytes(seed))
    _keep_public_half(public_half_of(path), signer.verifier_key)
    return signer


def public_half_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.pub")


def _make_seed(path: Path) -> None:
    """Whole or not at all, and once: of two processes that start together, both use the first one's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".key-") as stream:  # made with mode 0600
        stream.write(os.urandom(32))
        stream.flush()
        os.fsync(stream.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(stream.name, path)


def _keep_public_half(path: Path, verifier_key: str) -> None:
    text = f"{verifier_key}\n"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        part = path.with_name(f"{path.name}.{os.getpid()}")
        part.write_text(text, encoding="utf-8")
        part.replace(path)
