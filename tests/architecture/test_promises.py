"""tests/promises.toml holds every promise of docs/invariants.md, by tests that exist and run, with layer and twin."""

import ast
import re
import tomllib
from collections import Counter

import pytest

from tests.architecture.source_tree import ROOT

FILE = ROOT / "tests" / "promises.toml"
PAGE = ROOT / "docs" / "invariants.md"
LINE = re.compile(r"^- \*\*([a-z]+\.[a-z-]+)\*\* \S", re.MULTILINE)
LAYERS = {"browser", "API", "database", "process", "pure"}
NEVER_RUN = {"skip", "skipif", "xfail"}
PUTTING_OFF = {"skip", "importorskip", "xfail", "exit"}  # called as pytest.skip(…), outside every condition


def promises() -> list[dict]:
    return tomllib.loads(FILE.read_text())["promise"]


def later() -> list[dict]:
    return tomllib.loads(FILE.read_text())["later"]


def made(page: str) -> list[str]:
    """The ids of a page of promises, in its order."""
    return LINE.findall(page)


def existing_tests() -> dict[str, ast.FunctionDef]:
    """`integration/jobs/test_x.py::test_y` → its function."""
    return collected({str(path.relative_to(ROOT / "tests")): ast.parse(path.read_text())
                     for path in sorted((ROOT / "tests").rglob("test_*.py"))})  # fmt: skip


def collected(files: dict[str, ast.Module]) -> dict[str, ast.FunctionDef]:
    """Tests by place; what puts off the whole file is put on each of its tests."""
    found = {}
    for place, tree in files.items():
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found[f"{place}::{node.name}"] = node
                node.is_put_off = is_put_off(node) or is_file_put_off(tree)
    return found


def twins_of(promise: dict) -> list[str]:
    twin = promise.get("twin", [])
    return [twin] if isinstance(twin, str) else twin


def faults(found: list[dict], existing: dict[str, ast.FunctionDef]) -> list[str]:
    said = []
    for promise in found:
        name = promise.get("says", "a promise without words")
        named = [*promise.get("tests", []), *twins_of(promise)]
        said += [f"{name}: there is no test {test}" for test in named if test not in existing]
        said += [f"{name}: {test} may not be run" for test in named if test in existing and existing[test].is_put_off]
        if not promise.get("tests"):
            said.append(f"{name}: no test")
        if promise.get("layer") not in LAYERS:
            said.append(f"{name}: layer must be one of {sorted(LAYERS)}, got {promise.get('layer')!r}")
        if bool(twins_of(promise)) == bool(promise.get("no_twin")):
            said.append(f"{name}: name the twin, or say in no_twin why there is none")
        if set(twins_of(promise)) & set(promise.get("tests", [])):
            said.append(f"{name}: a test cannot be its own twin")
    return said


def is_put_off(test: ast.FunctionDef) -> bool:
    """By a decorator, however it is written, or by a call before anything is tried."""
    return any(map(names_a_mark, test.decorator_list)) or any(map(puts_off, test.body))


def is_file_put_off(tree: ast.Module) -> bool:
    """By a `pytestmark`, or by a call on the file's own level."""
    marks = [node.value for node in tree.body if isinstance(node, (ast.Assign, ast.AnnAssign)) and is_marking(node)]
    return any(map(names_a_mark, marks)) or any(map(puts_off, tree.body))


def is_marking(node: ast.Assign | ast.AnnAssign) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any(getattr(target, "id", "") == "pytestmark" for target in targets)


def names_a_mark(node: ast.expr | None) -> bool:
    """`pytest.mark.skip`, `mark.skipif(…)`, one of a list of marks, or a parameter of its own that is skipped."""
    words = {inner.attr for inner in ast.walk(node) if isinstance(inner, ast.Attribute)} if node else set()
    return bool(words & NEVER_RUN)


def puts_off(node: ast.stmt) -> bool:
    call = getattr(node, "value", None)
    return isinstance(call, ast.Call) and getattr(call.func, "attr", getattr(call.func, "id", "")) in PUTTING_OFF


def untied(ids: list[str], found: list[dict], waiting: list[dict]) -> list[str]:
    """What the page promises and nobody holds or puts off, and the other way round; what is named twice."""
    held = Counter(promise_id for promise in found for promise_id in promise.get("ids", []))
    put_off = Counter(promise["id"] for promise in waiting)
    named = held + put_off
    said = [f"{name} is promised twice" for name, count in Counter(ids).items() if count > 1]
    said += [f"{name} is promised, and no test holds it" for name in ids if name not in named]
    said += [f"{name} is held or waits, and is not promised" for name in named if name not in ids]
    said += [f"{name} is held and waits" for name in held if name in put_off]
    said += [
        f"{name} is named twice" for name, count in named.items() if count > 1 and not (held[name] and put_off[name])
    ]
    said += [f"{promise['id']} waits for nothing" for promise in waiting if not promise.get("work", "").strip()]
    return said + [f"{promise['says']} names no promise" for promise in found if not promise.get("ids")]


def test_the_page_of_promises_and_their_tests_have_the_same_promises():
    assert untied(made(PAGE.read_text()), promises(), later()) == []


def test_every_line_of_the_page_has_its_id():
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("- ")]

    assert [line for line in lines if not LINE.match(line)] == []
    assert len(lines) == len(made(PAGE.read_text())) > 70


HELD = {"ids": ["trail.one", "trail.two"], "says": "It holds."}
WAITS = {"id": "trail.three", "work": "votes"}
IDS = ["trail.one", "trail.two", "trail.three"]


@pytest.mark.parametrize(
    ("ids", "held", "waits", "fault"),
    [
        (IDS, HELD, WAITS, None),
        (IDS, HELD | {"ids": ["trail.one"]}, WAITS, "trail.two is promised, and no test holds it"),
        (IDS, HELD, WAITS | {"id": "trail.four"}, "trail.three is promised, and no test holds it"),
        (IDS[1:], HELD, WAITS, "trail.one is held or waits, and is not promised"),
        ([*IDS, "trail.one"], HELD, WAITS, "trail.one is promised twice"),
        (IDS[:2], HELD, WAITS | {"id": "trail.one"}, "trail.one is held and waits"),
        (IDS, HELD | {"ids": ["trail.one", "trail.two", "trail.two"]}, WAITS, "trail.two is named twice"),
        (IDS, HELD, WAITS | {"work": " "}, "trail.three waits for nothing"),
        (IDS[2:], HELD | {"ids": []}, WAITS, "It holds. names no promise"),
    ],
)
def test_a_promise_that_one_of_the_two_lost_is_found(ids, held, waits, fault):
    found = untied(ids, [held], [waits])

    assert (fault in found) if fault else found == []


def test_every_promise_is_held_by_tests_that_exist():
    assert faults(promises(), existing_tests()) == []


def test_every_twin_of_the_suite_belongs_to_a_promise():
    twins = {name for name in existing_tests() if name.partition("::")[2].startswith("test_twin_")}

    assert twins - {twin for promise in promises() for twin in twins_of(promise)} == set()


def test_no_promise_is_made_twice():
    says = [promise["says"] for promise in promises()]

    assert len(says) == len(set(says))


GOOD = {"says": "It holds.", "layer": "database", "tests": ["a.py::test_a"], "twin": "a.py::test_b"}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({}, None),
        ({"tests": ["a.py::test_gone"]}, "there is no test a.py::test_gone"),
        ({"twin": "a.py::test_gone"}, "there is no test a.py::test_gone"),
        ({"tests": ["a.py::test_later"]}, "may not be run"),
        ({"tests": ["b.py::test_b"]}, "may not be run"),
        ({"tests": []}, "no test"),
        ({"layer": "somewhere"}, "layer must be one of"),
        ({"twin": []}, "name the twin"),
        ({"no_twin": "both"}, "name the twin"),
        ({"twin": "a.py::test_a"}, "its own twin"),
    ],
)
def test_a_promise_that_nothing_holds_is_found(change, fault):
    source = "def test_a(): ...\ndef test_b(): ...\n@pytest.mark.skip\ndef test_later(): ..."
    skipped = "pytestmark = pytest.mark.skip\ndef test_b(): ..."

    found = faults([GOOD | change], collected({"a.py": ast.parse(source), "b.py": ast.parse(skipped)}))

    assert (len(found) == 1 and fault in found[0]) if fault else found == []


@pytest.mark.parametrize(
    ("source", "is_put_off"),
    [
        ("{test}", False),
        ("@pytest.mark.parametrize('x', [1])\n{test}", False),
        ("@pytest.mark.skip(reason='later')\n{test}", True),
        ("@pytest.mark.skipif(sys.platform == 'win32', reason='x')\n{test}", True),
        ("@pytest.mark.xfail\n{test}", True),
        ("@mark.parametrize('x', [pytest.param(1, marks=pytest.mark.skip)])\n{test}", True),
        ("pytestmark = pytest.mark.skip\n{test}", True),
        ("pytestmark = [pytest.mark.usefixtures('db'), pytest.mark.skipif(True, reason='x')]\n{test}", True),
        ("pytestmark: list = [pytest.mark.xfail]\n{test}", True),
        ("pytestmark = pytest.mark.usefixtures('db')\n{test}", False),
        ("pytest.importorskip('mlflow')\n{test}", True),
        ("mlflow = pytest.importorskip('mlflow')\n{test}", True),
        ("pytest.skip('later', allow_module_level=True)\n{test}", True),
        ("{test}\n    pytest.skip('later')", True),
        ("{test}\n    if sys.platform == 'win32':\n        pytest.skip('no pipes there')", False),
    ],
)
def test_however_a_test_is_put_off_it_is_seen(source, is_put_off):
    tree = ast.parse(source.replace("{test}", "def test_x():\n    assert True"))

    assert collected({"a.py": tree})["a.py::test_x"].is_put_off == is_put_off
