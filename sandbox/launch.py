"""Start a program in the sandbox, watch it, and say how it ended."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from . import bubblewrap
from .bubblewrap import Mounts
from .limits import Limits
from .outcomes import Failed, Finished, Killed, Outcome, OutputTooLarge, SandboxUnavailable, TimedOut
from .parcel import HEAD_BYTES, MAGIC, BadParcel, Parcel, read_parcel
from .process_tree import resident_bytes

_LOOK_EVERY = 0.25  # seconds between two looks at clock and memory
_CONSOLE_TAIL = 8192  # bytes of printed text kept for the person who reads the outcome
_CONSOLE_LINES = 12
_OUT_OF_MEMORY = ("MemoryError", "bad_alloc", "Cannot allocate memory", "out of memory")
_SIGKILLED, _SIGXCPUED = -9, -24


def launch(
    program: Path,
    *,
    arguments: Sequence[str] = (),
    model: Path | None = None,
    inputs: Path | None = None,
    limits: Limits | None = None,
) -> Outcome:
    """Run the Python file `program` inside and return how it ended; what it wrote comes as bytes.

    Inside, `model` is /model and `inputs` is /in, both read-only; /out is the one folder whose files
    are handed out (flat, plain files). Everything dies with the calling thread.
    Raises SandboxUnavailable when bubblewrap is missing or this machine refuses to isolate.
    """
    limits = limits or Limits()
    user_id = bubblewrap.unprivileged_id()
    with tempfile.TemporaryDirectory(prefix="assay-sandbox-") as stage:
        mounts = Mounts(
            *(
                _readable(path, user_id, Path(stage, name))
                for name, path in (("program.py", Path(program)), ("model", model), ("in", inputs))
            )
        )
        command = [str(bubblewrap.find_bubblewrap()), *bubblewrap.isolation_arguments(user_id=user_id)]
        command += [*bubblewrap.mount_arguments(mounts, limits=limits), "--"]
        command += _entry(bubblewrap.program_path(mounts.program), arguments, user_id, limits)
        with _started(command, bubblewrap.clean_environment(limits)) as process:
            return _Watch(process, limits).until_it_ends()


def resource_limits(limits: Limits) -> dict[str, int]:
    """What `inside/enter.py` hands to setrlimit, by name without RLIMIT_."""
    return {
        "CPU": limits.cpu_seconds,
        "AS": limits.address_bytes,
        "FSIZE": max(limits.output_bytes, limits.scratch_bytes),
        "NPROC": limits.processes,
        "NOFILE": limits.open_files,
    }


def _entry(program: str, arguments: Sequence[str], user_id: int | None, limits: Limits) -> list[str]:
    orders = {
        "user_id": user_id,
        "limits": resource_limits(limits),
        "program": program,
        "arguments": [*arguments],
    }
    return [sys.executable, "-I", "-S", "-B", "/assay/sandbox/inside/enter.py", json.dumps(orders)]


def _readable(path: Path | None, user_id: int | None, copy: Path) -> Path | None:
    """`path`, or a copy of it that the sandbox's own user may read where modes would keep it out."""
    if path is None or user_id is None or _anyone_may_read(path):
        return path
    if path.is_dir():
        shutil.copytree(path, copy, symlinks=True, copy_function=shutil.copyfile)
    else:
        shutil.copyfile(path, copy)
    for folder, _, names in os.walk(copy):
        os.chmod(folder, 0o755)  # noqa: S103 - inside a folder that only we may enter
        for name in names:
            os.chmod(Path(folder, name), 0o644, follow_symlinks=True)
    return copy


def _anyone_may_read(path: Path) -> bool:
    if not path.is_dir():
        return bool(path.stat().st_mode & 0o004)
    return all(
        os.stat(folder).st_mode & 0o005 == 0o005 and all(os.lstat(Path(folder, name)).st_mode & 0o004 for name in names)
        for folder, _, names in os.walk(path)
    )


@contextmanager
def _started(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen]:
    # The kernel ends bubblewrap when the thread that started it ends: no model outlives its worker.
    process = subprocess.Popen(  # noqa: S603 - no shell, and every word is ours
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        bufsize=0,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


class _Watch:
    """Reads what a run hands out and prints, and stops it at the first limit that it passes."""

    def __init__(self, process: subprocess.Popen, limits: Limits):
        self.process, self.limits = process, limits
        self.started = time.monotonic()
        self.output, self.printed, self.tail = bytearray(), 0, b""
        self.peak = 0

    def until_it_ends(self) -> Outcome:
        next_look = self.started + _LOOK_EVERY
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ, self._take_output)
            selector.register(self.process.stderr, selectors.EVENT_READ, self._take_print)
            while selector.get_map():
                self._read_ready(selector)
                if stopped := self._passed_a_size():
                    return stopped
                if time.monotonic() >= next_look:
                    next_look = time.monotonic() + _LOOK_EVERY
                    if stopped := self._passed_time_or_memory():
                        return stopped
        self.process.wait()
        return self._ending()

    def _read_ready(self, selector: selectors.BaseSelector) -> None:
        for key, _ in selector.select(_LOOK_EVERY):
            if data := os.read(key.fd, 1 << 16):
                key.data(data)
            else:
                selector.unregister(key.fileobj)

    def _take_output(self, data: bytes) -> None:
        self.output += data

    def _take_print(self, data: bytes) -> None:
        self.printed += len(data)
        self.tail = (self.tail + data)[-_CONSOLE_TAIL:]

    def _passed_a_size(self) -> OutputTooLarge | None:
        if len(self.output) > self.limits.output_bytes + HEAD_BYTES + len(MAGIC) + 4:
            return self._too_large("output", self.limits.output_bytes)
        if self.printed > self.limits.console_bytes:
            return self._too_large("printed text", self.limits.console_bytes)
        return None

    def _passed_time_or_memory(self) -> TimedOut | Killed | None:
        if self.seconds > self.limits.wall_seconds:
            return TimedOut(self.limits.wall_seconds, "wall-clock", self.console, self.seconds)
        self.peak = max(self.peak, resident_bytes(self.process.pid))
        if self.peak > self.limits.memory_bytes:
            return self._out_of_memory()
        return None

    def _ending(self) -> Outcome:
        if not self.output:
            said = " ".join(self.console[-2:]) or "no message"
            raise SandboxUnavailable(
                f"bubblewrap could not isolate a run on this machine ({said}). "
                "Allow user namespaces, or run the worker with the right to make namespaces."
            )
        try:
            parcel = read_parcel(bytes(self.output))
        except BadParcel as error:
            return self._failed(self.process.returncode, str(error))
        return self._finished(parcel) if parcel.exit_code == 0 else self._unsuccessful(parcel)

    def _finished(self, parcel: Parcel) -> Finished:
        return Finished(parcel.files, self.console, self.seconds, max(self.peak, parcel.peak_bytes))

    def _unsuccessful(self, parcel: Parcel) -> Outcome:
        if parcel.exit_code == _SIGXCPUED or parcel.cpu_seconds >= self.limits.cpu_seconds:
            return TimedOut(self.limits.cpu_seconds, "processor", self.console, self.seconds)
        if parcel.output_full:
            return self._too_large("output folder", self.limits.output_bytes)
        said = "\n".join(self.console[-3:])
        if parcel.exit_code == _SIGKILLED or any(word in said for word in _OUT_OF_MEMORY):
            return self._out_of_memory()
        return self._failed(parcel.exit_code, _exit_words(parcel.exit_code))

    def _failed(self, exit_code: int, reason: str) -> Failed:
        return Failed(exit_code, reason, self.console, self.seconds)

    def _too_large(self, what: str, limit: int) -> OutputTooLarge:
        return OutputTooLarge(what, limit, self.console, self.seconds)

    def _out_of_memory(self) -> Killed:
        return Killed(min(self.limits.memory_bytes, self.limits.address_bytes), self.console, self.seconds)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    @property
    def console(self) -> tuple[str, ...]:
        text = self.tail.decode(errors="replace")
        lines = ("".join(c for c in line if c.isprintable())[:400].strip() for line in text.splitlines())
        return tuple(line for line in lines if line)[-_CONSOLE_LINES:]


def _exit_words(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
