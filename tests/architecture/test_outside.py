"""The suite notices what the code changes past its services, at the end of each test with a database."""

import os
import subprocess
import sys

from tests.architecture.source_tree import ROOT

SEEDS = """
import pytest

from accounts.models import Unit
from accounts.services import add_unit


@pytest.fixture
def renamed(db, outside_portal):
    add_unit(code="a", name="A", parent=None, by=None)
    Unit.objects.update(name="B")


def test_announced(db):
    add_unit(code="a", name="A", parent=None, by=None)


def test_unannounced(db):
    add_unit(code="a", name="A", parent=None, by=None)
    Unit.objects.update(name="B")


@pytest.mark.outside_portal
def test_marked(db):
    add_unit(code="a", name="A", parent=None, by=None)
    Unit.objects.update(name="B")


@pytest.mark.outside_portal
def test_marked_for_nothing(db):
    add_unit(code="a", name="A", parent=None, by=None)


def test_arranged(renamed):
    assert Unit.objects.get().name == "B"


def test_without_a_database():
    assert True
"""
CONFTEST = """
from tests.conftest import *
from tests.integration.conftest import *
"""


def test_a_change_past_the_services_fails_its_test_unless_that_says_so(tmp_path, postgres_server):
    (tmp_path / "test_seeds.py").write_text(SEEDS)
    (tmp_path / "conftest.py").write_text(CONFTEST)
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "--strict-markers", "-p", "tests.environment"]
    environ = os.environ | {"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "portal.settings"}

    done = subprocess.run(
        [*command, "-c", os.devnull, "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=environ,
    )

    refused = {line.partition("::")[2].split(" ")[0] for line in done.stdout.splitlines() if line.startswith("ERROR")}
    assert refused == {"test_unannounced", "test_marked_for_nothing"}, done.stdout
    assert "no service announced a change of accounts.unit:1" in done.stdout
    assert "changes nothing past the services" in done.stdout
    assert "6 passed" in done.stdout
