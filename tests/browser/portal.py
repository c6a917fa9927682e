"""The whole portal for browser tests: the demonstration's own programs on the tests' PostgreSQL and a real Redis."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from django.db import connections

from demo import environment, programs
from demo.children import start_child, stop_child
from demo.database import free_port
from tests.conftest import ROOT, name_everything

PATIENCE = 240  # seconds; a busy machine takes long to import a worker
STARTED = ("web", "witness", "checkpointer", "scheduler", "worker-default", "worker-ml")


class TookTooLong(AssertionError):
    """What was waited for, and what the processes said meanwhile."""


@dataclass
class Portal:
    """One running portal. `shared` keeps what tests of one session may use of each other's work."""

    url: str
    folder: Path
    environ: dict[str, str]
    server_url: str
    database: str
    running: dict[str, subprocess.Popen] = field(default_factory=dict)
    shared: dict[str, str] = field(default_factory=dict)

    def start(self, argv: list, name: str) -> subprocess.Popen:
        log = self.folder / "logs" / f"{name}.log"
        self.running[name] = start_child(argv, log=log, env=self.environ, cwd=ROOT)
        return self.running[name]

    def stop(self) -> None:
        """Leaders first, all at once: a pool whose children were told with it waits for answers that never come."""
        for process in self.running.values():
            process.terminate()
        self.wait("everything stops", lambda: all(p.poll() is not None for p in self.running.values()), seconds=20)
        for process in reversed(self.running.values()):
            stop_child(process)

    def wait(self, what: str, is_true: Callable[[], object], *, seconds: float = PATIENCE):
        """The first true answer of `is_true`. Raises TookTooLong with what the processes said."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if answer := is_true():
                return answer
            time.sleep(0.3)
        raise TookTooLong(f"{what}: not after {seconds:g} s\n{self.said()}")

    def said(self) -> str:
        """The last lines of every process's log."""
        logs = sorted((self.folder / "logs").glob("*.log"))
        return "\n".join(f"--- {log.stem}\n{log.read_text(errors='replace')[-1500:]}" for log in logs)

    def by_service(self, work: Callable):
        """Run `work` against the portal's database, in a thread: Playwright's loop runs in this one."""

        def in_thread():
            name_everything(self.server_url, self.database)
            try:
                return work()
            finally:
                connections.close_all()

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(in_thread).result()

    def models(self) -> dict[str, dict]:
        """What was trained and put into the MLflow registry, by name; waits for the training."""
        trained = self.running["credit"]
        self.wait("the models are trained", lambda: trained.poll() is not None)
        assert trained.returncode == 0, self.said()
        content = json.loads((self.folder / "bank" / "models.json").read_text())
        return {model["name"]: model | {"shifts": content["shifts"]} for model in content["models"]}

    def client(self) -> httpx.Client:
        """REST with a token of the pipeline's account, made for this session."""
        if "token" not in self.shared:
            self.shared["token"] = self.by_service(make_token)
        headers = {"Authorization": f"Bearer {self.shared['token']}"}
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=60, trust_env=False)


def make_token() -> str:
    from tests.cast import load_cast, token_of_service

    cast = load_cast()
    scopes = ["models:write", "monitoring:write"]
    _, secret = token_of_service(cast.pipeline, name="browser tests", scopes=scopes, unit=cast.retail)
    return secret


def start_portal(folder: Path, server_url: str, database: str, given: dict[str, str]) -> Portal:
    """Start everything and wait until the page answers; models are trained meanwhile."""
    environment.make_folders(folder)
    environ = environment.build(folder, None, given=given)
    environ["ASSAY_LOG_ROOTS"] = f"retail={environ['ASSAY_DEMO_BANK']}"  # the cast's models are of that unit
    port = free_port()
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput", "-v", "0"], cwd=ROOT, env=environ, check=True
    )
    portal = Portal(f"http://127.0.0.1:{port}", folder, environ, server_url, database)
    known = {p.name: p for p in programs.programs(environ, port=port, given=given, web_is_ready=lambda: None)}
    portal.start(known["credit"].argv, "credit")
    for name in STARTED:
        portal.start(known[name].argv, name)
    portal.wait("the portal answers", known["web"].ready)
    return portal
