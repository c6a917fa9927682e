"""One small process supervisor: what `make demo` starts, it watches, starts again, and stops.

Every program has a log file of its own; only the lines that matter reach the terminal. There are no threads:
one loop polls, so that the kernel's death signal (demo/children.py) is tied to the one thread there is.
"""

import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from pathlib import Path

from demo.children import start_child, stop_child
from demo.guard import Guard

TICK_SECONDS = 0.1
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
TRIES = 5
STABLE_AFTER_SECONDS = 60.0
LOG_BYTES = 10_000_000
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Program:
    """What to run. It starts when every program in `needs` is ready, and is ready when `ready()` says so.

    on_ready  called when it is ready for the first time
    once      it is to end by itself: with code 0 it is done, with another it is tried again, TRIES times in all
    echo      lines of its log that match go to the terminal, under its name
    patience  seconds between the signal that stops it and SIGKILL
    stop_signal  what asks it to end in good order
    taken_over   its process that runs already: watched and started again here, stopped by whoever started it
    start        starts it, where argv does not say all
    log          where it writes, if not below `logs`
    """

    name: str
    argv: Sequence[str]
    needs: tuple[str, ...] = ()
    ready: Callable[[], bool] | None = None
    on_ready: Callable[[], None] | None = None
    once: bool = False
    echo: re.Pattern | None = None
    patience: float = 10.0
    stop_signal: signal.Signals = signal.SIGTERM
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    taken_over: subprocess.Popen | None = None
    start: Callable[[], subprocess.Popen] | None = None
    log: Path | None = None


class State(Enum):
    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    PAUSED = "paused"
    DONE = "done"
    GIVEN_UP = "given up"


@dataclass
class Running:
    """A program, and how it is doing."""

    program: Program
    log: Path
    state: State = State.WAITING
    process: subprocess.Popen | None = None
    started_at: float = 0.0
    resume_at: float = 0.0
    crashes: int = 0
    was_ready: bool = False
    _shown: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        if self.program.taken_over:
            self.process, self.state, self.was_ready = self.program.taken_over, State.READY, True
            self.started_at = time.monotonic()

    @property
    def is_usable(self) -> bool:
        return self.state is State.DONE if self.program.once else self.state is State.READY

    def new_lines(self) -> list[str]:
        """Whole lines that the log has gained and that the program wants echoed."""
        if not self.program.echo or not self.log.exists():
            return []
        with self.log.open("rb") as file:
            file.seek(self._shown)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._shown += len(whole) + len(newline)
        lines = whole.decode(errors="replace").splitlines()
        return [line for line in lines if self.program.echo.search(line)]

    def skip_old_lines(self) -> None:
        """Start reading where the log ends now; a log grown too long makes room for a new one."""
        if not self.process and self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        self._shown = self.log.stat().st_size if self.log.exists() else 0


class Supervisor:
    """Run `programs` until SIGINT, SIGTERM or SIGHUP; then stop them, dependents first.

    logs   folder for one log file a program
    say    told each event as (program's name, sentence)
    """

    def __init__(
        self, programs: Sequence[Program], *, logs: Path, guard: Guard, say: Callable[[str, str], None]
    ) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._running = {p.name: Running(p, p.log or logs / f"{p.name}.log") for p in programs}
        self._guard = guard
        self._say = say
        self._stop_asked = 0

    def run(self) -> None:
        """Start, watch, and on a signal stop; returns when nothing of ours is left."""
        before = {number: signal.signal(number, self._on_signal) for number in STOP_SIGNALS}
        for running in self._running.values():
            running.skip_old_lines()
        try:
            while not self._stop_asked:
                self._tick()
                time.sleep(TICK_SECONDS)
        finally:
            self._stop_all()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: object) -> None:
        self._stop_asked += 1

    def _tick(self) -> None:
        for running in self._running.values():
            if self._stop_asked:
                return
            self._advance(running)
            for line in running.new_lines():
                self._say(running.program.name, line)

    def _advance(self, running: Running) -> None:
        if running.state in (State.STARTING, State.READY):
            self._look_after(running)
        elif self._is_due(running):
            self._start(running)

    def _is_due(self, running: Running) -> bool:
        if running.state is State.PAUSED:
            return time.monotonic() >= running.resume_at
        needed = (self._running[name].is_usable for name in running.program.needs)
        return running.state is State.WAITING and all(needed)

    def _start(self, running: Running) -> None:
        program = running.program
        start = program.start or partial(start_child, program.argv, log=running.log, env=program.env, cwd=program.cwd)
        running.process = start()
        self._guard.watch(running.process.pid, program.stop_signal)
        running.started_at = time.monotonic()
        running.state = State.STARTING

    def _look_after(self, running: Running) -> None:
        code = running.process.poll()
        if code is not None:
            self._ended(running, code)
        elif running.state is State.STARTING and self._is_ready(running.program):
            self._became_ready(running)
        elif running.crashes and self._age(running) > STABLE_AFTER_SECONDS:
            running.crashes = 0

    def _became_ready(self, running: Running) -> None:
        running.state, is_first = State.READY, not running.was_ready
        running.was_ready = True
        waited = f"ready after {self._age(running):.1f} s" if running.program.ready else "started"
        self._say(running.program.name, waited)
        if running.program.on_ready and is_first:
            running.program.on_ready()

    @staticmethod
    def _is_ready(program: Program) -> bool:
        return program.ready is None or program.ready()

    @staticmethod
    def _age(running: Running) -> float:
        return time.monotonic() - running.started_at

    def _ended(self, running: Running, code: int) -> None:
        self._reap(running, patience=2)  # what it may have left in its group
        if running.program.once and code == 0:
            running.state = State.DONE
            return
        if running.program.once and running.crashes + 1 == TRIES:
            self._give_up(running, code)
        else:
            self._pause(running, code)

    def _give_up(self, running: Running, code: int) -> None:
        running.state = State.GIVEN_UP
        happened = f"{how_it_ended(code)}, the {TRIES}th time; given up. Its log: {running.log}"
        self._say(running.program.name, happened)

    def _pause(self, running: Running, code: int) -> None:
        pause = min(FIRST_PAUSE_SECONDS * 2**running.crashes, LONGEST_PAUSE_SECONDS)
        running.crashes += 1
        running.state = State.PAUSED
        running.resume_at = time.monotonic() + pause
        self._say(running.program.name, f"{how_it_ended(code)}; starting again in {pause:g} s ({running.log})")

    def _stop_all(self) -> None:
        if self._ours():
            self._say("demo", "stopping (Ctrl-C again to stop at once) …")
        while wave := self._needed_by_nobody():
            self._let_end(wave)
            for running in wave:
                self._reap(running, patience=0)

    def _ours(self) -> list[Running]:
        """What runs and is ours to stop."""
        return [running for running in self._running.values() if running.process and not running.program.taken_over]

    def _needed_by_nobody(self) -> list[Running]:
        """What can be stopped now, all of it at once: a worker takes seconds to let go of its broker."""
        left = self._ours()
        needed = {name for running in left for name in running.program.needs}
        return [running for running in left if running.program.name not in needed]

    def _let_end(self, wave: Sequence[Running]) -> None:
        """Wait for an orderly end; a second Ctrl-C cuts it short.

        Only the leader is told: a server stops its own workers in its own order, and a pool whose children
        were signalled with it would wait for answers that never come.
        """
        for running in wave:
            running.process.send_signal(running.program.stop_signal)
        started = time.monotonic()
        while self._stop_asked < 2:
            waited = time.monotonic() - started
            if not any(r.process.poll() is None and waited < r.program.patience for r in wave):
                return
            time.sleep(TICK_SECONDS / 2)

    def _reap(self, running: Running, *, patience: float) -> None:
        if running.process is None:
            return
        stop_child(running.process, first=running.program.stop_signal, patience=patience)
        self._guard.forget(running.process.pid)
        running.process = None


def how_it_ended(code: int) -> str:
    """An exit code in words: negative ones are signals."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
