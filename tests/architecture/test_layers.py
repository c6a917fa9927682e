"""Each module imports only what is below it; nothing is left out; each contract fails on a seeded violation."""

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source_tree import ROOT, apps, packages

FORBIDDEN_NAMES = {"utils", "helpers", "common", "legacy", "v2", "util", "misc"}

# contract: file of a copy, what is added to it, what the report then says
SEEDS = {
    "packages": (
        "inventory/models/model.py",
        "import monitoring.models",
        "inventory.models.model -> monitoring",
    ),
    "no-django": ("stats/bins.py", "import django", "stats.bins -> django"),
    "no-tests": ("jobs/queues.py", "import tests", "jobs.queues -> tests"),
    "trail": ("jobs/refusals.py", "from audit.models import Entry", "jobs.refusals -> audit.models"),
    "apps": ("inventory/utils.py", "", "inventory.utils"),
    "jobs": ("jobs/utils.py", "", "jobs.utils"),
    "audit": ("audit/utils.py", "", "audit.utils"),
    "verifier": ("audit/verifier.py", "import psycopg", "audit.verifier -> psycopg"),
}


def contracts() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    return parser


def name_of(contract: str) -> str:
    return contracts()[f"importlinter:contract:{contract}"]["name"]


def lint(folder: Path) -> str:
    """What import-linter says of the tree in `folder`."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"COLUMNS": "200"},
    )
    return done.stdout + done.stderr


def verdict(report: str, contract: str) -> str:
    return re.search(rf"^{re.escape(name_of(contract))} (KEPT|BROKEN)", report, re.MULTILINE)[1]


@pytest.fixture(scope="module")
def report() -> str:
    return lint(ROOT)


@pytest.fixture(scope="module")
def seeded_report(tmp_path_factory) -> str:
    copy = tmp_path_factory.mktemp("seeded")
    shutil.copy(ROOT / ".importlinter", copy)
    for package in packages():
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__", "data"))
    for place, line, _ in SEEDS.values():
        with (copy / place).open("a") as stream:
            stream.write(f"\n{line}\n")
    return lint(copy)


def test_every_contract_is_kept(report):
    assert " 0 broken." in report, report[report.find("Broken contracts") :]


@pytest.mark.parametrize("contract", SEEDS)
def test_a_contract_is_broken_by_a_seeded_violation(seeded_report, contract):
    said = seeded_report[seeded_report.find("Broken contracts") :]

    assert verdict(seeded_report, contract) == "BROKEN"
    assert SEEDS[contract][2] in said


def test_every_contract_has_its_seed():
    named = {name.rpartition(":")[2] for name in contracts().sections() if ":contract:" in name}

    assert named == set(SEEDS)


def test_every_package_is_in_the_contracts():
    roots = contracts()["importlinter"]["root_packages"].split()
    from_tests = contracts()["importlinter:contract:no-tests"]["source_modules"].split()

    assert sorted(roots) == packages()
    assert sorted(from_tests) == packages()


def test_every_app_has_layers_inside_that_leave_no_module_out():
    ordered = set()
    for name in contracts().sections():
        contract = contracts()[name]
        if contract.get("containers") and contract.get("exhaustive") == "True":
            ordered |= set(contract["containers"].split())

    joined_by_pages = {"portal", "demo"}  # they join apps; what they may import is in the first contract
    assert set(apps()) - joined_by_pages == ordered


def modules_without_a_noun(root: Path) -> list[str]:
    return [
        str(path.relative_to(root))
        for package in [*packages(root), "tests", "benchmarks"]
        for path in (root / package).rglob("*")
        if path.stem.removeprefix("test_") in FORBIDDEN_NAMES
    ]


def test_no_module_is_named_after_nothing():
    assert modules_without_a_noun(ROOT) == []


@pytest.mark.parametrize("place", ["inventory/utils.py", "portal/views/helpers.py", "tests/common/__init__.py"])
def test_a_module_named_after_nothing_is_found(tmp_path, place):
    path = tmp_path / place
    for folder in (path.parent, tmp_path / path.relative_to(tmp_path).parts[0]):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").touch()
    path.touch()

    assert modules_without_a_noun(tmp_path)
