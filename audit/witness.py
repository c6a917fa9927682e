"""A witness of the log: a process of its own, with folder and key of its own, and no database.

    python -m audit.witness --folder var/witness --name witness.example --log-key KEY --port 9000

Speaks C2SP tlog-witness: POST /add-checkpoint with "old SIZE", a consistency proof, an empty line and the signed
checkpoint. It cosigns a checkpoint only where the tree that it saw last is a prefix of it; it answers 409 with its
own size where the caller is out of step, 422 where the proof fails (409 where one size has two roots), and never
goes back.

POST /add-epoch, in the same form, brings the note of a new epoch: the log's next key, signed by the key before it, and
the tree with which it goes on. A restore from backup, which takes records back that were cosigned, is not taken from
the log itself; whoever runs the witness acknowledges it, after asking what happened:

    python -m audit.witness --folder var/witness --name witness.example --log-key KEY --acknowledge-epoch NOTE-FILE
"""

import argparse
import base64
import fcntl
import os
import re
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from audit import signed_note, verifier
from audit.signed_note import Signer

LARGEST_REQUEST = 64 * 1024


SIZE, TEXT = "text/x.tlog.size", "text/plain; charset=utf-8"
NOTES = re.compile(r"^(?!— )(?:[^\n]+\n)+\n(?:— [^\n]+ [A-Za-z0-9+/]+=*\n)+(?=\n)", re.MULTILINE)


class Refusal(Exception):
    """What the witness answers instead of a cosignature."""

    def __init__(self, status: int, body: str, media_type: str = TEXT):
        super().__init__(body)
        self.status, self.body, self.media_type = status, body, media_type


class Witness:
    """What one witness remembers of one log, in `folder`: the last checkpoint that it cosigned, and the epochs since
    the key that it was given."""

    def __init__(self, folder: Path, signer: Signer, log_key: str):
        self.folder, self.signer, self.given = folder, signer, verifier.parse_key(log_key)
        self.keys()

    def keys(self) -> list[tuple]:
        """The log's keys of all epochs, the one in force last. Raises Defect where the key given is none of them."""
        epochs = [verifier.check_epoch(note, signed_note.verifies) for note in self._epochs()]
        keys = [*(epoch["old_key"] for epoch in epochs[:1]), *(epoch["new_key"] for epoch in epochs)] or [self.given]
        if self.given not in keys:
            raise verifier.Defect(f"it is none of the keys of the {len(keys)} epochs that this witness knows")
        return keys

    def add_checkpoint(self, request: str) -> str:
        """The cosignature line for a request. Raises Refusal."""
        header, _, note = request.partition("\n\n")
        old_size, proof = self._read_header(header)
        with self._alone():
            text, size, root = self._read_checkpoint(note)
            if old_size > size:
                raise Refusal(400, f"old {old_size} is above the checkpoint's {size} records: a log never shrinks\n")
            self._check_extends(old_size, size, root, proof)
            line = self.signer.cosign(text)
            self._remember(note + line)
        return line

    def _read_checkpoint(self, note: str) -> tuple[str, int, bytes]:
        """Text, size and root of a checkpoint by the key in force. Raises Refusal."""
        key = self.keys()[-1]
        try:
            text, _ = verifier.check_note(note, key)
            origin, size, root, _ = verifier.parse_checkpoint(text)
        except verifier.Defect as defect:
            raise Refusal(403, f"{defect}\n") from defect
        if origin != key[0]:
            raise Refusal(404, "this witness does not watch that log\n")
        return text, size, root

    def add_epoch(self, request: str) -> str:
        """Take the log's next key: by a note that the key in force signed too, over a tree that extends what was seen.

        A note that is known already is none the worse for coming again. Raises Refusal.
        """
        header, _, note = request.partition("\n\n")
        old_size, proof = self._read_header(header)
        with self._alone():
            if note not in self._epochs():
                epoch = self._read_epoch(note)
                if not epoch["by_old_key"]:
                    raise Refusal(403, "the note is not signed by the key in force: a key cannot name itself\n")
                if epoch["reason"] != "rotation":
                    raise Refusal(403, f"{verifier.loss_of(epoch)}: the operator of this witness acknowledges that\n")
                self._check_extends(old_size, epoch["kept_size"], epoch["kept_root"], proof)
                self._keep_epoch(note)
        return f"epoch {len(self.keys())}\n"

    def acknowledge(self, note: str, *, without_old_key: bool) -> dict:
        """Take an epoch by the operator's act: a restore, or a key whose predecessor is lost. Gives what it says.

        The witness goes back to the last checkpoint that it cosigned of what was kept. Raises Refusal.
        """
        with self._alone():
            epoch = self._read_epoch(note)
            if not epoch["by_old_key"] and not without_old_key:
                raise Refusal(
                    403, "the note is not signed by the key in force. Where that is lost: --without-old-key\n"
                )
            cosigned = self._cosigned()
            self._check_tells_all(epoch, cosigned)
            kept = [entry for entry in cosigned if entry[0] <= epoch["kept_size"]]
            self._append("history", note)
            self._go_back_to(kept[-1][2] if kept else None)
            self._keep_epoch(note)
        return epoch

    def _read_epoch(self, note: str) -> dict:
        """What the note of the epoch that follows the one in force says. Raises Refusal."""
        known = self._epochs()
        try:
            epoch = verifier.check_epoch(note, signed_note.verifies)
        except (verifier.Defect, *verifier.UNREADABLE) as defect:
            raise Refusal(403, f"{defect}\n") from defect
        last = verifier.parse_epoch(known[-1].rpartition("\n\n")[0])["number"] if known else epoch["number"] - 1
        if epoch["old_key"] != self.keys()[-1] or epoch["number"] != last + 1:
            raise Refusal(403, f"epoch {epoch['number']} does not follow the one in force\n")
        return epoch

    def _check_tells_all(self, epoch: dict, cosigned: list[tuple[int, bytes, str]]) -> None:
        """An epoch ends with no less than was cosigned of it, and keeps nothing else than was cosigned."""
        for size, root, _ in cosigned:
            told = {epoch["old_size"]: epoch["old_root"], epoch["kept_size"]: epoch["kept_root"]}.get(size, root)
            if size > epoch["old_size"] or root != told:
                raise Refusal(422, f"the note hides or alters the tree of {size} records that was cosigned here\n")

    def _cosigned(self) -> list[tuple[int, bytes, str]]:
        """(size, root, note) of each cosigned checkpoint that no acknowledged restore took back, oldest first."""
        found: list[tuple[int, bytes, str]] = []
        for note in self._read("history"):
            if note.startswith(verifier.EPOCH_FORMAT):
                kept_size = verifier.parse_epoch(note.rpartition("\n\n")[0])["kept_size"]
                found = [entry for entry in found if entry[0] <= kept_size]
            else:
                _, size, root, _ = verifier.parse_checkpoint(note)
                found.append((size, root, note))
        return found

    def _go_back_to(self, note: str | None) -> None:
        if note:
            self._replace_latest(note)
        else:
            (self.folder / "latest").unlink(missing_ok=True)

    def _epochs(self) -> list[str]:
        return self._read("epochs")

    def _keep_epoch(self, note: str) -> None:
        self._append("epochs", note)

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
        self._append("history", note)
        self._replace_latest(note)

    def _replace_latest(self, note: str) -> None:
        part = self.folder / "latest.part"
        with part.open("w", encoding="utf-8") as stream:
            stream.write(note)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(self.folder / "latest")

    def _append(self, name: str, note: str) -> None:
        with (self.folder / name).open("a", encoding="utf-8") as stream:
            stream.write(f"\n\n{note}\n")
            stream.flush()
            os.fsync(stream.fileno())

    def _read(self, name: str) -> list[str]:
        """The notes of a file that `_append` wrote; what a crash left half written is none and is passed over."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        return NOTES.findall(text)

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
            act = {"/add-checkpoint": witness.add_checkpoint, "/add-epoch": witness.add_epoch}.get(self.path)
            if act is None or not length.isdecimal() or int(length) > LARGEST_REQUEST:
                return self._answer(404, "POST /add-checkpoint or /add-epoch, at most 64 kB\n")
            try:
                self._answer(200, act(self.rfile.read(int(length)).decode()))
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


def acknowledged(witness: Witness, path: Path, *, without_old_key: bool) -> tuple[int, str]:
    """Exit status and words of the operator's act."""
    try:
        note, *more = verifier.split_notes(path.read_text(encoding="utf-8")) or [""]
        if more:
            raise Refusal(400, f"{path} holds {len(more) + 1} epoch notes; acknowledge one at a time")
        epoch = witness.acknowledge(note, without_old_key=without_old_key)
    except (Refusal, OSError, UnicodeDecodeError) as problem:
        return 1, f"witness: nothing was acknowledged: {str(problem).strip()}\n"
    words = (
        f"witness: epoch {epoch['number']} ({epoch['reason']}) is acknowledged, asked for by {epoch['asked_by']} and"
    )
    words += f" accepted by {epoch['accepted_by']}; it goes on from {epoch['kept_size']} of {epoch['old_size']} records"
    return 0, f"{words}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="A witness of an Assay log.")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--name", required=True, help="of this witness, as in its verifier key")
    parser.add_argument("--log-key", help="the log's verifier key")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--print-key", action="store_true", help="print this witness's verifier key and stop")
    parser.add_argument("--acknowledge-epoch", type=Path, metavar="FILE", help="take the epoch of this note and stop")
    parser.add_argument("--without-old-key", action="store_true", help="with it: the old key is lost and did not sign")
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
        witness = Witness(options.folder, signer, options.log_key)
    except verifier.Defect as problem:
        parser.exit(1, f"witness: --log-key: {problem}\n")
    if options.acknowledge_epoch:
        parser.exit(*acknowledged(witness, options.acknowledge_epoch, without_old_key=options.without_old_key))
    try:
        server = serve(witness, options.port)
    except OSError as problem:
        parser.exit(
            1, f"witness: port {options.port} cannot be used ({problem.strerror}): choose another with --port\n"
        )
    server.serve_forever()


if __name__ == "__main__":
    main()
