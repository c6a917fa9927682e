"""What `make demo` says when it cannot start: one sentence, and nothing of ours is left running."""

import os
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from demo import __main__, people
from demo.database import free_port

ROOT = Path(__file__).parents[3]


def start(folder: Path, port: int | str, **environ: str) -> subprocess.CompletedProcess:
    argv = [sys.executable, "-m", "demo", f"--port={port}", "--folder", folder]
    return subprocess.run(argv, cwd=ROOT, env=os.environ | environ, capture_output=True, text=True, timeout=120)


def only_sentence(done: subprocess.CompletedProcess) -> str:
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.fixture
def taken_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_taken_port_is_named_with_another_to_try(tmp_path, taken_port):
    done = start(tmp_path / "demo", taken_port)

    told = only_sentence(done)

    assert f"Port {taken_port}" in told
    assert f"make demo PORT={taken_port + 1}" in told
    assert not (tmp_path / "demo" / "postgres").exists()


@pytest.mark.parametrize("port", ["80000", "65536", "0", "-1", "abc", "8000 8001", "８０００", "-x"])
def test_a_port_that_cannot_be_one_is_refused_with_what_can(tmp_path, port):
    done = start(tmp_path / "demo", port)

    assert f"PORT is a number from 1 to 65535, got {port!r}: try `make demo PORT=8001`" in only_sentence(done)
    assert not (tmp_path / "demo").exists()


def test_a_port_that_the_environment_names_is_checked_too(monkeypatch, capsys):
    monkeypatch.setenv("ASSAY_DEMO_PORT", "none")
    monkeypatch.setattr(sys, "argv", ["demo"])

    code = __main__.main()

    assert (code, "got 'none'" in capsys.readouterr().err) == (1, True)


@pytest.mark.parametrize(("port", "another"), [(8000, 8001), (80, 8001), (65535, 8001), (65534, 65535)])
def test_another_port_is_one_that_anybody_may_have(port, another):
    assert __main__.another_port(port) == another


def test_a_demo_that_runs_already_is_named_with_its_address(tmp_path):
    folder = tmp_path / "demo"
    holder = (
        "import sys, time; from pathlib import Path; from demo import environment; from demo.__main__ import only_one\n"
        "folder = Path(sys.argv[1]); environment.make_folders(folder)\n"
        "with only_one(folder, 0): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", holder, folder], cwd=ROOT, stdout=subprocess.PIPE, text=True) as first:
        first.stdout.readline()

        done = start(folder, free_port())

        first.kill()
    assert f"process {first.pid}" in only_sentence(done)


def test_a_database_that_is_set_half_is_refused_before_anything_starts(tmp_path):
    done = start(
        tmp_path / "demo", free_port(), DATABASE_URL="postgresql://app:x@127.0.0.1:1/assay", MIGRATOR_DATABASE_URL=""
    )

    assert "MIGRATOR_DATABASE_URL is not" in only_sentence(done)


def test_a_step_that_fails_is_named_with_its_last_words_and_its_log(tmp_path):
    nowhere = "postgresql://{}:x@127.0.0.1:1/assay"

    done = start(
        tmp_path / "demo",
        free_port(),
        DATABASE_URL=nowhere.format("app"),
        MIGRATOR_DATABASE_URL=nowhere.format("migrator"),
        BOOTSTRAP_DATABASE_URL="",
    )

    told = only_sentence(done)
    assert "Setting up the portal failed: " in told
    assert "connection" in told
    assert "setup.log" in told


def test_a_folder_that_may_not_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()

    done = start(tmp_path / "file" / "demo", free_port())

    assert str(tmp_path / "file") in only_sentence(done)


def test_too_small_a_disk_is_named_before_anything_starts(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(__main__, "BYTES_NEW", 10**15)
    monkeypatch.setattr(sys, "argv", ["demo", f"--port={free_port()}", f"--folder={tmp_path / 'demo'}"])

    code = __main__.main()

    assert code == 1
    assert "GB are needed there: free some space" in capsys.readouterr().err
    assert not (tmp_path / "demo" / "postgres").exists()


def test_passwords_are_random_kept_and_for_our_eyes_only(tmp_path):
    made = people.passwords_in(tmp_path / "people.txt")
    again = people.passwords_in(tmp_path / "people.txt")
    other = people.passwords_in(tmp_path / "other.txt")

    assert again == made
    assert not set(made.values()) & set(other.values())
    assert all(len(password) >= 12 for password in made.values())
    assert stat.S_IMODE((tmp_path / "people.txt").stat().st_mode) == 0o600


def test_there_is_somebody_for_each_role_and_the_file_says_who_is_who(tmp_path):
    passwords = people.passwords_in(tmp_path / "people.txt")

    rows = [re.split(" {2,}", line)[:4] for line in (tmp_path / "people.txt").read_text().splitlines()]

    roles = {"owner", "developer", "validator", "officer", "committee", "auditor", "administrator"}
    assert {colleague.role for colleague in people.PEOPLE} == roles
    assert rows == [
        ["who", "role", "user name", "password"],
        *([c.full_name, c.role, c.username, passwords[c.username]] for c in people.PEOPLE),
    ]


def test_passwords_that_an_earlier_demo_kept_stay_and_newcomers_get_theirs(tmp_path):
    kept = tmp_path / "people.txt"
    kept.write_text(f"{people.PEOPLE[0].username} of-an-earlier-day\n")

    passwords = people.passwords_in(kept)

    assert passwords[people.PEOPLE[0].username] == "of-an-earlier-day"
    assert len(set(passwords.values())) == len(people.PEOPLE)
    assert "of-an-earlier-day" in kept.read_text()


def test_the_people_are_listed_until_they_were_shown_whole_and_when_they_changed(tmp_path, capsys, monkeypatch):
    def announced() -> str:
        __main__.welcome(tmp_path, 8000)
        return capsys.readouterr().out

    def interrupted(line: str = "", **options) -> None:
        if people.PEOPLE[2].full_name in line:
            raise KeyboardInterrupt

    people.passwords_in(tmp_path / "people.txt")
    with monkeypatch.context() as patch:
        patch.setattr("builtins.print", interrupted)
        with pytest.raises(KeyboardInterrupt):
            __main__.welcome(tmp_path, 8000)

    first, second = announced(), announced()
    (tmp_path / "people.txt").write_text("somebody else\n")
    changed = announced()

    assert people.PEOPLE[-1].full_name in first
    assert people.PEOPLE[0].full_name not in second
    assert "somebody else" in changed
    assert all(str(tmp_path / "people.txt") in told for told in (first, second, changed))


def test_passwords_that_are_gone_are_not_made_up_anew(tmp_path):
    (tmp_path / "set-up-by").write_text("an earlier start")

    with pytest.raises(__main__.CannotStart, match=r"passwords are gone: put .*people\.txt back, or delete"):
        __main__.set_up({}, tmp_path)
