"""Child processes that never outlive us: a process group each, and the kernel's word if we are killed."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def start_child(
    argv: Sequence[str | os.PathLike],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
    become: Callable[[], None] | None = None,
) -> subprocess.Popen:
    """Start `argv` as the leader of a session of its own, appending what it says to the file `log`.

    death_signal  what the kernel (Linux) sends it when this process dies, however it dies
    become        runs in the child before the program, to change who it is

    The kernel means the THREAD that started the child, so call this from the main thread.
    """
    parent = os.getpid()

    def prepare() -> None:
        if become:
            become()
        _die_with(parent, death_signal)  # last: a change of user clears it

    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - the callers name their own programs
            [os.fspath(part) for part in argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            start_new_session=True,
            preexec_fn=prepare,
        )


def _die_with(parent: int, death_signal: signal.Signals) -> None:
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    if os.getppid() != parent:  # it died between the fork and the line above
        os.kill(os.getpid(), signal.SIGKILL)


def stop_child(child: subprocess.Popen, *, first: signal.Signals = signal.SIGTERM, patience: float = 10) -> int:
    """Ask the child's group to end with `first`, kill what is left after `patience` seconds; the exit code.

    The group is killed even when its leader has ended: a worker's own children must not stay behind.
    """
    signal_group(child.pid, first)
    try:
        child.wait(patience)
    except subprocess.TimeoutExpired:
        signal_group(child.pid, signal.SIGKILL)
    code = child.wait()
    _end_group(child.pid, patience=2)
    return code


def signal_group(leader: int, number: int) -> bool:
    """Send a signal (0: only ask) to the group of `leader`; False when nobody is left in it."""
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
        return False
    return True


def _end_group(leader: int, *, patience: float) -> None:
    """The leader is gone; whoever else is in its group gets `patience` seconds, then SIGKILL."""
    signal_group(leader, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while signal_group(leader, 0):
        if time.monotonic() > deadline:
            signal_group(leader, signal.SIGKILL)
            return
        time.sleep(0.05)
