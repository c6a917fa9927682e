"""What the canary says when a worker starts holds for every run of the worker and its children."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# A worker as Celery starts one: the signal first, then a child that is handed a model.
WORKER = """
import os, sys
from pathlib import Path
from celery.signals import worker_init
from sandbox import bubblewrap, proof
from worker.celery import app

GUARD
app.amqp.queues.select(["ml"])

class Worker:
    pass

Worker.app = app
worker_init.send(sender=Worker)
child = os.fork()
if child == 0:
    try:
        outcome = proof.launch_proved(Path(sys.argv[1]))
        print("LOADED", type(outcome).__name__, flush=True)
    except proof.SandboxUnavailable as reason:
        print("REFUSED", reason, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""
LEAKING = """
strict = bubblewrap.isolation_arguments
bubblewrap.isolation_arguments = lambda user_id: [w for w in strict(user_id=user_id) if w != "--unshare-net"]
"""
BROKEN = """
def fails():
    raise RuntimeError("no temporary folder")
proof.prove_sandbox = fails
"""


def start_worker(tmp_path, guard: str) -> str:
    program = tmp_path / "model.py"
    program.write_text("print('loaded')\n")
    done = subprocess.run(
        [sys.executable, "-c", WORKER.replace("GUARD", guard), str(program)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


def test_a_worker_whose_sandbox_holds_runs_a_model(tmp_path):
    assert "LOADED Finished" in start_worker(tmp_path, "")


def test_a_worker_whose_canary_got_out_refuses_every_model(tmp_path):
    said = start_worker(tmp_path, LEAKING)

    assert "LOADED" not in said
    assert "REFUSED The sandbox does not hold on this machine" in said
    assert "open a connection to this machine over TCP" in said


def test_a_canary_that_could_not_run_proves_nothing(tmp_path):
    said = start_worker(tmp_path, BROKEN)

    assert "LOADED" not in said
    assert "REFUSED The sandbox could not be proved on this machine (RuntimeError: no temporary folder)" in said


def test_only_the_canary_starts_a_program_without_a_proof():
    starts = re.compile(
        r"^\s*(from \.launch import|from \. import .*\blaunch\b|from sandbox\.launch|import sandbox\.launch)"
    )
    packages = [folder for folder in ROOT.iterdir() if (folder / "__init__.py").exists() and folder.name != "tests"]
    sources = [path for folder in packages for path in folder.rglob("*.py")]

    who = {str(p.relative_to(ROOT)) for p in sources if any(map(starts.match, p.read_text().splitlines()))}

    assert who == {"sandbox/canary.py", "sandbox/proof.py"}
