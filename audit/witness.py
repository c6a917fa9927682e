"""A witness of the log: a process of its own, with folder and key of its own, and no database.

    python -m audit.witness --folder var/witness --name witness.example --log-key KEY --port 9000

Speaks C2SP tlog-witness: POST /add-checkpoint with "old SIZE", a consistency proof, an empty line and the signed
checkpoint. It cosigns a checkpoint only where the tree that it saw last is a prefix of it; it answers 409 with its
own size where the caller is out of step, 422 where the proof fails (409 where one size has two roots), and never
goes back.
"""

import argparse
import base64
import fcntl
import os
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from audit import signed_note, verifier
from audit.signed_note import Signer

LARGEST_REQUEST = 64 * 1024


SIZE, TEXT = "text/x.tlog.size", "text/plain; charset=utf-8"


class Refusal(Exception):
    """What the witness answers instead of a cosignature."""

    def __init__(self, status: int, body: str, media_type: str = TEXT):
        super().__init__(body)
        self.status, self.body, self.media_type = status, body, media_type


class Witness:
    """What one witness remembers of one log: the last checkpoint that it cosigned, in `folder`."""

    def __init__(self, folder: Path, signer: Signer, log_key: str):
        self.folder, self.signer, self.log_key = folder, signer, verifier.parse_key(log_key)

    def add_checkpoint(self, request: str) -> str:
        """The cosignature line for a request. Raises Refusal."""
        header, _, note = request.partition("\n\n")
        old_size, proof = self._read_header(header)
        try:
            text, _ = verifier.check_note(note, self.log_key)
            origin, size, root, _ = verifier.parse_checkpoint(text)
        except verifier.Defect as defect:
            raise Refusal(403, f"{defect}\n") from defect
        if origin != self.log_key[0]:
            raise Refusal(404, "this witness does not watch that log\n")
        if old_size > size:
            raise Refusal(400, f"old {old_size} is above the checkpoint's {size} records: a log never shrinks\n")
        with self._alone():
            self._check_extends(old_size, size, root, proof)
            line = self.signer.cosign(text)
            self._remember(note + line)
        return line

    def _read_header(self, header: str) -> tuple[int, list[bytes]]:
        lines = header.split("\n")
        try:
            word, size = lines[0].split(" ")
            if word != "old" or str(int(size)) != size or int(size) < 0:
                raise ValueError(lines[0])
            return int(size), [base64.b64decode(line, validate=True) for line in lines[1:]]
        except ValueError as problem:
            raise Refusal(400, "the request must begin with: old SIZE\n") from problem

    def _check_extends(self, old_size: int, size: int, root: bytes, proof: list[bytes]) -> None:
        seen_size, seen_root = self.last_seen()
        if old_size != seen_size:
            raise Refusal(409, f"{seen_size}\n", SIZE)
        try:
            verifier.check_consistency(seen_size, seen_root, size, root, proof)
        except verifier.Defect as defect:
            raise Refusal(409 if size == seen_size else 422, f"{defect}\n") from defect

    def last_seen(self) -> tuple[int, bytes]:
        """Size and root of the last checkpoint cosigned; (0, empty) before the first."""
        latest = self.folder / "latest"
        if not latest.exists():
            return 0, b""
        _, size, root, _ = verifier.parse_checkpoint(latest.read_text(encoding="utf-8"))
        return size, root

    def _remember(self, note: str) -> None:
        """The history first, then the latest: after a crash between the two, the same checkpoint is asked again."""
        with (self.folder / "history").open("a", encoding="utf-8") as stream:
            stream.write(note + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        part = self.folder / "latest.part"
        with part.open("w", encoding="utf-8") as stream:
            stream.write(note)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(self.folder / "latest")

    @contextmanager
    def _alone(self):
        with (self.folder / "lock").open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield


def serve(witness: Witness, port: int) -> ThreadingHTTPServer:
    """An HTTP server on 127.0.0.1 that answers for `witness`; the caller runs serve_forever()."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 10  # seconds that a caller may take over its request

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length") or ""
            if self.path != "/add-checkpoint" or not length.isdecimal() or int(length) > LARGEST_REQUEST:
                return self._answer(404, "POST /add-checkpoint, at most 64 kB\n")
            try:
                self._answer(200, witness.add_checkpoint(self.rfile.read(int(length)).decode()))
            except Refusal as refusal:
                self._answer(refusal.status, refusal.body, refusal.media_type)
            except UnicodeDecodeError:
                self._answer(400, "the request is not UTF-8\n")

        def do_GET(self) -> None:
            self._answer(200, f"{witness.signer.verifier_key}\n")

        def _answer(self, status: int, body: str, media_type: str = TEXT) -> None:
            data = body.encode()
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            if int(code) != 200:
                sys.stderr.write(f"witness: answered {int(code)} to {self.requestline}\n")

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def main() -> None:
    parser = argparse.ArgumentParser(description="A witness of an Assay log.")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--name", required=True, help="of this witness, as in its verifier key")
    parser.add_argument("--log-key", help="the log's verifier key")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--print-key", action="store_true", help="print this witness's verifier key and stop")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    try:
        signer = signed_note.load_or_make_signer(options.folder / "key", options.name, signed_note.COSIGNATURE)
    except signed_note.KeyUnusable as problem:
        parser.exit(1, f"witness: {problem}\n")
    if options.print_key:
        print(signer.verifier_key)
        return
    if not options.log_key:
        parser.error("--log-key is wanted: the verifier key that `manage.py checkpointer --print-key` prints")
    try:
        server = serve(Witness(options.folder, signer, options.log_key), options.port)
    except verifier.Defect as problem:
        parser.exit(1, f"witness: --log-key: {problem}\n")
    except OSError as problem:
        parser.exit(
            1, f"witness: port {options.port} cannot be used ({problem.strerror}): choose another with --port\n"
        )
    server.serve_forever()


if __name__ == "__main__":
    main()
