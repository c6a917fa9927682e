"""Digests of what was measured, and of the code that measured it."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from audit.services import canonical
from monitoring.measures.windows import MeasuredWindow

ROOT = Path(__file__).resolve().parents[2]


def result_digest(windows: Iterable[MeasuredWindow]) -> str:
    """One digest over every figure of a run."""
    return hashlib.sha256(canonical({"windows": [_as_plain(window) for window in windows]})).hexdigest()


def _as_plain(window: MeasuredWindow) -> dict:
    return {
        "window": [window.start_on.isoformat(), window.end_on.isoformat()],
        "state": window.state_sha256,
        "figures": [
            [
                f.metric,
                f.column or "",
                f.segment,
                _bits(f.value),
                f.n,
                _bits(f.bound),
                _bits(f.low),
                _bits(f.high),
                f.reason,
            ]
            for f in window.figures
        ],
    }


def _bits(value: float | None) -> str:
    return "" if value is None else float(value).hex()


@cache
def code_version() -> str:
    """Version and a digest of the sources that make the figures, so that a figure names the code it came from."""
    digest = hashlib.sha256()
    for folder in ("stats", "engines", "sandbox", "monitoring"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return f"assay {version}, sources {digest.hexdigest()[:12]}"
