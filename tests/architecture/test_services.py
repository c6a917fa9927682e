"""Who changes a governed record: services that say who acts, in one transaction, and that announce it."""

import ast
from collections.abc import Iterator

import pytest
from django.apps import apps as registry

from audit.governed import GOVERNED
from tests.architecture.source_tree import Module, called, calls, product

WRITES = {
    "bulk_create",
    "bulk_update",
    "create",
    "delete",
    "get_or_create",
    "save",
    "update",
    "update_or_create",
}
ANNOUNCING = {"record", "record_about"}

# What writes a governed table and does not fit the rule, with the reason.
SERVICES_APART = {
    "audit.services.attach": "the caller's entry names the file by its digest, in the same transaction",
}
# Where rows are written outside services, models and migrations, with the reason.
WRITERS_APART = {
    "accounts/api/idempotency.py": "answers to repeat, not governed and not the business's",
    "audit/checkpoints.py": "the log's own checkpoints, which the database lets nobody else write",
    "jobs/schedules.py": "the services of schedules: slots and due moments, not governed",
}


def governed_classes() -> dict[str, set[str]]:
    """Names of the classes whose tables are governed, by app."""
    tables, found = {governed.table for governed in GOVERNED}, {}
    for model in registry.get_models():
        if model._meta.db_table in tables:
            found.setdefault(model._meta.app_label, set()).add(model.__name__)
    return found


# ---- services -------------------------------------------------------------------------------------------
def service_faults(modules: list[Module], governed: dict[str, set[str]]) -> list[str]:
    """What each public service that changes a governed table lacks."""
    verbs = {function.name for m in modules if m.layer == "services" for function in m.tree.body if is_public(function)}
    return [
        f"{name} {fault}"
        for module in modules
        if module.layer == "services"
        for function in module.tree.body
        if is_public(function) and changes(function, module, governed)
        if (name := f"{module.name}.{function.name}") not in SERVICES_APART
        for fault in lacks(function, module, verbs)
    ]


def is_public(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and not node.name.startswith("_")


def lacks(function: ast.FunctionDef, module: Module, verbs: set[str]) -> Iterator[str]:
    names = {argument.arg for argument in function.args.kwonlyargs}
    if function.args.args or function.args.posonlyargs:
        yield "takes arguments by position: services are keyword-only"
    if not names & {"by", "job"}:
        yield "does not take who acts (`by`), nor the job under whose fence it acts"
    if not is_atomic(function):
        yield "is not atomic"
    reached = {called(call) for inner in reachable(function, module) for call in calls(inner)}
    if not reached & (ANNOUNCING | verbs - {function.name}):
        yield "neither records an event nor calls another service"


def is_atomic(function: ast.FunctionDef) -> bool:
    """Decorated with `transaction.atomic`, or all of its work inside such a block or inside `effects_of(job)`."""
    if any(called_or_named(decorator) == "atomic" for decorator in function.decorator_list):
        return True
    blocks = [item.context_expr for node in ast.walk(function) if isinstance(node, ast.With) for item in node.items]
    return any(isinstance(block, ast.Call) and called(block) in ("atomic", "effects_of") for block in blocks)


def called_or_named(node: ast.expr) -> str:
    return called(node) if isinstance(node, ast.Call) else getattr(node, "attr", getattr(node, "id", ""))


def reachable(function: ast.FunctionDef, module: Module) -> list[ast.FunctionDef]:
    """The function and the private ones of its module that it comes to call."""
    private = {f.name: f for f in module.tree.body if isinstance(f, ast.FunctionDef) and f.name.startswith("_")}
    found, waiting = [], [function]
    while waiting:
        current = waiting.pop()
        found.append(current)
        names = {called(call) for call in calls(current)}
        waiting += [f for name, f in private.items() if name in names and f not in found and f not in waiting]
    return found


def changes(function: ast.FunctionDef, module: Module, governed: dict[str, set[str]]) -> bool:
    """A row whose class the code does not show counts where the app has governed tables."""
    everywhere = set().union(*governed.values())
    return any(
        written in everywhere or (written is None and module.app in governed)
        for inner in reachable(function, module)
        for written in written_classes(inner)
    )


def written_classes(function: ast.FunctionDef) -> Iterator[str | None]:
    """Class of each row that is written; None where the code does not show it."""
    known = kinds_of_names(function)
    for call in calls(function):
        if called(call) in WRITES and isinstance(call.func, ast.Attribute) and is_row_write(call, known):
            yield kind_of(call.func.value, known)


def is_row_write(call: ast.Call, known: dict[str, str]) -> bool:
    """Not the `update` of a dict or a digest: on a manager, on a query, or on a record."""
    receiver = ast.unparse(call.func.value)
    is_query = "objects" in receiver or "filter(" in receiver or receiver in known
    return is_query or called(call) not in ("update", "delete")


def kinds_of_names(function: ast.FunctionDef) -> dict[str, str]:
    """Class of each argument and variable that shows it: by annotation, `Kind(…)` or `Kind.objects…`."""
    arguments = [*function.args.args, *function.args.kwonlyargs]
    known = {a.arg: a.annotation.id for a in arguments if isinstance(a.annotation, ast.Name)}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            kind = kind_of(node.value, known)
            for target in ast.walk(node.targets[0]):
                if kind and isinstance(target, ast.Name):
                    known.setdefault(target.id, kind)
    return known


def kind_of(node: ast.expr, known: dict[str, str]) -> str | None:
    """First name of the expression, where it is a class; else what is known of the variable."""
    while isinstance(node, (ast.Attribute, ast.Call, ast.Subscript)):
        inner = node.func if isinstance(node, ast.Call) else node.value
        if isinstance(node, ast.Attribute) and isinstance(inner, ast.Name) and not inner.id[:1].isupper():
            return None  # `model.versions`: rows of a class that stands elsewhere
        node = inner
    name = getattr(node, "id", "")
    return name if name[:1].isupper() else known.get(name)


def test_every_service_that_changes_a_governed_table_says_who_acts_and_announces_it():
    assert service_faults(product(), governed_classes()) == []


def test_services_apart_exist_and_would_be_faulted():
    judged = {
        f"{module.name}.{function.name}"
        for module in product()
        if module.layer == "services"
        for function in module.tree.body
        if is_public(function) and changes(function, module, governed_classes())
    }

    assert set(SERVICES_APART) <= judged
    assert {"accounts.services.grant_role", "proposals.services.decide", "inventory.services.edit_model"} <= judged


def synthetic(source: str, place: str) -> Module:
    return Module(place.removesuffix(".py").replace("/", "."), place, ast.parse(source))


GOOD = """
@transaction.atomic
def close_finding(*, finding: Finding, by: Account) -> None:
    finding.save(update_fields=["closed_at"])
    record(events.CLOSED, subject=finding, by=by, data={})
"""


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("", ""), None),
        (("(*, finding: Finding, ", "(finding: Finding, *, "), "keyword-only"),
        ((", by: Account", ""), "who acts"),
        (("@transaction.atomic", ""), "is not atomic"),
        (("record(events", "log(events"), "neither records"),
        (('finding.save(update_fields=["closed_at"])', "_close(finding)"), None),
    ],
)
def test_a_service_without_what_it_needs_is_found(change, fault):
    helper = "\ndef _close(finding):\n    Finding.objects.filter(pk=1).update(closed_at=None)\n"
    module = synthetic(GOOD.replace(*change) + helper, "validation/services.py")

    found = service_faults([module], {"validation": {"Finding"}})

    assert (len(found) == 1 and fault in found[0]) if fault else found == []


def test_a_change_in_a_private_function_counts_as_the_services_own():
    source = "def close(*, finding, by):\n    _close()\ndef _close():\n    Finding.objects.filter(pk=1).update(x=1)\n"

    found = service_faults([synthetic(source, "validation/services.py")], {"validation": {"Finding"}})

    assert [fault.split(" ", 1)[1] for fault in found] == [
        "is not atomic",
        "neither records an event nor calls another service",
    ]


# ---- no write outside them --------------------------------------------------------------------------------
def stray_writes(modules: list[Module]) -> list[str]:
    """Writes through a manager, a queryset or a record in modules that are not there to write."""
    return [
        f"{module.place}:{call.lineno} {ast.unparse(call)[:80]}"
        for module in modules
        if module.layer not in ("services", "models", "migrations") and module.place not in WRITERS_APART
        for function in [module.tree]
        for call in calls(function)
        if called(call) in WRITES and isinstance(call.func, ast.Attribute) and writes_rows(call)
    ]


def writes_rows(call: ast.Call) -> bool:
    receiver = ast.unparse(call.func.value)
    if "objects" in receiver or "filter(" in receiver:
        return True
    # `save` and `create` of a record or a related manager; a picture and a figure are saved with their file's name
    names_fields = any(keyword.arg == "update_fields" for keyword in call.keywords)
    return called(call) in ("bulk_create", "get_or_create", "update_or_create") or (
        called(call) == "save" and (names_fields or not (call.args or call.keywords))
    )


def test_rows_are_written_in_services_alone():
    assert stray_writes([module for module in product() if module.app not in ("stats", "engines", "sandbox")]) == []


@pytest.mark.parametrize(
    "line",
    [
        "Model.objects.create(name='x')",
        "Model.objects.filter(pk=1).update(name='x')",
        "model.versions.filter(label='1').delete()",
        "model.save(update_fields=['name'])",
        "model.save()",
        "model.versions.get_or_create(label='1')",
    ],
)
def test_a_write_in_a_view_is_found(line):
    assert stray_writes([synthetic(f"def show(request):\n    {line}\n", "inventory/views.py")])


def test_writers_apart_still_write():
    written = {module.place for module in product() if any(called(call) in WRITES for call in calls(module.tree))}

    assert set(WRITERS_APART) - {"audit/checkpoints.py"} <= written
