"""Digests of what was measured, and of the code that measured it."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from audit.services import canonical

ROOT = Path(__file__).resolve().parents[2]
FORMAT = "assay-window-figures-v1"
READ_WITH = ("numba", "numpy", "pyarrow")
COUNTED_IN = ("bins.py", "packing.py", "reference.py", "state.py")


class FigureLike(Protocol):
    """A figure as it was measured, or its stored row."""

    metric: str
    column: str | None
    segment: str
    value: float | None
    n: int
    bound: float | None
    low: float | None
    high: float | None
    reason: str | None


class WindowLike(Protocol):
    """A window as it was measured, or its stored row."""

    start_on: date
    end_on: date
    rows: int
    labelled: int
    state_sha256: str
    shares: dict[str, dict]
    versions: dict[str, int]


def figures_digest(window: WindowLike, figures: Iterable[FigureLike], *, reference: str) -> str:
    """What a window says, to its last bit: its rows, its figures and what its distributions are drawn from.

    reference  sha256 of the reference profile that it was held against
    No judgement is in it: another threshold leaves it as it is. The order of the figures does not matter.
    """
    plain = {
        "format": FORMAT,
        "reference": reference,
        "window": [window.start_on.isoformat(), window.end_on.isoformat()],
        "rows": [int(window.rows), int(window.labelled)],
        "state": window.state_sha256,
        "figures": sorted(_as_plain(figure) for figure in figures),
        "shares": window.shares,
    }
    if window.versions:  # a window of a log that names none keeps the digest that it had before they were counted
        plain["versions"] = window.versions
    return hashlib.sha256(canonical(plain)).hexdigest()


def _as_plain(figure: FigureLike) -> list:
    numbers = [_bits(value) for value in (figure.value, figure.bound, figure.low, figure.high)]
    return [figure.segment, figure.column or "", figure.metric, int(figure.n), *numbers, figure.reason or ""]


def _bits(value: float | None) -> str:
    return "" if value is None else float(value).hex()


def result_digest(figures: Mapping[str, str]) -> str:
    """Of a run: one digest over its windows' digests, by first day (ISO)."""
    return hashlib.sha256(canonical({"windows": dict(figures)})).hexdigest()


@cache
def engine_digest() -> str:
    """Of everything that makes a profile what it is: a profile of another engine is not used again."""
    digest = hashlib.sha256()
    for library in READ_WITH:
        digest.update(f"{library} {version(library)}\0".encode())
    for part in _sources([*sorted((ROOT / "engines").rglob("*.py")), *(ROOT / "stats" / name for name in COUNTED_IN)]):
        digest.update(part)
    return digest.hexdigest()


def _sources(paths: Iterable[Path]) -> Iterator[bytes]:
    return (str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() for path in paths)


@cache
def code_version() -> str:
    """Version and a digest of the sources that make the figures, so that a figure names the code it came from."""
    digest = hashlib.sha256()
    for folder in ("stats", "engines", "sandbox", "monitoring"):
        for part in _sources(sorted((ROOT / folder).rglob("*.py"))):
            digest.update(part)
    number = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return f"assay {number}, sources {digest.hexdigest()[:12]}"
