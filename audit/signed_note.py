"""C2SP signed notes: the log's checkpoints (Ed25519) and witnesses' cosignatures (cosignature/v1)."""

import base64
import hashlib
import os
import struct
import time
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

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


def checkpoint_text(origin: str, size: int, root: bytes, *extensions: str) -> str:
    """The text of a checkpoint: origin, size, root, extension lines."""
    lines = [origin, str(size), base64.b64encode(root).decode(), *extensions]
    return "\n".join(lines) + "\n"


def load_or_make_signer(path: Path, name: str, kind: int) -> Signer:
    """The signer whose seed lies in `path` (32 bytes, mode 0600); made on first use."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(os.urandom(32))
    return Signer(name, kind, Ed25519PrivateKey.from_private_bytes(path.read_bytes()))
