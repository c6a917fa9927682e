"""Setting up on a machine that lacks something: one sentence with the remedy, never a traceback."""

import contextlib
import errno
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from demo import preflight

ROOT = Path(__file__).parents[3]


@pytest.fixture
def clone(tmp_path):
    """As much of a clone as setting up looks at; nothing is installed in it."""
    (tmp_path / "demo").mkdir()
    for name in ("demo/preflight.py", "Makefile", "pyproject.toml", "uv.lock", ".python-version"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def set_up(clone: Path, python: str = sys.executable, **environ: str) -> subprocess.CompletedProcess:
    argv = [python, clone / "demo" / "preflight.py"]
    return subprocess.run(argv, env=os.environ | environ, capture_output=True, text=True, timeout=120)


def pretend_uv(clone: Path, says: str, code: int) -> None:
    """An installed uv that answers --version, and `says` something for everything else."""
    uv = clone / ".tools" / "bin" / "uv"
    uv.parent.mkdir(parents=True)
    uv.write_text(f"#!/bin/sh\n[ \"$1\" = --version ] && exit 0\necho '{says}' >&2\nexit {code}\n")
    uv.chmod(0o755)


def only_sentence(done: subprocess.CompletedProcess) -> str:
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.mark.parametrize(
    ("uv_says", "told"),
    [
        ("error: Failed to fetch: https://index/numpy\n  Caused by: dns error", "check the network"),
        ("error: Failed to write: No space left on device (os error 28)", "disk is full"),
        (
            "error: No interpreter found for Python 3.13; Python downloads are set to never",
            "install Python 3.13",
        ),
        ("error: The lockfile at uv.lock needs to be updated", "uv lock"),
        ("error: invalid peer certificate: UnknownIssuer", "SSL_CERT_FILE"),
        ("error: something nobody thought of", "something nobody thought of. The whole output is in"),
    ],
)
def test_each_way_in_which_uv_gives_up_has_its_sentence(clone, uv_says, told):
    pretend_uv(clone, uv_says, code=2)

    done = set_up(clone)

    assert told in only_sentence(done)


def test_a_machine_without_network_is_told_to_check_it(clone):
    done = set_up(
        clone,
        PIP_INDEX_URL="http://127.0.0.1:9/simple",
        PIP_RETRIES="0",
        PIP_CONFIG_FILE=os.devnull,
        PIP_FIND_LINKS="",
        PIP_EXTRA_INDEX_URL="",
    )

    assert "check the network" in only_sentence(done)


def test_a_clone_that_may_not_be_written_is_named(clone):
    (clone / ".tools").write_text("a file where a folder should be")

    done = set_up(clone)

    assert str(clone) in only_sentence(done)


def test_an_old_python_and_one_without_venv_are_refused_with_the_remedy():
    with pytest.raises(preflight.Refusal, match=r"python3 is 3\.8 here.*install a newer one"):
        preflight.check_python(version=(3, 8, 18))

    with pytest.raises(preflight.Refusal, match="apt-get install python3-venv"):
        preflight.check_python(has_module=lambda name: None if name == "ensurepip" else name)


def test_a_machine_without_openmp_is_told_how_to_get_it():
    with pytest.raises(preflight.Refusal, match=r"libnowhere\.so\.1 is not on this machine.*apt-get install libgomp1"):
        preflight.check_libraries("libnowhere.so.1")


def test_a_disk_too_small_is_refused_before_the_first_download():
    with pytest.raises(preflight.Refusal, match=r"has 1\.0 GB free and 2\.5 GB are needed there"):
        preflight.check_disk(str(ROOT), preflight.BYTES_NEW, free=1_000_000_000)


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="there is no second disk to try")
@pytest.mark.parametrize("kept", [True, False])
def test_downloads_that_go_to_another_disk_need_room_there_until_they_are_kept(tmp_path, monkeypatch, kept):
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        downloads = Path(other, "uv")
        if kept:
            downloads.mkdir()
        monkeypatch.setenv("UV_CACHE_DIR", str(downloads))
        monkeypatch.setattr(preflight, "ROOT", str(tmp_path))
        monkeypatch.setattr(preflight, "PYTHON", str(tmp_path / "none"))
        monkeypatch.setattr(preflight, "BYTES_NEW", 1)
        monkeypatch.setattr(preflight, "BYTES_OF_DOWNLOADS", 10**15)

        refused = pytest.raises(preflight.Refusal, match=f"{other} has .*another folder in UV_CACHE_DIR")

        with contextlib.nullcontext() if kept else refused:
            preflight.check_disks()


def test_a_disk_that_fills_up_half_way_is_told_as_such():
    told = preflight.in_words(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    assert "disk is full" in told


def test_an_unchanged_lock_installs_nothing_and_a_changed_one_does(clone):
    pretend_uv(clone, "error: asked to sync", code=3)
    python = clone / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    fingerprint = subprocess.run(
        [sys.executable, "-c", "from demo import preflight; print(preflight.fingerprint())"],
        cwd=clone,
        capture_output=True,
        text=True,
        check=True,
    )
    (clone / ".venv" / ".made-from").write_text(fingerprint.stdout.strip())

    unchanged = set_up(clone)
    (clone / "uv.lock").write_text("changed")
    changed = set_up(clone)

    assert unchanged.returncode == 0
    assert "asked to sync" in only_sentence(changed)


def test_an_environment_whose_making_was_cut_short_is_made_anew_and_not_followed_to_the_machines_python(clone):
    pretend_uv(clone, "error: asked to sync", code=3)
    python = clone / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)

    done = set_up(clone)

    assert "asked to sync" in only_sentence(done)
    assert not (clone / ".venv").exists()


def test_make_without_python_says_what_to_install(clone):
    done = subprocess.run(["make", "environment", "PYTHON=/nowhere/python3"], cwd=clone, capture_output=True, text=True)

    assert done.returncode != 0
    assert "apt-get install python3 python3-venv" in done.stderr
