"""tests/promises.toml names tests that exist, and every promise has its layer and its twin."""

import ast
import tomllib

import pytest

from tests.architecture.source_tree import ROOT

FILE = ROOT / "tests" / "promises.toml"
LAYERS = {"browser", "API", "database", "process", "pure"}
NEVER_RUN = {"skip", "xfail"}


def promises() -> list[dict]:
    return tomllib.loads(FILE.read_text())["promise"]


def existing_tests() -> dict[str, ast.FunctionDef]:
    """`integration/jobs/test_x.py::test_y` → its function."""
    return {
        f"{path.relative_to(ROOT / 'tests')}::{node.name}": node
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def twins_of(promise: dict) -> list[str]:
    twin = promise.get("twin", [])
    return [twin] if isinstance(twin, str) else twin


def faults(found: list[dict], existing: dict[str, ast.FunctionDef]) -> list[str]:
    said = []
    for promise in found:
        name = promise.get("says", "a promise without words")
        named = [*promise.get("tests", []), *twins_of(promise)]
        said += [f"{name}: there is no test {test}" for test in named if test not in existing]
        said += [f"{name}: {test} is never run" for test in named if test in existing and is_put_off(existing[test])]
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
    return any(
        isinstance(node, ast.Attribute) and node.attr in NEVER_RUN
        for decorator in test.decorator_list
        for node in ast.walk(decorator)
    )


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
        ({"tests": ["a.py::test_later"]}, "is never run"),
        ({"tests": []}, "no test"),
        ({"layer": "somewhere"}, "layer must be one of"),
        ({"twin": []}, "name the twin"),
        ({"no_twin": "both"}, "name the twin"),
        ({"twin": "a.py::test_a"}, "its own twin"),
    ],
)
def test_a_promise_that_nothing_holds_is_found(change, fault):
    source = "def test_a(): ...\ndef test_b(): ...\n@pytest.mark.skip\ndef test_later(): ..."
    existing = {f"a.py::{node.name}": node for node in ast.parse(source).body}

    found = faults([GOOD | change], existing)

    assert (len(found) == 1 and fault in found[0]) if fault else found == []
