"""The interpreter that runs Evidently: in an environment of its own, so that our lock has no say in its versions."""

import shutil
import subprocess
from pathlib import Path

from benchmarks.process import ROOT

UV = ROOT / ".tools" / "bin" / "uv"
FOLDER = ROOT / ".venv-peer"
# pandas 3.1 breaks Evidently's import, plotly 6 its charts.
REQUIREMENTS = ("evidently==0.7.23", "pandas>=3.0,<3.1", "plotly>=5.24,<6", "pyarrow")
STAMP = ".made-from"


class NoPeer(Exception):
    """The environment is not there and cannot be made; `str()` says what to do."""


def peer_python(folder: Path = FOLDER, *, uv: Path = UV) -> str:
    """The interpreter in `folder`, made on first use and kept until REQUIREMENTS change. Raises NoPeer."""
    python, stamp, wanted = folder / "bin" / "python", folder / STAMP, "\n".join(REQUIREMENTS)
    if stamp.is_file() and stamp.read_text() == wanted and python.exists():
        return str(python)
    if not uv.exists():
        raise NoPeer(f"{uv} is not there: run `make environment`, or name an interpreter by --peer-python")
    shutil.rmtree(folder, ignore_errors=True)
    for arguments in (
        ["venv", "--quiet", "--no-project", "--python", "3.13", str(folder)],
        ["pip", "install", "--quiet", "--python", str(python), *REQUIREMENTS],
    ):
        _run([str(uv), *arguments])
    stamp.write_text(wanted)
    return str(python)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)  # noqa: S603 - our own tool
    if done.returncode:
        raise NoPeer(f"{' '.join(command[:3])} failed: {done.stderr.strip()[-500:]}")
