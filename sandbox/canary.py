"""Prove at worker start that the sandbox holds: a hostile program tries, and must fail at everything."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import bubblewrap, launch
from .limits import MIB, Limits
from .outcomes import Finished, SandboxUnavailable

PROGRAM = bubblewrap.PACKAGE / "inside" / "canary.py"
LIMITS = Limits(wall_seconds=20, cpu_seconds=10, processes=24, address_bytes=512 * MIB, output_bytes=MIB)
# What the interpreter and bubblewrap add by themselves to the environment that they are given.
_ADDED_VARIABLES = ("PWD", "LC_CTYPE")

ATTEMPTS = {
    "hold_rights": "keep a right of the administrator",
    "read_accounts": "read the host's list of accounts",
    "read_secret_file": "read a private file of the worker",
    "look_into_homes": "look into the home of a person",
    "read_environment": "read the worker's environment, where secrets are",
    "see_other_processes": "see processes of the host",
    "connect_to_host": "open a connection to this machine over TCP",
    "connect_to_host_by_name": "open a connection to this machine over a named socket",
    "write_elsewhere": "write outside its output folder",
    "overfill_output": "write more output than allowed",
    "make_user_namespace": "make a user namespace of its own",
    "take_memory": "take more memory than allowed",
    "fork_without_end": "start more processes than allowed",
}


@dataclass(frozen=True)
class Attempt:
    """One thing the canary tried; `reached` is empty, or it would not be in a report."""

    name: str
    sentence: str
    reached: str


@dataclass(frozen=True)
class CanaryReport:
    """Proof that this machine isolates: which bubblewrap, how it runs, what was tried, seconds it took."""

    bubblewrap: Path
    version: str
    runs_as: str
    attempts: tuple[Attempt, ...]
    seconds: float

    @property
    def sentence(self) -> str:
        return (
            f"The sandbox ({self.version}, {self.runs_as}) withstood "
            f"{len(self.attempts)} attempts to get out in {self.seconds:.1f} s."
        )


def prove_sandbox() -> CanaryReport:
    """Run the canary once. Raises SandboxUnavailable, naming each attempt that got through."""
    program = bubblewrap.find_bubblewrap()
    with _bait() as orders, tempfile.TemporaryDirectory(prefix="assay-canary-") as folder:
        outcome = launch.launch(
            PROGRAM, arguments=[json.dumps(orders)], model=Path(folder), inputs=Path(folder), limits=LIMITS
        )
    if not isinstance(outcome, Finished):
        raise SandboxUnavailable(f"The sandbox could not be proved: {outcome.sentence}")
    attempts = _attempts(json.loads(outcome.files["canary.json"]))
    if escaped := [attempt for attempt in attempts if attempt.reached]:
        raise SandboxUnavailable(_escape_words(escaped))
    return CanaryReport(program, _version(program), _runs_as(), attempts, outcome.seconds)


def _attempts(reached: dict[str, str]) -> tuple[Attempt, ...]:
    return tuple(Attempt(name, sentence, reached[name]) for name, sentence in ATTEMPTS.items())


def _escape_words(escaped: list[Attempt]) -> str:
    named = "; ".join(f"{attempt.sentence} ({attempt.reached})" for attempt in escaped)
    return (
        f"The sandbox does not hold on this machine, so no model is loaded. A test program could: {named}. "
        "Ask whoever runs this machine to look at bubblewrap and the kernel's namespaces."
    )


@contextmanager
def _bait() -> Iterator[dict]:
    """Things worth stealing: two listening sockets and a secret file; yields the orders for the canary."""
    name = f"assay-canary-{secrets.token_hex(8)}"
    with (
        socket.create_server(("127.0.0.1", 0)) as by_port,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as by_name,
        tempfile.NamedTemporaryFile(prefix="assay-secret-") as secret,
    ):
        by_name.bind("\0" + name)
        by_name.listen()
        os.chmod(secret.name, 0o644)  # readable by anyone, so that only the mounts protect it
        yield {
            "port": by_port.getsockname()[1],
            "abstract_name": name,
            "secret_files": [secret.name],
            "homes": _homes(),
            "environment": [*bubblewrap.clean_environment(LIMITS), *_ADDED_VARIABLES],
            "read_only": ["/", "/model", "/in", "/assay/sandbox", "/usr/lib", "/dev", *_prefixes()],
            "output_bytes": LIMITS.output_bytes,
            "address_bytes": LIMITS.address_bytes,
            "processes": LIMITS.processes,
        }


def _homes() -> dict[str, list[str]]:
    homes = {str(Path.home()), "/root", "/home"}
    return {home: [_step(home, prefix) for prefix in _prefixes() if prefix.startswith(home + "/")] for home in homes}


def _step(home: str, prefix: str) -> str:
    return Path(prefix).relative_to(home).parts[0]


def _prefixes() -> list[str]:
    return [str(path) for path in bubblewrap.interpreter_prefixes()]


def _version(program: Path) -> str:
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=10)  # noqa: S603
    return answer.stdout.strip()


def _runs_as() -> str:
    return "in a user namespace" if bubblewrap.unprivileged_id() is None else "under a user id of its own"
