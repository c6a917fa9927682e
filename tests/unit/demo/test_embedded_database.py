"""The embedded PostgreSQL: its data stay, its server does not, and both root and others can run it."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from subprocess import PIPE

import psycopg
import pytest

from demo import database, ordinary_user

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder():
    """Under /tmp and passable, since PostgreSQL may run as another user; pytest's own folder is private."""
    made = Path(tempfile.mkdtemp(prefix="assay-test-database-"))
    made.chmod(0o755)
    yield made / "postgres"
    shutil.rmtree(made)


def test_data_survive_a_restart_and_the_superuser_needs_its_password(folder):
    first = database.start_postgres(folder)
    with psycopg.connect(first.bootstrap_url) as connection:
        connection.execute("create table kept as select 41 + 1 as answer")
    first.stop()

    second = database.start_postgres(folder)

    with psycopg.connect(second.bootstrap_url) as connection:
        assert connection.execute("select answer from kept").fetchone() == (42,)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(second.bootstrap_url.replace("@", "x@"))
    second.stop()
    assert second.process.poll() is not None


SUPERVISED = """
import sys
from pathlib import Path
from demo.database import start_postgres
from demo.guard import Guard
from demo.programs import embedded_database
from demo.supervisor import Supervisor

server, guard = start_postgres(Path(sys.argv[1])), Guard()
print(server.process.pid, server.bootstrap_url, flush=True)
say = lambda name, sentence: print(f"{name} {sentence}", flush=True)
try:
    Supervisor([embedded_database(server)], logs=Path(sys.argv[1]), guard=guard, say=say).run()
finally:
    server.stop()
    guard.close()
print("last", server.process.pid, server.process.poll(), flush=True)
"""


def test_a_server_that_is_killed_is_named_and_comes_back_at_its_address_with_its_data(folder):
    supervised = subprocess.Popen([sys.executable, "-c", SUPERVISED, folder], stdout=PIPE, text=True, cwd=ROOT)
    pid, url = supervised.stdout.readline().split()
    with psycopg.connect(url) as connection:
        connection.execute("create table kept as select 41 + 1 as answer")

    os.kill(int(pid), signal.SIGKILL)

    kept = wait_for_answer(url, "select answer from kept")
    told = [supervised.stdout.readline() for _ in range(2)] if kept else []
    supervised.terminate()
    rest, _ = supervised.communicate(timeout=30)
    assert kept == (42,)
    assert told[0] == f"database was ended by SIGKILL; starting again in 1 s ({folder}/log)\n"
    assert told[1].startswith("database ready after")
    assert rest.endswith(" 0\n")
    assert pid not in rest


def test_an_address_in_the_environment_starts_nothing(folder):
    environ = {
        "DATABASE_URL": "postgresql://app@bank/assay",
        "BOOTSTRAP_DATABASE_URL": "postgresql://boss@bank/x",
    }

    opened = database.open_database(folder, environ)
    opened.stop()

    assert opened.process is None
    assert opened.bootstrap_url == "postgresql://boss@bank/x"
    assert not folder.exists()


def test_a_server_whose_starter_is_killed_ends_too_and_recovers(folder):
    script = (
        "import sys, time; from pathlib import Path; from demo.database import start_postgres;"
        "server = start_postgres(Path(sys.argv[1])); print(server.process.pid, flush=True); time.sleep(60)"
    )
    starter = subprocess.Popen([sys.executable, "-c", script, folder], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    server_pid = int(starter.stdout.readline())

    starter.send_signal(signal.SIGKILL)
    starter.communicate()

    assert wait_until_gone(server_pid)
    database.start_postgres(folder).stop()


def test_data_of_another_version_are_refused_with_the_way_out(folder):
    database.start_postgres(folder).stop()
    (folder / "data" / "PG_VERSION").write_text("12\n")

    with pytest.raises(database.DatabaseUnavailable, match=r"made by PostgreSQL 12.*move .* away"):
        database.start_postgres(folder)


def test_a_server_that_cannot_start_is_named_with_its_last_words(folder):
    with pytest.raises(database.DatabaseUnavailable, match="no_such_setting"):
        database.start_postgres(folder, {"no_such_setting": "on"})


def test_a_full_disk_is_the_reason_that_is_named_whatever_it_led_to(tmp_path):
    log = tmp_path / "log"
    log.write_text("FATAL: could not write: No space left on device\nPANIC:  cannot abort transaction 1\n")

    assert "No space left" in database._last_words(log)


def test_a_machine_without_postgresql_gets_one_sentence(monkeypatch):
    monkeypatch.setattr(database.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(database.glob, "glob", lambda pattern: [])
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(database.DatabaseUnavailable, match=r"uv sync.*set DATABASE_URL"):
        database.find_programs()


def test_the_machines_own_programs_serve_where_the_wheel_is_missing(folder, monkeypatch):
    if not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        pytest.skip("PostgreSQL is not installed on this machine: apt-get install postgresql")
    monkeypatch.setattr(database.importlib.util, "find_spec", lambda name: None)

    server = database.start_postgres(folder)

    assert "/usr/lib/postgresql" in str(database.find_programs())
    with psycopg.connect(server.bootstrap_url) as connection:
        assert connection.execute("show server_encoding").fetchone() == ("UTF8",)
    server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_root_without_namespaces_runs_it_as_a_system_user(folder, monkeypatch):
    database.start_postgres(folder).stop()
    monkeypatch.setattr(ordinary_user, "_namespaces_work", lambda: False)

    server = database.start_postgres(folder)

    owner = os.stat(f"/proc/{server.process.pid}").st_uid
    server.stop()
    assert owner == ordinary_user.pwd.getpwnam(ordinary_user.FALLBACK_USER).pw_uid
    monkeypatch.undo()
    database.start_postgres(folder).stop()  # and back again


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_root_does_not_open_a_private_home_to_everybody(folder, monkeypatch):
    monkeypatch.setattr(ordinary_user, "_namespaces_work", lambda: False)
    folder.parent.chmod(0o700)

    with pytest.raises(database.DatabaseUnavailable, match=r"chmod o\+x"):
        database.start_postgres(folder)

    assert folder.parent.stat().st_mode & 0o777 == 0o700


def wait_until_gone(pid: int, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.05)
    return False


def wait_for_answer(url: str, query: str, seconds: float = 30) -> tuple | None:
    """The first row, once the server takes connections again; None when it does not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url) as connection:
            return connection.execute(query).fetchone()
        time.sleep(0.1)
    return None
