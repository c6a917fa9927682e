"""No program runs a model before the canary failed at everything, in this process or the one that it was forked from.

The verdict stands for the life of the process: a worker proves the sandbox when it starts and its children inherit
the verdict; whoever was not asked to prove it does so before the first run.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from .canary import CanaryReport, prove_sandbox
from .launch import launch
from .limits import Limits
from .outcomes import Outcome, SandboxUnavailable

_verdicts: list[CanaryReport | SandboxUnavailable] = []
_one_at_a_time = threading.Lock()


def require_proof() -> CanaryReport:
    """The canary's report. Raises SandboxUnavailable, the same each time, where it got out or could not run."""
    with _one_at_a_time:
        if not _verdicts:
            _verdicts.append(_verdict())
    verdict = _verdicts[0]
    if isinstance(verdict, SandboxUnavailable):
        raise SandboxUnavailable(str(verdict))
    return verdict


def _verdict() -> CanaryReport | SandboxUnavailable:
    try:
        return prove_sandbox()
    except SandboxUnavailable as reason:
        return reason
    except Exception as failure:  # noqa: BLE001 - whatever kept the canary from failing, nothing is proved
        return SandboxUnavailable(
            f"The sandbox could not be proved on this machine ({type(failure).__name__}: {failure}), so no model is"
            " loaded. Ask whoever runs this machine to look at the worker's log."
        )


def launch_proved(
    program: Path,
    *,
    arguments: Sequence[str] = (),
    model: Path | None = None,
    inputs: Path | None = None,
    limits: Limits | None = None,
) -> Outcome:
    """As sandbox.launch.launch, only where the sandbox is proved. Raises SandboxUnavailable as require_proof does."""
    require_proof()
    return launch(program, arguments=arguments, model=model, inputs=inputs, limits=limits)
