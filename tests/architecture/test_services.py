"""Who changes a governed record: services that say who acts, in one transaction, and that announce it."""

import ast
from collections.abc import Iterator

import pytest
from django.apps import apps as registry

from audit.governed import GOVERNED
from tests.architecture.paths import ANNOUNCING, SILENT, Found, Paths
from tests.architecture.receivers import Program
from tests.architecture.source_tree import Module, called, calls, product

# What writes a governed table and does not fit the rule, with the reason.
SERVICES_APART = {
    "audit.services.attach": "the caller's entry names the file by its digest, in the same transaction",
    "monitoring.services.judging.judge_windows": "announces each breach and what is on watch, where it opens any",
}


def governed_classes() -> dict[str, set[str]]:
    """Names of the classes whose tables are governed, by app."""
    tables, found = {governed.table for governed in GOVERNED}, {}
    for model in registry.get_models():
        if model._meta.db_table in tables:
            found.setdefault(model._meta.app_label, set()).add(model.__name__)
    return found


def classes_with_rows() -> set[str]:
    return {model.__name__ for model in registry.get_models()}


def services(modules: list[Module]) -> dict[str, ast.FunctionDef]:
    """Public functions of every `services`, by their full names."""
    return {
        f"{module.name}.{node.name}": node
        for module in modules
        if module.layer == "services"
        for node in module.tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }


def paths_of(modules: list[Module]) -> Paths:
    return Paths(Program(modules, classes_with_rows() | {"Finding"}), governed_classes() | {"validation": {"Finding"}})


def judged(modules: list[Module]) -> dict[str, Found]:
    """Services that change a governed table, themselves or by what they call."""
    paths = paths_of(modules)
    found = {name: paths.found(name) for name in services(modules) if name not in ANNOUNCING}
    return {name: what for name, what in found.items() if what.writes}


def service_faults(modules: list[Module]) -> list[str]:
    """What each service that changes a governed table lacks."""
    by_name = services(modules)
    return [
        f"{name} {fault}"
        for name, found in judged(modules).items()
        if name not in SERVICES_APART
        for fault in lacks(by_name[name], found)
    ]


def lacks(function: ast.FunctionDef, found: Found) -> Iterator[str]:
    names = {argument.arg for argument in function.args.kwonlyargs}
    if function.args.args or function.args.posonlyargs:
        yield "takes arguments by position: services are keyword-only"
    if not names & {"by", "job"}:
        yield "does not take who acts (`by`), nor the job under whose fence it acts"
    if found.is_bare:
        yield "is not atomic: it writes outside a transaction"
    elif SILENT in found.faults or any(way.wrote and not way.announced for way in found.ways):
        yield SILENT


def test_every_service_that_changes_a_governed_table_says_who_acts_and_announces_it():
    assert service_faults(product()) == []


def test_the_services_that_are_judged_are_those_that_change_something():
    names = set(judged(product()))

    assert set(SERVICES_APART) <= names
    assert {"accounts.services.grant_role", "inventory.services.models.edit_model"} <= names
    assert {"proposals.services.decide", "proposals.services.decide_role"} <= names
    assert "monitoring.services.runs.complete_run" in names
    assert not {"jobs.services.retry", "accounts.services.hash_of", "inventory.services.models.digest_of"} & names


class WithoutAnnouncing(ast.NodeTransformer):
    """Takes every `record(…)` out of one function."""

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        is_one = isinstance(node.value, ast.Call) and called(node.value) in ("record", "record_about", "record_each")
        return ast.copy_location(ast.Pass(), node) if is_one else node


def announcers(modules: list[Module]) -> list[str]:
    """The judged services that announce in their own body, not by another one alone."""
    by_name = services(modules)
    return [
        name
        for name in sorted(set(judged(modules)) - set(SERVICES_APART))
        if any(called(call) in ("record", "record_about", "record_each") for call in calls(by_name[name]))
    ]


def test_each_service_is_found_with_its_announcement_taken_away():
    modules, names = product(), announcers(product())
    unfound = []
    for name in names:
        place, _, verb = name.rpartition(".")
        silenced = [without(module, verb) if module.name == place else module for module in modules]
        if f"{name} {SILENT}" not in service_faults(silenced):
            unfound.append(name)

    # What these write is announced by the services that they call; their own entry says that it was one act.
    assert unfound == ["accounts.services.start_bank", "inventory.services.change_sets.apply_changes"]
    assert {"inventory.services.versions.settle_digest", "monitoring.services.runs.complete_run"} <= set(names)
    assert len(names) >= 17


def without(module: Module, verb: str) -> Module:
    tree = ast.parse(ast.unparse(module.tree))
    for place, node in enumerate(tree.body):
        if isinstance(node, ast.FunctionDef) and node.name == verb:
            tree.body[place] = WithoutAnnouncing().visit(node)
    return Module(module.name, module.place, tree)


def synthetic(source: str, place: str) -> Module:
    return Module(place.removesuffix(".py").replace("/", "."), place, ast.parse(source))


IMPORTS = """
from django.db import transaction
from audit.services import attach, canonical, record, record_about
from accounts.services import hash_of
from inventory.services import digest_of, edit_model
from jobs.services import effects_of, enqueue, finish
from validation.models import Finding
"""
GOOD = """
@transaction.atomic
def close_finding(*, finding: Finding, by: Account) -> None:
    finding.save(update_fields=["closed_at"])
    record(events.CLOSED, subject=finding, by=by, data={})
"""
PRIVATE = """
def _close(finding):
    Finding.objects.filter(pk=1).update(closed_at=None)
def _announce(finding, by):
    record_about(events.CLOSED, subject="x", trails=[], by=by, data={})
"""


def faults_of(source: str) -> list[str]:
    """What is found of the services in a module of its own beside the product."""
    module = synthetic(IMPORTS + source + PRIVATE, "validation/services.py")
    found = service_faults([*product(), module])
    return [fault for fault in found if fault.startswith("validation.")]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("", ""), None),
        (("(*, finding: Finding, ", "(finding: Finding, *, "), "keyword-only"),
        ((", by: Account", ""), "who acts"),
        (("@transaction.atomic", ""), "is not atomic"),
        (("record(events", "log(events"), SILENT),
        (('finding.save(update_fields=["closed_at"])', "_close(finding)"), None),
        (("record(events.CLOSED, subject=finding, by=by, data={})", "_announce(finding, by)"), None),
        (("    record(events", "    if finding.is_open:\n        record(events"), SILENT),
        (("    record(events", "    for _ in finding.causes:\n        record(events"), SILENT),
        (("    record(events", "    transaction.on_commit(lambda: record(events"), SILENT),
        (("    finding.save", "    if finding.closed_at:\n        return\n    finding.save"), None),
        (("    record(events", "    if finding.is_trivial:\n        return\n    record(events"), SILENT),
        (("    record(events", "    if finding.is_trivial:\n        raise NotNow\n    record(events"), None),
    ],
)
def test_a_service_without_what_it_needs_is_found(change, fault):
    source = GOOD.replace(*change)
    found = faults_of(source + (")" if "lambda" in source else ""))

    assert (len(found) == 1 and fault in found[0]) if fault else found == []


@pytest.mark.parametrize(
    "call",
    [
        "digest_of(finding)",
        "hash_of('x')",
        "canonical({})",
        "finish(job=job)",
        "enqueue(task='x', arguments={}, by=by)",
        "attach(sha256=sha256, subject=finding, trail=finding)",
        "audit.record(events.CLOSED)",
        "finding.record(events.CLOSED)",
    ],
)
def test_to_call_just_any_service_is_no_announcement(call):
    found = faults_of(GOOD.replace("record(events.CLOSED, subject=finding, by=by, data={})", call))

    assert found == [f"validation.services.close_finding {SILENT}"]


def test_a_service_that_announces_is_an_announcement_and_one_that_may_not_is_none():
    grant = "from accounts.services import grant_role\n"
    other = "record(events.CLOSED, subject=finding, by=by, data={})"

    assert faults_of(grant + GOOD.replace(other, "grant_role(person=p, role=r, unit=None, granted_by=p, by=by)")) == []
    assert faults_of(GOOD.replace(other, "edit_model(model=m, changes={}, expected_digest='', by=by)"))


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("    with effects_of(job):\n        _close(finding)\n        _announce(finding, None)", None),
        ("    with transaction.atomic():\n        _close(finding)\n    _announce(finding, None)", SILENT),
        ("    with transaction.atomic():\n        _announce(finding, None)\n    _close(finding)", "is not atomic"),
        ("    _announce(finding, None)\n    with effects_of(job):\n        _close(finding)", SILENT),
        (
            "    with effects_of(job):\n        finish(job=job)\n    _close(finding)\n    _announce(finding, None)",
            "atomic",
        ),
        (
            "    with transaction.atomic():\n        _close(finding)\n"
            "    with transaction.atomic():\n        _announce(finding, None)",
            SILENT,
        ),
        ("    for f in findings:\n        with effects_of(job):\n            _close(f)\n            continue", SILENT),
    ],
)
def test_what_is_written_and_what_announces_it_stand_in_one_transaction(body, fault):
    found = faults_of(f"def close_finding(*, finding: Finding, job: Job) -> None:\n{body}\n")

    assert (len(found) == 1 and fault in found[0]) if fault else found == []


@pytest.mark.parametrize(("answer", "fault"), [("not is_new", None), ("is_new", SILENT), ("finding.closed_at", SILENT)])
def test_a_row_that_was_there_already_needs_no_announcement(answer, fault):
    made = f"""
@transaction.atomic
def open_finding(*, by: Account) -> Finding:
    finding, is_new = Finding.objects.get_or_create(ref="F-1")
    if {answer}:
        return finding
    record(events.OPENED, subject=finding, by=by, data={{}})
    return finding
"""

    assert [found.partition(" ")[2] for found in faults_of(made)] == ([fault] if fault else [])
