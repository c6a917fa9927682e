"""A test that was not run is said at the end with its remedy, and fails the run where CI=true."""

import os
import subprocess
import sys

import pytest

from tests.architecture.source_tree import ROOT

SKIPPING = """
import pytest

@pytest.fixture
def redis():
    pytest.skip("redis-server is not on this machine: `apt-get install redis-server`.")

def test_one(redis):
    assert True

def test_two(redis):
    assert True

def test_three():
    assert True
"""


def run(folder, ci: str) -> subprocess.CompletedProcess:
    (folder / "test_skipping.py").write_text(SKIPPING)
    environ = os.environ | {"CI": ci, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": ""}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.skips", "-p", "no:django", "-c", os.devnull]
    return subprocess.run(
        [*command, "--rootdir", str(folder), str(folder)], capture_output=True, text=True, check=False, env=environ
    )


def test_a_missing_program_is_named_once_at_the_end_with_its_remedy(tmp_path):
    done = run(tmp_path, ci="")

    assert done.returncode == 0, done.stdout
    last_lines = done.stdout.strip().splitlines()[-2:]
    assert last_lines[0] == "2 tests: redis-server is not on this machine: `apt-get install redis-server`."
    assert "1 passed, 2 skipped" in last_lines[1]


def test_with_ci_a_skip_is_a_failure(tmp_path):
    done = run(tmp_path, ci="true")

    assert done.returncode == 1
    assert "1 passed, 2 errors" in done.stdout or "2 failed, 1 passed" in done.stdout
    assert "with CI=true nothing is skipped: redis-server is not on this machine" in done.stdout


@pytest.mark.parametrize("name", ["pytest_runtest_makereport", "pytest_terminal_summary"])
def test_the_suite_itself_has_these_hooks(request, name):
    from tests import skips

    hooks = [implementation.function for implementation in getattr(request.config.hook, name).get_hookimpls()]
    assert getattr(skips, name) in hooks
