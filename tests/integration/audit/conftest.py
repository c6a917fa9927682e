"""A log of the test's own: key, checkpoint file, artefact folder; and an outsider who has the verifier only."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from django.db import transaction

from accounts import services
from audit import checkpoints, effects, export, verification
from audit.models import SealedRecord
from audit.services import attach

ROOT = Path(__file__).resolve().parents[3]
VERIFIER = ROOT / "audit" / "verifier.py"
SYSTEM_PYTHON = next(path for path in ("/usr/bin/python3", sys._base_executable) if Path(path).exists())


class Log:
    """The log as its keepers use it, and as somebody checks it who has neither portal nor database."""

    def __init__(self, folder: Path, signer):
        self.folder, self.signer = folder, signer
        self.checkpoint_file = folder / "checkpoints.log"
        self.key = signer.verifier_key

    def write(self, count: int, prefix: str = "unit") -> list:
        """`count` units, each in a transaction of its own."""
        return [
            services.add_unit(code=f"{prefix}-{number}", name=f"{prefix} {number}", parent=None, by=None)
            for number in range(count)
        ]

    def checkpoint(self):
        return checkpoints.checkpoint_if_needed(self.signer)

    def receipt(self, position: int) -> Path:
        """A receipt as a reader keeps it: a file outside the portal."""
        path = self.folder / f"receipt-{position}-{time.monotonic_ns()}.json"
        path.write_text(json.dumps(checkpoints.receipt_for(position).as_json()))
        return path

    def export(self, trail: str | None = None, receipts: tuple[Path, ...] = ()) -> Path:
        path = self.folder / f"export-{time.monotonic_ns()}.zip"
        sizes = [size_of(json.loads(receipt.read_text())) for receipt in receipts]
        with path.open("wb") as stream:
            export.export_trail(stream, trail=trail, receipt_sizes=sizes)
        return path

    def verify(self) -> verification.Verdict:
        return verification.verify_log(self.key, checkpoint_file=self.checkpoint_file)

    def verify_offline(self, exported: Path, receipts=(), witnesses=(), key: str | None = None):
        """Run the verifier as an outsider does: the machine's own Python, nothing of ours to import."""
        arguments = [str(exported), "--key", key or self.key]
        arguments += [word for receipt in receipts for word in ("--receipt", str(receipt))]
        arguments += [word for witness in witnesses for word in ("--witness", witness)]
        return subprocess.run(
            [SYSTEM_PYTHON, "-I", "-S", str(VERIFIER), *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env={},
        )

    def manage(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ
            | {
                "ASSAY_CHECKPOINT_KEY_FILE": str(self.folder / "log.key"),
                "ASSAY_CHECKPOINT_FILE": str(self.checkpoint_file),
                "ASSAY_ARTEFACT_ROOT": str(self.folder / "artefacts"),
            },
        )

    def file(self, words: bytes, unit, role: str = "report", **more):
        """A file that hangs on `unit` and on the unit's trail."""
        sha256, _ = effects.keep([words])
        with transaction.atomic():
            return attach(
                sha256=sha256,
                media_type="text/plain",
                name=f"{role}.txt",
                role=role,
                subject=unit,
                trail=unit,
                inputs={},
                code_version="test",
                **more,
            )

    @property
    def size(self) -> int:
        return SealedRecord.objects.count()


def size_of(receipt: dict) -> int:
    return int(receipt["checkpoint"].split("\n")[1])


@pytest.fixture
def log(db, settings, tmp_path) -> Log:
    settings.CHECKPOINT_KEY_FILE = str(tmp_path / "log.key")
    settings.CHECKPOINT_FILE = str(tmp_path / "checkpoints.log")
    settings.ARTEFACT_ROOT = tmp_path / "artefacts"
    return Log(tmp_path, checkpoints.log_signer())


class WitnessProcess:
    """`python -m audit.witness` on a free port."""

    def __init__(self, folder: Path, log_key: str):
        self.folder, self.log_key = folder, log_key
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "audit.witness", "--folder", str(self.folder), "--name", "witness.example"),
                *("--log-key", self.log_key, "--port", str(self.port)),
            ],
            cwd=ROOT,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                self.key = httpx.get(self.url).text.strip()
                return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("the witness did not answer within 20 s")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def ask(
        self, old_size: int, note: str, proof: tuple[str, ...] = (), *, address: str = "add-checkpoint"
    ) -> httpx.Response:
        lines = "".join(f"{line}\n" for line in (f"old {old_size}", *proof))
        return httpx.post(f"{self.url}/{address}", content=f"{lines}\n{note}".encode())


@pytest.fixture
def witness(log, settings, tmp_path):
    process = WitnessProcess(tmp_path / "witness", log.key)
    settings.WITNESS_URLS, settings.WITNESS_KEYS = [process.url], [process.key]
    checkpoints._last_seen_by.clear()
    yield process
    process.kill()
    shutil.rmtree(process.folder, ignore_errors=True)
