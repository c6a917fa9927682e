"""A real Redis that forgets everything when it dies: what a broker may do to us at any moment."""

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from demo.children import start_child, stop_child
from demo.database import free_port
from tests.services.missing import ServiceMissing

START_SECONDS = 10


@dataclass
class RedisServer:
    """One server on one port; `start()` after `stop()` or `kill()` comes back on the same port, empty."""

    port: int
    folder: Path
    process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and wait until it answers PING."""
        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", self.folder]
        options += ["--save", "", "--appendonly", "no", "--databases", "64"]
        argv = [shutil.which("redis-server"), *options]
        self.process = start_child(argv, log=self.folder / "log", death_signal=signal.SIGKILL)
        self._wait_until_ready()

    def stop(self) -> None:
        """Stop it in good order; doing so twice is harmless. Clients lose their connections."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Stop it as a power cut would."""
        self._end(signal.SIGKILL)

    def remove(self) -> None:
        """Stop it for good and take its folder away."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, number: signal.Signals) -> None:
        if self.process:
            stop_child(self.process, first=number)
            self.process = None

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if self._answers():
                return
            time.sleep(0.02)
        said = (self.folder / "log").read_text(errors="replace")[-2000:]
        self.stop()
        raise RuntimeError(f"redis-server did not start on port {self.port}; it said:\n{said}")

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def start_redis() -> RedisServer:
    """Start a Redis of our own on a free port, its files in a folder of its own.

    Raises ServiceMissing where there is no redis-server.
    """
    if shutil.which("redis-server") is None:
        raise ServiceMissing("redis-server is not on this machine: `apt-get install redis-server`.")
    server = RedisServer(port=free_port(), folder=Path(tempfile.mkdtemp(prefix="assay-redis-")))
    server.start()
    return server
