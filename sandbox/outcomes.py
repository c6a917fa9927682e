"""How a run in the sandbox can end. Each ending has a sentence for the person who waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .limits import MIB


class SandboxUnavailable(RuntimeError):
    """This machine cannot isolate a model, so none is loaded. The message says why and what to do."""


@dataclass(frozen=True)
class Finished:
    """The program ended by itself with success. `files` maps each name in its output folder to its bytes."""

    files: Mapping[str, bytes] = field(repr=False)
    console: tuple[str, ...]
    seconds: float
    peak_bytes: int

    @property
    def sentence(self) -> str:
        return f"The run finished in {self.seconds:.1f} s and left {len(self.files)} files."


@dataclass(frozen=True)
class Failed:
    """The program ended by itself without success, or left output that cannot be accepted."""

    exit_code: int
    reason: str
    console: tuple[str, ...]
    seconds: float

    @property
    def sentence(self) -> str:
        last = f" Its last line was: {self.console[-1]}" if self.console else " It printed nothing."
        return f"The model's run failed ({self.reason}).{last} Check the model and its libraries, then repeat."


@dataclass(frozen=True)
class TimedOut:
    """The run was stopped because it used up its wall-clock or processor time, in seconds."""

    limit_seconds: float
    clock: str
    console: tuple[str, ...]
    seconds: float

    @property
    def sentence(self) -> str:
        return (
            f"The model's run was stopped after its {self.limit_seconds:g} s of {self.clock} time. "
            "Use fewer sample rows or raise the time limit of this monitor."
        )


@dataclass(frozen=True)
class Killed:
    """The run was stopped because it used up its memory, in bytes."""

    limit_bytes: int
    console: tuple[str, ...]
    seconds: float

    @property
    def sentence(self) -> str:
        return (
            "The model's run was stopped because it needed more than "
            f"{self.limit_bytes // MIB} MiB of memory. "
            "Use fewer sample rows or raise the memory limit of this monitor."
        )


@dataclass(frozen=True)
class OutputTooLarge:
    """The run was stopped because it wrote or printed more than it may."""

    what: str
    limit_bytes: int
    console: tuple[str, ...]
    seconds: float

    @property
    def sentence(self) -> str:
        return (
            f"The model's run was stopped because its {self.what} passed {self.limit_bytes // 1024} KiB. "
            "A model should return scores only; look at what it prints or writes."
        )


Outcome = Finished | Failed | TimedOut | Killed | OutputTooLarge
