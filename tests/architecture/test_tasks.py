"""Every task that is asked for is registered in the worker; a name without a task would wait for ever."""

import ast
import importlib
import json
import subprocess
import sys

import pytest

from tests.architecture.source_tree import ROOT, Module, argument, called, calls, product

ASKING = {"enqueue", "add_schedule", "Schedule"}


def asked_for(modules: list[Module]) -> dict[str, set[str]]:
    """Place → names of tasks that it may enqueue; an empty set where the code does not show them."""
    found = {}
    for module in modules:
        for function in module.functions():
            for call in calls(function):
                task = argument(call, "task")
                if called(call) in ASKING and task is not None and not is_handed_on(task, function):
                    found[f"{module.place}:{call.lineno}"] = names(task, function, module)
    return found


def is_handed_on(task: ast.expr, function: ast.FunctionDef) -> bool:
    """The function was given the name, or reads it from a schedule's row: its callers are checked."""
    given = {a.arg for a in [*function.args.args, *function.args.kwonlyargs]}
    return (isinstance(task, ast.Name) and task.id in given) or ast.unparse(task).endswith(".task")


def names(task: ast.expr, function: ast.FunctionDef, module: Module) -> set[str]:
    if isinstance(task, ast.Constant):
        return {task.value}
    constant = constants([task], module)
    return constant or constants(ast.walk(function), module)


def constants(nodes, module: Module) -> set[str]:
    """Values of the module's constants in capitals that look like a task's name."""
    values = vars(importlib.import_module(module.name))
    found = [values.get(node.id) for node in nodes if isinstance(node, ast.Name) and node.id.isupper()]
    listed = [value for table in found if isinstance(table, tuple) for row in table for value in row]
    return {value for value in [*found, *listed] if isinstance(value, str) and "." in value}


@pytest.fixture(scope="module")
def registered() -> set[str]:
    """Names of the tasks of `celery -A worker.celery`, in a process of its own."""
    program = "import json; from worker.celery import app; print(json.dumps(sorted(app.tasks)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for name in json.loads(done.stdout.splitlines()[-1]) if not name.startswith("celery.")}


def test_every_task_that_is_enqueued_is_registered_in_the_worker(registered):
    unknown = {place: tasks - registered for place, tasks in asked_for(product()).items() if tasks - registered}

    assert unknown == {}


def test_every_place_that_enqueues_shows_what(registered):
    assert [place for place, tasks in asked_for(product()).items() if not tasks] == []


def test_every_task_of_the_worker_is_asked_for_somewhere(registered):
    assert registered - set().union(*asked_for(product()).values()) == set()


def test_a_task_that_no_worker_knows_is_found(registered):
    source = "def ask():\n    enqueue(task='inventory.forgotten', arguments={}, by=None)"

    found = asked_for([Module("inventory.services", "inventory/services.py", ast.parse(source))])

    assert found == {"inventory/services.py:2": {"inventory.forgotten"}}
    assert "inventory.forgotten" not in registered
