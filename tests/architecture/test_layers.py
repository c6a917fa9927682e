"""Each module imports only what is below it; nothing is left out; each contract fails on a seeded violation."""

import ast
import configparser
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db.models import Model

from audit import models as trail
from audit import reading
from tests.architecture.source_tree import ROOT, Module, apps, called, packages, product

FORBIDDEN_NAMES = {
    "base", "common", "core", "extras", "helper", "helpers", "legacy", "misc", "oddments", "shared", "stuff", "util",
    "utils", "v2", "various",
}  # fmt: skip
KNOWN = ROOT / "tests" / "architecture" / "modules.toml"
NAMED_BY_DJANGO = {"apps", "management", "migrations"}

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

    assert set(apps()) - set(modules_known()) == ordered


# ---- what no layer holds: packages without an order inside, and folders inside apps ---------------------------
def modules_known() -> dict[str, dict[str, str]]:
    """Package or folder → its modules, each with what it knows."""
    return tomllib.loads(KNOWN.read_text())


def modules_beyond_layers(root: Path, without_layers: set[str]) -> dict[str, set[str]]:
    """Package or folder → its modules, where no contract names them."""
    found: dict[str, set[str]] = {}
    for package in packages(root):
        for path in (root / package).rglob("*.py"):
            *folders, name = path.relative_to(root).with_suffix("").parts
            is_inside = len(folders) > 1 or package in without_layers
            if is_inside and name != "__init__" and not NAMED_BY_DJANGO & {*folders, name}:
                found.setdefault(".".join(folders), set()).add(name)
    return found


def unknown(root: Path) -> list[str]:
    """What stands in the tree and not in the table, and the other way round."""
    there = modules_beyond_layers(root, {name for name in modules_known() if "." not in name})
    known = {folder: set(names) for folder, names in modules_known().items()}
    return sorted(
        f"{folder}.{name}"
        for folder in there.keys() | known.keys()
        for name in there.get(folder, set()) ^ known.get(folder, set())
    )


def test_every_module_that_no_layer_holds_says_what_it_knows():
    assert unknown(ROOT) == [], f"say in {KNOWN.name} what each knows, or take it out where it is gone"
    assert all(words for names in modules_known().values() for words in names.values())


@pytest.mark.parametrize(
    "place",
    [
        "portal/oddments.py",
        "portal/views/oddments.py",
        "portal/templatetags/marks.py",
        "monitoring/services/oddments.py",
        "monitoring/services/windows/more.py",
        "inventory/models/quokka.py",
        "inventory/api/v1/views.py",
        "stats/psi.py",
        "worker/tasks/portal.py",
    ],
)
def test_a_module_that_nobody_wrote_down_is_found(tmp_path, place):
    for package in packages():
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "data"))
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).touch()

    assert unknown(tmp_path) == [place.removesuffix(".py").replace("/", ".")]


# ---- the trail's tables by another door -------------------------------------------------------------------
# import-linter knows modules, not what is handed on by them: `from audit.reading import Entry` would pass it.
TABLES = {name for name, kind in vars(trail).items() if isinstance(kind, type) and issubclass(kind, Model)}


def side_doors(modules: list[Module]) -> list[str]:
    """Where a module outside audit names a table of the trail, or what a module of audit keeps private."""
    return [f"{m.place}: {words}" for m in modules if m.app != "audit" for words in _side_doors(m)]


def _side_doors(module: Module) -> Iterator[str]:
    imports = [node for node in ast.walk(module.tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    of_audit = {
        alias.asname or alias.name.split(".")[0]
        for node in imports
        for alias in node.names
        if f"{getattr(node, 'module', None) or alias.name}.".startswith("audit.")
    }
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("audit."):
            yield from (ast.unparse(node) for alias in node.names if is_of_the_trail(alias.name))
        elif isinstance(node, ast.Attribute) and is_of_the_trail(node.attr):
            if ast.unparse(node).split(".")[0] in of_audit:
                yield ast.unparse(node)
        elif isinstance(node, ast.Call) and called(node) == "get_model" and asks_for_audit(node):
            yield ast.unparse(node)


def asks_for_audit(call: ast.Call) -> bool:
    return bool(call.args) and str(getattr(call.args[0], "value", "")).split(".")[0] == "audit"


def is_of_the_trail(name: str) -> bool:
    return name in TABLES or (name.startswith("_") and not name.startswith("__")) or name == "*"


def test_nobody_reads_the_trails_tables_by_another_door():
    assert side_doors(product()) == []


@pytest.mark.parametrize(
    ("source", "finds"),
    [
        ("from audit.reading import Entry", True),
        ("from audit.reading import _trail", True),
        ("from audit.reading import *", True),
        ("from audit.services import Artefact as File", True),
        ("from audit import checkpoints\nlast = checkpoints.Checkpoint.objects.first()", True),
        ("from audit import reading as r\nr._trail.RowHistory.objects.all()", True),
        ("import audit.export\naudit.export.SealedRecord.objects.all()", True),
        ("from django.apps import apps\napps.get_model('audit', 'Entry')", True),
        ("from django.apps import apps\napps.get_model('audit.Entry')", True),
        ("from audit.reading import entries_on, subject_name", False),
        ("from audit import checkpoints\ncheckpoints.receipt_for(1)", False),
        ("from inventory.models import Entry\nfrom audit.reading import entries_on\nEntry.objects.all()", False),
    ],
)
def test_a_side_door_is_found(source, finds):
    module = Module("jobs.refusals", "jobs/refusals.py", ast.parse(source))

    assert bool(side_doors([module])) == finds


def test_audit_itself_may_and_would_be_found_elsewhere():
    own = [module for module in product() if module.app == "audit"]
    moved = [Module(f"portal.{module.layer}", module.place, module.tree) for module in own]

    assert side_doors(own) == []
    assert side_doors(moved)


def test_reading_hands_on_no_table():
    assert TABLES & set(vars(reading)) == set()
    assert {name for name in vars(reading) if name in reading.__all__} == set(reading.__all__)


# ---- names ------------------------------------------------------------------------------------------------
def modules_without_a_noun(root: Path) -> list[str]:
    return [
        str(path.relative_to(root))
        for package in [*packages(root), "tests", "benchmarks"]
        for path in (root / package).rglob("*")
        if path.stem.removeprefix("test_") in FORBIDDEN_NAMES
    ]


def test_no_module_is_named_after_nothing():
    assert modules_without_a_noun(ROOT) == []


@pytest.mark.parametrize(
    "place",
    ["inventory/utils.py", "portal/views/helpers.py", "monitoring/services/oddments.py", "tests/common/__init__.py"],
)
def test_a_module_named_after_nothing_is_found(tmp_path, place):
    path = tmp_path / place
    for folder in (path.parent, tmp_path / path.relative_to(tmp_path).parts[0]):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").touch()
    path.touch()

    assert modules_without_a_noun(tmp_path)
