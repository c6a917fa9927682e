"""Each event has one name, a sentence that its data fill, a service that announces it and a test that asserts it."""

import ast
import string
from collections.abc import Iterator

import pytest

from audit.events import Event, registered_events
from tests.architecture.source_tree import Module, argument, called, calls, product, suite

# Announced by the database itself (audit/sql) or from a statement of its own (audit/guards.py).
ANNOUNCED_IN_SQL = {"audit.outside_portal", "audit.columns_changed", "audit.table_governed"}


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def declared(modules: list[Module]) -> dict[str, dict[str, Event]]:
    """Events of each app by the name of their constant."""
    by_name = registered_events()
    found: dict[str, dict[str, Event]] = {}
    for module in modules:
        if module.layer == "events":
            for node in module.tree.body:
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and called(node.value) == "Event":
                    name = ast.literal_eval(node.value.args[0])
                    found.setdefault(module.app, {})[node.targets[0].id] = by_name[name]
    return found


RECORDING = ("record", "record_about")


# ---- what each announcement gives ---------------------------------------------------------------------------
def announcements(module: Module, events: dict[str, Event]) -> Iterator[tuple[str, list[Event], set[str] | None]]:
    """(place, events that it may be, keys of its data; None where the code does not show them) of each record(…)."""
    for function in module.functions():
        for call in calls(function) if function.name != "record" else ():
            if called(call) in RECORDING and call.args and argument(call, "data") is not None:
                constant = getattr(call.args[0], "attr", getattr(call.args[0], "id", ""))
                # an event that is handed in may be any of the app's that this module names to hand it in
                possible = [events[constant]] if constant in events else list(named_in(module, events))
                yield f"{module.place}:{call.lineno}", possible, keys_of(argument(call, "data"), function)


def named_in(module: Module, events: dict[str, Event]) -> Iterator[Event]:
    recorded = {id(call.args[0]) for call in calls(module.tree) if called(call) in RECORDING and call.args}
    attributes = [node for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)]
    names = {node.attr for node in attributes if id(node) not in recorded}
    return (event for constant, event in events.items() if constant in names)


def keys_of(data: ast.expr, function: ast.FunctionDef) -> set[str] | None:
    """Keys of a dict display, of `a | b`, or of a variable that the function sets to one of these."""
    if isinstance(data, ast.Dict):
        return {ast.literal_eval(key) for key in data.keys if key is not None}
    if isinstance(data, ast.BinOp) and isinstance(data.op, ast.BitOr):
        sides = keys_of(data.left, function), keys_of(data.right, function)
        return None if None in sides else sides[0] | sides[1]
    if isinstance(data, ast.Name):
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == data.id:
                return keys_of(node.value, function)
    return None


def gaps(modules: list[Module], events: dict[str, dict[str, Event]]) -> list[str]:
    """Announcements whose data leave a placeholder of the sentence open."""
    found = []
    for module in modules:
        for place, possible, keys in announcements(module, events.get(module.app, {})):
            if keys is None:
                found.append(f"{place}: write the data as a dict where it is recorded, so that it can be checked")
                continue
            for event in possible:
                if missing := placeholders(event.sentence) - keys:
                    found.append(f"{place}: {event.name} says {sorted(missing)}, its data do not")
    return found


def announced(modules: list[Module], events: dict[str, dict[str, Event]]) -> set[str]:
    return {
        event.name
        for module in modules
        for _, possible, _ in announcements(module, events.get(module.app, {}))
        for event in possible
    } | {
        event.name
        for module in modules
        for event in events.get(module.app, {}).values()
        for call in calls(module.tree)
        if called(call) in ("record", "record_about", "_announce")
        and any(events[module.app].get(getattr(a, "attr", "")) is event for a in call.args)
    }


def test_every_sentence_is_filled_by_every_service_that_announces_it():
    assert gaps(product(), declared(product())) == []


def test_every_event_is_announced_somewhere():
    modules = product()

    events = {event.name for of_app in declared(modules).values() for event in of_app.values()}
    assert events - announced(modules, declared(modules)) - ANNOUNCED_IN_SQL == set()
    assert events == set(registered_events())


def test_an_event_carries_the_name_of_its_app():
    assert [
        event.name
        for app, of_app in declared(product()).items()
        for event in of_app.values()
        if not event.name.startswith(f"{app}.") or not event.title or not event.sentence
    ] == []


def test_a_second_event_of_the_same_name_is_refused():
    name = next(iter(registered_events()))

    with pytest.raises(ValueError, match="declared twice"):
        Event(name, "Again", "Again")


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("def f():\n    record(events.PERSON_ADDED, subject=p, by=b, data={'hr_number': 1, 'unit': 2})", None),
        ("def f():\n    record(events.PERSON_ADDED, subject=p, by=b, data={'hr_number': 1})", "unit"),
        ("def f():\n    d = {'unit': 1}\n    record(events.PERSON_ADDED, subject=p, by=b, data=d | {})", "hr_number"),
        ("def f():\n    record(events.PERSON_ADDED, subject=p, by=b, data=made())", "write the data as a dict"),
        ("def f(e):\n    record(e, subject=p, by=b, data={})\n    f(events.PERSON_ADDED)", "hr_number"),
    ],
)
def test_a_placeholder_without_its_data_is_found(source, fault):
    module = Module("accounts.services", "accounts/services.py", ast.parse(source))

    found = gaps([module], declared(product()))

    assert (len(found) == 1 and fault in found[0]) if fault else found == []


# ---- each is asserted ---------------------------------------------------------------------------------------
def words_of_tests(modules: list[Module]) -> set[str]:
    """Strings and constants' names that stand in tests which assert something."""
    found = set()
    for module in modules:
        for function in module.functions():
            nodes = list(ast.walk(function))
            if function.name.startswith("test_") and any(isinstance(node, (ast.Assert, ast.With)) for node in nodes):
                found |= {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}
                found |= {n.attr for n in nodes if isinstance(n, ast.Attribute)}
    return found


def unasserted(modules: list[Module], events: dict[str, dict[str, Event]]) -> set[str]:
    words = words_of_tests(modules)
    return {
        event.name
        for of_app in events.values()
        for constant, event in of_app.items()
        if event.name not in words and constant not in words
    }


def test_every_event_is_asserted_in_a_test():
    assert unasserted(suite(), declared(product())) == set()


def test_an_event_that_no_test_asserts_is_found():
    silent = Module("tests.x", "tests/x.py", ast.parse("def test_x():\n    assert 'accounts.unit_added'"))
    only = {"accounts": {k: v for k, v in declared(product())["accounts"].items() if k in ("UNIT_ADDED", "ROLE_ENDED")}}

    assert unasserted([silent], only) == {"accounts.role_ended"}
