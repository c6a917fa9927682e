"""The supervisor, with real processes: it restarts what crashes and leaves nobody behind, however it ends."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from demo.children import signal_group

ROOT = Path(__file__).parents[3]
SLEEPER = "import time; print('awake', flush=True); time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + SLEEPER
PARENT_OF_DEAF = (
    "import subprocess, sys, time;"
    f"child = subprocess.Popen([sys.executable, '-c', {DEAF!r}]);"
    "print('child', child.pid, flush=True); time.sleep(600)"
)
HARNESS = """
import json, re, sys, time
from pathlib import Path
from demo import supervisor
from demo.guard import Guard

supervisor.FIRST_PAUSE_SECONDS = 0.1
logs = Path(sys.argv[1])

def program(name, code, ready_file=None, **options):
    if "echo" in options:
        options["echo"] = re.compile(options["echo"])
    if ready_file:
        options["ready"] = Path(ready_file).exists
    return supervisor.Program(name, [sys.executable, "-c", code], **options)

programs = [program(**described) for described in json.loads(sys.argv[2])]
guard = Guard()
say = lambda name, sentence: print(f"{time.monotonic():.3f} {name}: {sentence}", flush=True)
supervisor.Supervisor(programs, logs=logs, guard=guard, say=say).run()
guard.close()
"""


class Harness:
    """A supervisor in a process of its own, and what it says."""

    def __init__(self, folder: Path, *programs: dict) -> None:
        self.folder = folder
        self.said: list[str] = []
        argv = [sys.executable, "-c", HARNESS, folder, json.dumps(programs)]
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=ROOT)

    def wait_for(self, pattern: str) -> re.Match:
        for line in self.process.stdout:
            self.said.append(line)
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"it never said {pattern!r}, but: {''.join(self.said)}")

    def logged(self, name: str, pattern: str, seconds: float = 10) -> re.Match:
        """What the program `name` wrote, once it has written something like `pattern`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            log = self.folder / f"{name}.log"
            if log.exists() and (found := re.search(pattern, log.read_text())):
                return found
            time.sleep(0.05)
        raise AssertionError(f"{name} never wrote {pattern!r}")

    def pid_of(self, name: str) -> int:
        """The process group that the supervisor leads as `name`, found by its log file."""
        for status in Path("/proc").glob("[0-9]*/fd/1"):
            pid = int(status.parts[2])
            try:
                leads = os.getpgid(pid) == pid and os.readlink(status) == str(self.folder / f"{name}.log")
            except OSError:
                continue
            if leads:
                return pid
        raise AssertionError(f"{name} is not running")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> str:
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=30)
        return "".join(self.said) + rest


@pytest.fixture
def supervise(tmp_path):
    harnesses = []

    def start(*programs):
        harnesses.append(Harness(tmp_path, *programs))
        return harnesses[-1]

    yield start
    for harness in harnesses:
        if harness.process.poll() is None:
            harness.process.kill()
            harness.process.communicate()


def test_a_program_starts_only_when_what_it_needs_is_ready(supervise, tmp_path):
    ready = tmp_path / "ready"
    supervised = supervise(
        {"name": "web", "code": SLEEPER, "ready_file": str(ready)},
        {"name": "worker", "code": SLEEPER, "needs": ["web"]},
    )
    supervised.logged("web", "awake")
    time.sleep(0.5)
    assert not (tmp_path / "worker.log").exists()

    ready.touch()

    supervised.wait_for(r"web: ready after \d")
    supervised.wait_for("worker: started")
    assert supervised.stop().count("ready after") == 1


def test_a_crashed_program_is_started_again_with_growing_pauses(supervise):
    supervised = supervise({"name": "frail", "code": "raise SystemExit(7)"})

    pauses = [supervised.wait_for(r"frail: ended with code 7; starting again in ([\d.]+) s").group(1) for _ in range(3)]

    assert pauses == ["0.1", "0.2", "0.4"]
    supervised.stop()


def test_a_program_that_somebody_killed_comes_back(supervise):
    supervised = supervise({"name": "web", "code": SLEEPER})
    supervised.wait_for("web: started")
    first = supervised.pid_of("web")

    os.kill(first, signal.SIGKILL)

    supervised.wait_for("web: was ended by SIGKILL")
    supervised.wait_for("web: started")
    assert supervised.pid_of("web") != first
    supervised.stop()


def test_work_done_once_is_tried_until_it_succeeds_and_then_let_be(supervise, tmp_path):
    code = (
        "from pathlib import Path; tries = Path('tries');"
        "tries.write_text((tries.read_text() if tries.exists() else '') + 'x');"
        "raise SystemExit(0 if len(tries.read_text()) == 2 else 1)"
    )
    supervised = supervise(
        {"name": "bank", "code": code, "once": True, "cwd": str(tmp_path)},
        {"name": "after", "code": SLEEPER, "needs": ["bank"]},
    )

    supervised.wait_for("after: started")
    time.sleep(0.5)

    assert (tmp_path / "tries").read_text() == "xx"
    assert supervised.stop().count("bank: ended with code 1") == 1


def test_work_that_fails_every_time_is_given_up(supervise):
    supervised = supervise({"name": "bank", "code": "raise SystemExit(3)", "once": True})

    supervised.wait_for(r"bank: ended with code 3, the 5th time; given up\. Its log: .*bank\.log")
    time.sleep(0.5)

    assert supervised.stop().count("bank: started") <= 5


def test_a_server_is_left_to_stop_its_own_workers(supervise):
    code = (
        "import signal, subprocess, sys, time;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "end = lambda *_: (print('child', child.poll(), flush=True), child.kill(), sys.exit());"
        "signal.signal(signal.SIGTERM, end); print('awake', flush=True); time.sleep(600)"
    )
    supervised = supervise({"name": "pool", "code": code})
    supervised.logged("pool", "awake")

    supervised.stop()

    assert supervised.logged("pool", r"child (\S+)").group(1) == "None"


def test_only_the_lines_that_matter_reach_the_terminal(supervise):
    code = f"print('noise', flush=True); print('KEY 42', flush=True); {SLEEPER}"
    supervised = supervise({"name": "web", "code": code, "echo": "^KEY"})

    supervised.wait_for("web: KEY 42")

    assert "noise" not in supervised.stop()
    assert "noise" in (supervised.folder / "web.log").read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_polite_signal_stops_everything_dependents_first(supervise, number):
    says_goodbye = (
        "import signal, sys, time;"
        "end = lambda *_: sys.exit(print(f'end {time.monotonic():.3f}', flush=True));"
        "signal.signal(signal.SIGTERM, end);" + SLEEPER
    )
    supervised = supervise(
        {"name": "first", "code": says_goodbye}, {"name": "last", "code": says_goodbye, "needs": ["first"]}
    )
    supervised.logged("first", "awake")
    supervised.logged("last", "awake")
    groups = [supervised.pid_of("first"), supervised.pid_of("last")]

    supervised.stop(number)

    ended = [float(supervised.logged(name, r"end ([\d.]+)").group(1)) for name in ("last", "first")]
    assert ended == sorted(ended)
    assert supervised.process.returncode == 0
    assert not any(signal_group(group, 0) for group in groups)


def test_a_program_deaf_to_sigterm_is_killed_after_its_patience(supervise):
    supervised = supervise({"name": "deaf", "code": DEAF, "patience": 0.5})
    supervised.logged("deaf", "awake")
    group = supervised.pid_of("deaf")

    before = time.monotonic()
    supervised.stop()

    assert 0.4 < time.monotonic() - before < 5
    assert not signal_group(group, 0)


def test_what_needs_nothing_of_one_another_is_stopped_together(supervise):
    slow = (
        "import signal, sys, time;"
        "end = lambda *_: (time.sleep(1.5), sys.exit());"
        "signal.signal(signal.SIGTERM, end);" + SLEEPER
    )
    supervised = supervise(*({"name": name, "code": slow} for name in ("one", "two", "three")))
    for name in ("one", "two", "three"):
        supervised.logged(name, "awake")

    before = time.monotonic()
    supervised.stop()

    assert time.monotonic() - before < 3.5


def test_a_second_signal_does_not_wait_for_the_deaf(supervise):
    supervised = supervise({"name": "deaf", "code": DEAF, "patience": 60})
    supervised.logged("deaf", "awake")

    before = time.monotonic()
    supervised.process.send_signal(signal.SIGINT)
    supervised.wait_for("stopping")
    supervised.stop(signal.SIGINT)

    assert time.monotonic() - before < 5


def test_a_grandchild_deaf_to_sigterm_is_not_left_behind(supervise):
    supervised = supervise({"name": "pool", "code": PARENT_OF_DEAF, "patience": 1})
    grandchild = int(supervised.logged("pool", r"child (\d+)").group(1))
    supervised.logged("pool", "awake")

    supervised.stop()

    assert is_gone(grandchild)


def test_a_killed_supervisor_leaves_no_child_nor_grandchild(supervise):
    supervised = supervise({"name": "deaf", "code": DEAF}, {"name": "pool", "code": PARENT_OF_DEAF})
    supervised.logged("deaf", "awake")
    grandchild = int(supervised.logged("pool", r"child (\d+)").group(1))
    pids = [supervised.pid_of("deaf"), supervised.pid_of("pool"), grandchild]
    supervised.logged("pool", "awake")

    supervised.stop(signal.SIGKILL)

    assert all(is_gone(pid) for pid in pids)


def is_gone(pid: int, seconds: float = 12) -> bool:
    """Ended, or a zombie that only waits for its parent to notice."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False
