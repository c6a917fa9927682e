"""Run a contender in a process of its own and account for it."""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BYTE_CODE = Path(tempfile.gettempdir()) / "assay-bench-byte-code"


@dataclass(frozen=True)
class Outcome:
    """seconds: wall clock from start to exit; cpu: user and system seconds; told: what the process printed."""

    seconds: float
    cpu: float
    told: dict


def run_process(arguments: list[str], *, python: str = sys.executable, extra: dict[str, str] | None = None) -> Outcome:
    """`extra` is added to the environment. Raises RuntimeError with the last lines of a process that failed."""
    # Byte code is cached in a folder of ours, whatever the shell says about writing it beside the sources.
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DO_NOT_TRACK": "1", "PYTHONPYCACHEPREFIX": str(BYTE_CODE)}
    environment |= extra or {}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    started, before = time.perf_counter(), os.times()
    done = subprocess.run(  # noqa: S603 - our own modules, named by this folder
        [python, "-W", "ignore", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    seconds, after = time.perf_counter() - started, os.times()
    if done.returncode:
        raise RuntimeError(f"{arguments} failed: {done.stderr[-2_000:]}")
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    return Outcome(seconds, cpu, json.loads(done.stdout.strip().splitlines()[-1]))


def peak_megabytes() -> float:
    """Highest resident memory of this process, in MB of a million bytes.

    From /proc: ru_maxrss would carry over what the parent held before exec.
    """
    status = Path("/proc/self/status").read_text()
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(kilobytes) * 1_024 / 1e6
