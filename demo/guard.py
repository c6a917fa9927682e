"""A process that outlives a killed supervisor just long enough to end what that one had started.

The kernel's death signal reaches direct children, on Linux. Their own children (a worker's pool, a server's
workers) are ended here by process group, on every system. The pipe from the supervisor is the sign of life.
"""

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path

from demo.children import signal_group

PATIENCE_SECONDS = 5


class Guard:
    """Start the guard; tell it which process groups are ours, and which have ended."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "demo.guard"],
            stdin=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
            start_new_session=True,
        )

    def watch(self, group: int, first: signal.Signals = signal.SIGTERM) -> None:
        """End `group` should we die: with `first`, then with SIGKILL."""
        self._tell(f"{group} {int(first)}")

    def forget(self, group: int) -> None:
        """`group` has ended; its number may soon be somebody else's."""
        self._tell(f"{group} 0")

    def close(self) -> None:
        """The orderly end; what is still watched is ended now."""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # somebody killed the guard: we carry on without a net
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()


def main() -> None:
    """Remember the groups named on standard input; when it closes, end those that are left."""
    groups: dict[int, int] = {}
    for line in sys.stdin:
        group, number = map(int, line.split())
        groups.pop(group, None) if number == 0 else groups.update({group: number})
    end_all(groups)


def end_all(groups: dict[int, int]) -> None:
    """Signal each group with its own signal, and kill after PATIENCE_SECONDS what is still there."""
    for group, number in groups.items():
        signal_group(group, number)
    deadline = time.monotonic() + PATIENCE_SECONDS
    left = set(groups)
    while left and time.monotonic() < deadline:
        left = {group for group in left if signal_group(group, 0)}
        time.sleep(0.05)
    for group in left:
        signal_group(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
