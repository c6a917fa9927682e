"""Hostile programs are written as text and run in the real sandbox."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.launch import launch
from sandbox.limits import MIB, Limits
from sandbox.outcomes import Outcome

_QUICK = Limits(wall_seconds=30, cpu_seconds=8, address_bytes=1024 * MIB, output_bytes=MIB, processes=24)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Outcome]:
    """Run Python source in the sandbox; keywords go to `launch`."""

    def run_source(source: str, **options) -> Outcome:
        program = tmp_path / "program.py"
        program.write_text(textwrap.dedent(source))
        return launch(program, **{"limits": _QUICK, **options})

    return run_source


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "MLmodel").write_text("flavors: {}\n")
    return folder


@pytest.fixture
def quick() -> Limits:
    """Small limits; `run` uses them unless told otherwise."""
    return _QUICK
