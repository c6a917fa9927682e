"""What a function writes and announces on each way through it: one transaction announces what it writes.

A way is followed from statement to statement, into the functions that it calls. What a loop, a comprehension or one
side of a condition does may happen or not; a way that raises ends in a rollback and is no way.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.architecture.receivers import PLAIN, THING, Program, Scope
from tests.architecture.source_tree import Module, called

WRITES = {
    "add", "bulk_create", "bulk_update", "clear", "create", "delete", "get_or_create", "remove", "save", "save_base",
    "set", "update", "update_or_create",
}  # fmt: skip
WRITES |= {f"a{name}" for name in WRITES}
ANNOUNCING = {"audit.services.record", "audit.services.record_about", "audit.services.record_each"}
TRANSACTIONS = {"atomic", "effects_of"}  # the second opens one under a job's fence
SILENT = "writes what one of its ways does not announce in the same transaction"
BARE = "writes outside a transaction"


@dataclass(frozen=True)
class Way:
    """How far one way has come. unsure: the name that says whether `get_or_create` wrote, until it is asked."""

    wrote: bool = False
    announced: bool = False
    unsure: str = ""

    def then(self, other: Way) -> Way:
        return Way(self.wrote or other.wrote, self.announced or other.announced, other.unsure or self.unsure)

    def settled(self) -> Way:
        return Way(self.wrote or bool(self.unsure), self.announced)


START = frozenset({Way()})
Ways = frozenset[Way]


@dataclass
class Walk:
    """One walk through a body. ends: ways that returned; is_bare: something was written in no transaction."""

    is_atomic: bool
    ends: set[Way] = field(default_factory=set)
    leaps: list[set[Way]] = field(default_factory=list)
    is_bare: bool = False
    faults: set[str] = field(default_factory=set)


@dataclass
class Found:
    """What is known of a function. ways: how it can end, for who calls it."""

    ways: Ways = START
    is_bare: bool = False
    faults: frozenset[str] = frozenset()

    @property
    def writes(self) -> bool:
        return any(way.wrote for way in self.ways)


class Paths:
    """The functions of a program, each read once. governed: app → names of the classes whose rows are governed."""

    def __init__(self, program: Program, governed: dict[str, set[str]]):
        self.program, self.governed = program, governed
        self._everywhere = set().union(*governed.values())
        self._known: dict[str, Found] = {name: Found(frozenset({Way(announced=True)})) for name in ANNOUNCING}

    def found(self, name: str) -> Found:
        """What the function of this full name writes and announces; one that calls itself does nothing more by it."""
        if name not in self._known:
            self._known[name] = Found()
            self._known[name] = self._read(*self.program.functions[name])
        return self._known[name]

    def _read(self, function: ast.FunctionDef, module: Module) -> Found:
        walk = Walk(is_atomic=any(_named(d) == "atomic" for d in function.decorator_list))
        reading = _Reading(self, Scope(self.program, module, function), walk)
        ends = {way.settled() for way in reading.block(function.body, START) | walk.ends}
        if walk.is_atomic and any(way.wrote and not way.announced for way in ends):
            walk.faults.add(SILENT)
        return Found(frozenset(ends), walk.is_bare, frozenset(walk.faults))

    def is_governed(self, kind: str | None, app: str) -> bool:
        """A row whose class the code does not show counts where the app has governed tables."""
        return kind in self._everywhere or (kind is None and app in self.governed)


class _Reading:
    """Statement by statement: which ways lead to its end."""

    def __init__(self, paths: Paths, scope: Scope, walk: Walk):
        self.paths, self.scope, self.walk = paths, scope, walk

    # ---- statements ---------------------------------------------------------------------------------------------
    def block(self, body: Iterable[ast.stmt], ways: Ways) -> Ways:
        for statement in body:
            ways = self.statement(statement, ways)
        return ways

    def statement(self, node: ast.stmt, ways: Ways) -> Ways:
        read = getattr(self, f"_{type(node).__name__.lower()}", None)
        if read:
            return read(node, ways)
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            return ways  # what it does, it does when it is called
        return self.inside(node, ways)

    def _return(self, node: ast.Return, ways: Ways) -> Ways:
        self.walk.ends |= self.inside(node, ways)
        return frozenset()

    def _raise(self, node: ast.Raise, ways: Ways) -> Ways:
        return frozenset()

    def _continue(self, node: ast.stmt, ways: Ways) -> Ways:
        self.walk.leaps[-1] |= ways
        return frozenset()

    _break = _continue

    def _assign(self, node: ast.Assign, ways: Ways) -> Ways:
        after = self.inside(node.value, ways)
        target = node.targets[0]
        if _named(node.value) == "get_or_create" and isinstance(target, ast.Tuple) and after != ways:
            before = self.inside_all(ast.iter_child_nodes(node.value), ways)
            is_new = getattr(target.elts[-1], "id", "")
            return frozenset(Way(way.wrote, way.announced, is_new) for way in before)
        return after

    def _if(self, node: ast.If, ways: Ways) -> Ways:
        ways = self.inside(node.test, ways)
        yes, no = frozenset(_asked(ways, node.test, True)), frozenset(_asked(ways, node.test, False))
        return self.block(node.body, yes) | self.block(node.orelse, no)

    def _for(self, node: ast.For | ast.While, ways: Ways) -> Ways:
        ways = self.inside(node.iter if isinstance(node, ast.For) else node.test, ways)
        while True:
            self.walk.leaps.append(set())
            again = ways | self.block(node.body, ways) | self.walk.leaps.pop()
            if again == ways:
                return self.block(node.orelse, ways)
            ways = again

    _while = _for

    def _try(self, node: ast.Try, ways: Ways) -> Ways:
        reached, end = ways, ways
        for statement in node.body:
            end = self.statement(statement, end)
            reached |= end
        end = self.block(node.orelse, end)
        for handler in node.handlers:
            end |= self.block(handler.body, reached)
        return self.block(node.finalbody, end)

    def _match(self, node: ast.Match, ways: Ways) -> Ways:
        ways = self.inside(node.subject, ways)
        return ways.union(*(self.block(case.body, ways) for case in node.cases))

    def _with(self, node: ast.With, ways: Ways) -> Ways:
        ways = self.inside_all([item.context_expr for item in node.items], ways)
        opens = any(_named(item.context_expr) in TRANSACTIONS for item in node.items)
        if not opens or self.walk.is_atomic:
            return self.block(node.body, ways)
        return self._transaction(node, ways)

    def _transaction(self, node: ast.With, ways: Ways) -> Ways:
        """A transaction of its own: what it writes, it announces itself."""
        inner = Walk(is_atomic=True, leaps=[set()])
        through = _Reading(self.paths, self.scope, inner).block(node.body, START)
        leaps = inner.leaps.pop()
        if any(way.wrote and not way.announced for end in through | inner.ends | leaps for way in [end.settled()]):
            self.walk.faults.add(SILENT)
        self.walk.ends |= _each_then(ways, inner.ends)
        if self.walk.leaps:
            self.walk.leaps[-1] |= _each_then(ways, leaps)
        return _each_then(ways, through)

    # ---- expressions --------------------------------------------------------------------------------------------
    def inside_all(self, nodes: Iterable[ast.AST], ways: Ways) -> Ways:
        for node in nodes:
            ways = self.inside(node, ways)
        return ways

    def inside(self, node: ast.AST, ways: Ways) -> Ways:
        """The ways after the calls in an expression."""
        if isinstance(node, ast.Lambda):
            return ways
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            return ways | self.inside_all(ast.iter_child_nodes(node), ways)
        if isinstance(node, ast.IfExp):
            ways = self.inside(node.test, ways)
            return self.inside(node.body, ways) | self.inside(node.orelse, ways)
        if isinstance(node, ast.BoolOp):
            return self.inside(node.values[0], ways) | self.inside_all(node.values, ways)
        after = self.inside_all(ast.iter_child_nodes(node), ways)
        return self.call(node, after) if isinstance(node, ast.Call) else after

    def call(self, node: ast.Call, ways: Ways) -> Ways:
        name = self.scope.program.resolve(node.func, self.scope.module)
        if name in ANNOUNCING or name in self.scope.program.functions:
            found = self.paths.found(name)
            self.walk.is_bare |= found.is_bare and not self.walk.is_atomic
            return frozenset(way.then(end) for way in ways for end in found.ways)
        if called(node) in WRITES and isinstance(node.func, ast.Attribute):
            kind = self.scope.kind(node.func.value)
            if kind not in (PLAIN, THING) and self.paths.is_governed(kind, self.scope.module.app):
                self.walk.is_bare |= not self.walk.is_atomic
                return frozenset(way.then(Way(wrote=True)) for way in ways)
        return ways


def _named(node: ast.expr) -> str:
    """Last word of what is called or named: `atomic` of `transaction.atomic` and of `transaction.atomic(using=…)`."""
    return called(node) if isinstance(node, ast.Call) else getattr(node, "attr", getattr(node, "id", ""))


def _each_then(ways: Iterable[Way], ends: Iterable[Way]) -> Ways:
    return frozenset(way.then(end.settled()) for way in ways for end in ends)


def _asked(ways: Ways, test: ast.expr, answer: bool) -> Iterator[Way]:
    """The ways on one side of a condition, where it asks whether `get_or_create` wrote."""
    is_not = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    name = getattr(test.operand if is_not else test, "id", "")
    for way in ways:
        if name and way.unsure == name:
            yield Way(way.wrote or answer is not is_not, way.announced)
        else:
            yield way
