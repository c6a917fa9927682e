"""The portal itself, as a server of its own on a free port: for whatever must come in over a socket."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from demo.children import start_child, stop_child
from demo.database import free_port
from demo.programs import answers

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120  # on a busy machine


@dataclass
class WebServer:
    url: str
    process: subprocess.Popen

    def stop(self) -> None:
        stop_child(self.process, first=signal.SIGTERM)


def start_web(log: Path) -> WebServer:
    """Serve the portal on the database and the broker that the environment names, until `stop()`."""
    port = free_port()
    argv = [Path(sys.executable).with_name("granian"), "--interface", "wsgi", "--host", "127.0.0.1"]
    argv += ["--port", str(port), "--workers", "1", "--blocking-threads", "4", "portal.wsgi:application"]
    server = WebServer(f"http://127.0.0.1:{port}", start_child(argv, log=log, env=os.environ, cwd=ROOT))
    is_up, until = answers(f"{server.url}/health/?part=database"), time.monotonic() + START_SECONDS
    while not is_up():
        if server.process.poll() is not None or time.monotonic() > until:
            server.stop()
            raise RuntimeError(f"the portal did not start; it said:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.2)
    return server
