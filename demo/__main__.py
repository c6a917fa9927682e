"""`make demo`: the portal with everything around it on this machine, until Ctrl-C.

It says what it does while it does it, keeps everything in var/demo, and ends in one sentence when it cannot.
"""

import argparse
import fcntl
import hashlib
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from demo import environment, preflight
from demo.database import DatabaseUnavailable, open_database
from demo.environment import EnvironmentIncomplete
from demo.guard import Guard
from demo.programs import ROOT, programs
from demo.supervisor import Supervisor

PORT = 8000
NEEDS = "500 MB"
BYTES_NEW, BYTES_MADE = 500_000_000, 50_000_000  # measured: 172 MB on the first day


class CannotStart(Exception):
    """What happened, why, and what to do next, in one sentence."""


def main() -> int:
    """Exit code 0 after an orderly stop."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__.splitlines()[0])
    parser.add_argument("--port", default=os.environ.get("ASSAY_DEMO_PORT", str(PORT)))
    parser.add_argument("--folder", type=Path, default=ROOT / "var" / "demo")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # until the supervisor takes over
    folder = options.folder.resolve()
    try:
        port = port_number(options.port)
        environment.make_folders(folder)
        with only_one(folder, port):
            preflight.check_disk(str(folder), BYTES_MADE if (folder / "set-up-by").exists() else BYTES_NEW)
            run(folder, port)
    except (CannotStart, DatabaseUnavailable, EnvironmentIncomplete, preflight.Refusal) as refusal:
        return refuse(disk_first(str(refusal), folder))
    except OSError as error:
        return refuse(preflight.in_words(error, folder, NEEDS))
    except KeyboardInterrupt:
        say("demo", "stopped")
    return 0


def disk_first(sentence: str, folder: Path) -> str:
    """Whatever failed, a full disk is the reason to name."""
    is_full = "No space left on device" in sentence or "DiskFull" in sentence
    return preflight.NO_SPACE.format(folder=folder, need=NEEDS) if is_full else sentence


def refuse(sentence: str) -> int:
    print(f"assay: {sentence}", file=sys.stderr)
    return 1


def say(name: str, sentence: str) -> None:
    print(f"{name:>14} | {sentence}", flush=True)


@contextmanager
def only_one(folder: Path, port: int) -> Iterator[None]:
    """Hold the folder for ourselves, and refuse a port that somebody else has."""
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise CannotStart(f"The demo runs already, at {lock.read().strip()}; stop that one first.") from None
        check_free(port)
        lock.truncate(0)
        lock.write(f"http://127.0.0.1:{port}/ (process {os.getpid()})\n")
        lock.flush()
        yield


def port_number(given: str) -> int:
    """The port that was asked for, as a number that a port can have."""
    if not (given.isascii() and given.isdigit() and 0 < int(given) < 65536):
        raise CannotStart(f"PORT is a number from 1 to 65535, got {given!r}: try `make demo PORT={PORT + 1}`.")
    return int(given)


def check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise CannotStart(
                f"Port {port} is kept for the administrator: choose another with `make demo PORT={another_port(port)}`."
            ) from None
        except OSError as error:
            raise CannotStart(
                f"Port {port} of 127.0.0.1 cannot be had ({error.strerror}): stop the program that uses it, or "
                f"choose another with `make demo PORT={another_port(port)}`."
            ) from None


def another_port(port: int) -> int:
    """The next one, where there is one that anybody may use."""
    return port + 1 if 1024 <= port < 65535 else PORT + 1


def run(folder: Path, port: int) -> None:
    """Database, migrations, people; then everything else under the supervisor. All of it ends with us."""
    given = dict(os.environ)
    database, guard = None, Guard()
    try:
        say("demo", "using the database of DATABASE_URL" if given.get("DATABASE_URL") else "starting PostgreSQL")
        database = open_database(folder / "postgres", given)
        if database.process:
            guard.watch(database.process.pid, signal.SIGINT)
        environ = environment.build(folder, database.bootstrap_url, given=given)
        set_up(environ, folder)
        introduce = partial(welcome, folder, port)
        children = programs(environ, port=port, given=given, web_is_ready=introduce, database=database)
        Supervisor(children, logs=folder / "logs", guard=guard, say=say).run()
    finally:
        # A second Ctrl-C must not leave a half-stopped database.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if database:
            database.stop()
        guard.close()
    say("demo", "everything has stopped")


def set_up(environ: dict[str, str], folder: Path) -> None:
    """What must be over before a page can be served; nothing, where it was done by this very code before."""
    table, marker, wanted = folder / "people.txt", folder / "set-up-by", fingerprint(environ)
    if marker.exists() and not table.exists():
        raise CannotStart(f"The people's passwords are gone: put {table} back, or delete {folder} to start anew.")
    if marker.exists() and marker.read_text() == wanted:
        return
    log = folder / "logs" / "setup.log"
    if step_by_step([sys.executable, "manage.py", "demo_setup", str(table)], environ, log):
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
        last = lines[-1].rstrip(".") if lines else "it said nothing"
        raise CannotStart(f"Setting up the portal failed: {last}. The whole output is in {log}.")
    marker.write_text(wanted)


def step_by_step(argv: list[str], environ: dict[str, str], log: Path) -> int:
    """Run `argv`, say what it says, keep in `log` what it complains of; its exit code. It ends when we are stopped."""
    with log.open("w") as errors:
        step = subprocess.Popen(argv, env=environ, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True)  # noqa: S603
    try:
        for line in step.stdout:
            say("demo", line.strip())
        return step.wait()
    except KeyboardInterrupt:
        step.terminate()
        step.wait()
        raise


def fingerprint(environ: dict[str, str]) -> str:
    """Of the code that setting up runs and of whom it sets up for. One's own servers may change: never the same."""
    if "ASSAY_EMBEDDED_DATABASE" not in environ:
        return secrets.token_hex()
    digest = hashlib.sha256(environ["ASSAY_DEMO_APP_PASSWORD"].encode())
    patterns = ("uv.lock", "*/migrations/*.py", "*/sql/*.sql", "*/management/commands/*.py", "static/**/*")
    for path in sorted(path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()):
        digest.update(f"{path.relative_to(ROOT)} {path.stat().st_size}".encode() + path.read_bytes())
    for path in (ROOT / "demo" / "people.py", ROOT / "portal" / "settings.py", ROOT / "audit" / "governed.py"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def welcome(folder: Path, port: int) -> None:
    """The address and where the people are listed; the list itself until it was shown once, and when it changed."""
    table, shown = folder / "people.txt", folder / "people.shown"
    print(f"\n  Assay runs at http://127.0.0.1:{port}/ (Ctrl-C stops everything)", flush=True)
    print(f"  Who can sign in, and how: {table}\n", flush=True)
    digest = hashlib.sha256(table.read_bytes()).hexdigest()
    if shown.exists() and shown.read_text() == digest:
        return
    for line in table.read_text().splitlines():
        print(f"    {line}")
    print(flush=True)
    shown.write_text(digest)


if __name__ == "__main__":
    sys.exit(main())
