"""What the comparison prints is a median, and whose interpreter it is, is not left to chance."""

import sys
from pathlib import Path

import pytest

from benchmarks.drift import Runs
from benchmarks.peer import REQUIREMENTS, STAMP, NoPeer, peer_python
from benchmarks.process import Outcome


def test_a_figure_is_the_median_of_its_processes():
    runs = Runs(Outcome(s, 10 * s, {"inner": [s / 2, 99], "peak": 100 * s}) for s in (9.0, 1.0, 2.0))

    assert (runs.seconds, runs.cpu, runs.inner, runs.peak) == (2, 20, 1, 200)
    assert "(1.00–9.00)" in runs.row("ours")


def test_without_the_tool_that_makes_its_environment_it_is_said_what_to_do(tmp_path):
    with pytest.raises(NoPeer, match="run `make environment`, or name an interpreter"):
        peer_python(tmp_path / "peer", uv=tmp_path / "uv")


def test_an_environment_that_cannot_be_made_is_no_environment(tmp_path):
    folder = tmp_path / "peer"

    with pytest.raises(NoPeer, match="false venv --quiet failed"):
        peer_python(folder, uv=Path("/bin/false"))

    assert not (folder / STAMP).exists()


@pytest.mark.parametrize("made_from", ["\n".join(REQUIREMENTS), "evidently==0.1"])
def test_an_environment_is_kept_until_what_it_is_made_from_changes(tmp_path, made_from):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / STAMP).write_text(made_from)

    if made_from == "\n".join(REQUIREMENTS):
        assert peer_python(tmp_path, uv=tmp_path / "uv") == str(tmp_path / "bin" / "python")
    else:
        with pytest.raises(NoPeer):
            peer_python(tmp_path, uv=tmp_path / "uv")
