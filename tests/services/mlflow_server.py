"""A real MLflow tracking server with a registry, and real models put into it."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from demo.children import start_child, stop_child
from demo.database import free_port

START_SECONDS = 90
PROGRAM = Path(sys.executable).with_name("mlflow")


@dataclass
class MlflowServer:
    """`url` is the tracking URI; artefacts are served by the server itself."""

    url: str
    folder: Path
    process: subprocess.Popen

    @property
    def artefacts(self) -> Path:
        """Where the server keeps its files, for tests that alter one behind its back."""
        return self.folder / "artefacts"

    def stop(self) -> None:
        stop_child(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)


def start_mlflow() -> MlflowServer:
    """Start a server on a free port and wait until it answers."""
    folder, port = Path(tempfile.mkdtemp(prefix="assay-mlflow-")), free_port()
    argv = [PROGRAM, "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    argv += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", folder / "artefacts"]
    env = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "DO_NOT_TRACK": "true"}
    process = start_child(argv, log=folder / "log", env=env, cwd=folder)
    server = MlflowServer(f"http://127.0.0.1:{port}", folder, process)
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.process.poll() is None:
        try:
            if httpx.get(f"{server.url}/health", timeout=1, trust_env=False).status_code == 200:
                return server
        except httpx.HTTPError:
            time.sleep(0.3)
    said = (folder / "log").read_text()[-2000:]
    server.stop()
    raise RuntimeError(f"mlflow server did not start:\n{said}")
