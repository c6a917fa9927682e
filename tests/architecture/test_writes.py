"""Rows are written in services alone, and SQL is sent by audit alone: no call elsewhere may change a row."""

import ast

import pytest

from tests.architecture.paths import WRITES
from tests.architecture.receivers import PLAIN, THING, Program, own_nodes, scopes
from tests.architecture.source_tree import Module, called, product
from tests.architecture.test_services import classes_with_rows

WRITING_LAYERS = {"services", "models"}
WITHOUT_DJANGO = {"stats", "engines", "sandbox", "figures"}  # a contract of its own keeps every row out of their reach
SENDING = {"execute", "executemany", "callproc", "raw"}

# Modules that write rows and are no services, with the reason.
WRITERS_APART = {
    "accounts/api/idempotency.py": "answers to repeat, not governed and not the business's",
    "jobs/schedules.py": "the services of schedules: slots and due moments, not governed",
}
# What looks like a write and has no rows, where the code does not show it, with what it is.
NO_ROWS = {
    ("audit/verifier.py", "self.facts"): "a dict of what the verifier found",
    ("web/keyset.py", "query"): "a copy of the address's query",
}
# Modules outside audit that send SQL of their own, with what it asks.
SENDERS_APART = {
    "accounts/services.py": "the lock under which a bank begins once",
    "inventory/models/dependency.py": "what is downstream: a recursive query",
    "inventory/models/model.py": "the next number of a sequence",
    "jobs/services.py": "the database's clock",
    "portal/views/health.py": "whether the database answers",
}


def stray_writes(modules: list[Module]) -> dict[tuple[str, str], str]:
    """(place, what is written on) → the call, in modules that are not there to write."""
    program = Program(modules, classes_with_rows())
    return {
        (module.place, ast.unparse(call.func.value)): f"{module.place}:{call.lineno} {ast.unparse(call)[:80]}"
        for module in modules
        if module.layer not in WRITING_LAYERS and module.app not in WITHOUT_DJANGO
        for scope in scopes(program, module)
        for call in calls_of(scope.node)
        if called(call) in WRITES and scope.kind(call.func.value) not in (PLAIN, THING)
    }


def stray_sql(modules: list[Module]) -> dict[str, str]:
    """Place → a call that sends SQL."""
    return {
        module.place: f"{module.place}:{call.lineno} {ast.unparse(call)[:80]}"
        for module in modules
        if module.app != "audit" and module.app not in WITHOUT_DJANGO
        for node in [module.tree]
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and called(call) in SENDING
    }


def calls_of(node: ast.AST) -> list[ast.Call]:
    """Calls with a dot in the node's own body."""
    return [c for c in own_nodes(node) if isinstance(c, ast.Call) and isinstance(c.func, ast.Attribute)]


def test_rows_are_written_in_services_alone():
    found = stray_writes(product())

    assert [text for key, text in found.items() if key[0] not in WRITERS_APART and key not in NO_ROWS] == []


def test_sql_is_sent_by_audit_alone():
    assert [text for place, text in stray_sql(product()).items() if place not in SENDERS_APART] == []


def test_what_is_apart_still_is():
    found = stray_writes(product())

    assert set(NO_ROWS) <= set(found)
    assert set(WRITERS_APART) <= {place for place, _ in found}
    assert set(SENDERS_APART) <= set(stray_sql(product()))


def test_every_call_of_the_product_is_looked_at():
    modules = product()
    program = Program(modules, classes_with_rows())
    for module in modules:
        seen = {id(call) for scope in scopes(program, module) for call in calls_of(scope.node)}
        there = {id(n) for n in ast.walk(module.tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)}
        assert seen == there, module.place


IMPORTS = """
import copy
import hashlib
from django.apps import apps
from django.db import connection, models
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from inventory import services
from inventory.api import serializers
from inventory.models import Model, ModelVersion
from portal.trail import Line
"""
KEEPER = """
class Keeper:
    seen: set[str]
    def __init__(self):
        self.names, self.rows = {}, Model.objects.all()
    def keep(self, queryset: models.QuerySet, known: dict[str, int], request: HttpRequest, line: Line):
        found, version = Model.objects.filter(pk=1), ModelVersion.objects.first()
        model, _ = get_object_or_404(Model, pk=1), 3
        LINE
"""


def seeded(line: str) -> Module:
    source = IMPORTS + (KEEPER.replace("LINE", line) if not line.startswith("\n") else line)
    return Module("inventory.views", "inventory/views.py", ast.parse(source))


@pytest.mark.parametrize(
    "line",
    [
        "Model.objects.create(name='x')",
        "Model.objects.filter(pk=1).update(name='x')",
        "model.versions.filter(label='1').delete()",
        "model.versions.create(label='1')",
        "model.versions.all().update(label='1')",
        "model.versions.all().delete()",
        "model.versions.get_or_create(label='1')",
        "model.versions.set([version])",
        "model.versions.add(version)",
        "model.versions.clear()",
        "model.save()",
        "model.save(update_fields=['name'])",
        "model.save(force_update=True)",
        "model.save(using='migrator')",
        "version.delete()",
        "queryset.update(name='x')",
        "found.update(name='x')",
        "found.bulk_create([model])",
        "self.rows.delete()",
        "request.user.save()",
        "request.user.models.add(model)",
        "line.entry.delete()",
        "line.rows().delete()",
        "next(iter(found)).delete()",
        "copy.copy(model).save()",
        "max(found).delete()",
        "(found | queryset).delete()",
        "made, is_new = services.register_model(name='x'); made.save()",
        "for row in found: row.delete()",
        "with self.rows as row: row.save()",
        "ModelVersion(label='1').save()",
        "services.register(request).save()",
        "serializers.ModelInput(data={}).save()",
        "apps.get_model('inventory', 'Model').objects.create(name='x')",
        "[row.delete() for row in Model.objects.all()]",
        "lambda: version.delete()",
        "\nModel.objects.create(name='x')",
        "\nclass View:\n    made = Model.objects.create(name='x')",
        "\nasync def show(request):\n    await Model.objects.acreate(name='x')",
        "\ndef show(request):\n    def inner(row):\n        row.delete()\n    return inner",
    ],
)
def test_a_write_in_a_view_is_found(line):
    assert stray_writes([*product(), seeded(line)]).keys() - stray_writes(product()).keys()


@pytest.mark.parametrize(
    "line",
    [
        "known.update(a=1)",
        "{}.update(a=1)",
        "dict(known).update(a=1)",
        "(known | {'a': 1}).update(b=2)",
        "set().add(1)",
        "self.seen.add('x')",
        "self.names.clear()",
        "hashlib.sha256(b'x').update(b'y')",
        "services.update(model=model)",
        "names = set(); names.add(1)",
    ],
)
def test_what_has_no_rows_is_no_write(line):
    assert stray_writes([*product(), seeded(line)]).keys() == stray_writes(product()).keys()


@pytest.mark.parametrize(
    "line",
    [
        "connection.cursor().execute('update inventory_model set name = 1')",
        "with connection.cursor() as cursor:\n            cursor.executemany('delete from x', [])",
        "Model.objects.raw('update inventory_model set name = 1 returning id')",
    ],
)
def test_sql_in_a_view_is_found(line):
    assert "inventory/views.py" in stray_sql([seeded(line)])
