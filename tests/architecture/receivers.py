"""What stands before the dot of `x.update(…)`: rows of a class, something that holds no rows, or nobody can say.

Read from the code alone: annotations, imports and what a name was made from. No module is imported for it.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property

from tests.architecture.source_tree import Module, called

PLAIN = "plain"  # a dict, a digest, a module: neither it nor what its methods give holds rows
THING = "thing"  # an object of a class without rows; what hangs on it may have some (`request.user`)
HANDING_ON = {
    "contextlib",
    "copy",
    "functools",
    "itertools",
    "operator",
}  # libraries that give back what they are given
MAKING = {
    "bytearray", "bytes", "dict", "enumerate", "frozenset", "int", "len", "list", "open", "range", "set", "sorted",
    "str", "sum", "tuple", "vars", "zip",
}  # fmt: skip
NAMESPACES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
ROWS_OF_ANY = {"Manager", "Model", "QuerySet"}  # of django.db.models: rows, of a class that does not show
MAKING_MODELS = {"get_model", "get_models", "get_user_model"}
LITERALS = (
    ast.Constant, ast.JoinedStr, ast.Dict, ast.DictComp, ast.Set, ast.SetComp, ast.List, ast.ListComp, ast.Tuple,
    ast.GeneratorExp,
)  # fmt: skip


@dataclass
class Program:
    """All modules together, so that a name can be followed over an import. models: names of the classes with rows."""

    modules: list[Module]
    models: set[str]

    @cached_property
    def by_name(self) -> dict[str, Module]:
        return {module.name: module for module in self.modules}

    @cached_property
    def functions(self) -> dict[str, tuple[ast.FunctionDef, Module]]:
        """`app.services.verb` → its definition; functions of a module's own level."""
        return {
            f"{module.name}.{node.name}": (node, module)
            for module in self.modules
            for node in module.tree.body
            if isinstance(node, ast.FunctionDef)
        }

    def resolve(self, node: ast.expr, module: Module) -> str:
        """Full name of `record`, `services.record` or `Model`, as the module's imports have it; '' for other things."""
        if isinstance(node, ast.Attribute):
            base = self.resolve(node.value, module)
            return f"{base}.{node.attr}" if base else ""
        if not isinstance(node, ast.Name):
            return ""
        return imports_of(module).get(node.id) or (f"{module.name}.{node.id}" if node.id in defined(module) else "")


@cache
def imports_of(module: Module) -> dict[str, str]:
    """Name in the module → full name of what it imports."""
    found = {}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.asname: alias.name for alias in node.names if alias.asname}
            found |= {top: top for alias in node.names if not alias.asname for top in [alias.name.split(".")[0]]}
    return found


@cache
def defined(module: Module) -> set[str]:
    return {node.name for node in module.tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}


@dataclass
class Scope:
    """The names of one function (or of a module's own level) and what each was made from."""

    program: Program
    module: Module
    node: ast.AST
    owner: ast.ClassDef | None = None
    _asking: set[str] = field(default_factory=set)

    # ---- what an expression is ----------------------------------------------------------------------------------
    def kind(self, node: ast.expr) -> str | None:
        """Name of a class with rows (a record, its manager, a query of it), PLAIN, THING, or None: nobody can say."""
        if isinstance(node, LITERALS):
            return PLAIN
        if isinstance(node, ast.Name):
            return self._of_name(node.id)
        if isinstance(node, ast.Attribute):
            return self._of_attribute(node)
        if isinstance(node, ast.Call):
            return self._of_call(node)
        if isinstance(node, ast.BinOp):
            sides = self.kind(node.left), self.kind(node.right)  # a dict and a dict, a query and a query
            return next(filter(None, sides), None)
        if isinstance(node, (ast.IfExp, ast.BoolOp)):
            sides = [node.body, node.orelse] if isinstance(node, ast.IfExp) else node.values
            return one_of([self.kind(side) for side in sides])
        return self.kind(node.value) if isinstance(node, (ast.NamedExpr, ast.Starred)) else None

    def _of_name(self, name: str) -> str | None:
        if name in self._asking:
            return None
        self._asking.add(name)
        try:
            if name in ("self", "cls") and self.owner:
                return self._of_owner()
            if name in self._bindings:
                return one_of([read() for read in self._bindings[name]])
            if isinstance(self.node, ast.Module):
                return self._of_class(self.program.resolve(ast.Name(name), self.module))
            return Scope(self.program, self.module, self.module.tree, _asking=self._asking - {name})._of_name(name)
        finally:
            self._asking.discard(name)

    def _of_attribute(self, node: ast.Attribute) -> str | None:
        if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls") and self.owner:
            return self._of_own(node.attr)
        if full := self.program.resolve(node, self.module):
            return self._of_class(full)
        # `Model.objects` is Model's; `model.versions` are rows of a class that stands elsewhere
        return self.kind(node.value) if node.attr == "objects" else None

    def _of_owner(self) -> str | None:
        """The object that a method is called on. What its bases are able to do, nobody can say."""
        if self.owner.name in self.program.models:
            return self.owner.name
        return None if self.owner.bases else THING

    def _of_own(self, name: str) -> str | None:
        """What the class sets its attribute to, or says that it is."""
        found = []
        for inner in ast.walk(self.owner):
            for target, value in assignments(inner):
                if ast.unparse(target) in (f"self.{name}", name):
                    found.append(self.annotated(inner.annotation) if value is None else self.kind(value))
        return one_of(found)

    def _of_class(self, full: str) -> str | None:
        """What a full name stands for: a class with rows, a module, a thing without, or nobody can say."""
        package, _, name = full.rpartition(".")
        if not full or (package == "django.db.models" and name in ROWS_OF_ANY) or name in MAKING_MODELS:
            return None
        if full.endswith(".objects"):
            return package.rpartition(".")[2] if package.rpartition(".")[2] in self.program.models else None
        if name in self.program.models:
            return name
        if package.endswith(("forms", "serializers")):
            return None
        return THING if name[:1].isupper() else PLAIN

    def _of_call(self, node: ast.Call) -> str | None:
        if isinstance(node.func, ast.Name) and node.func.id == "get_object_or_404" and node.args:
            return self.kind(node.args[0])
        full = self.program.resolve(node.func, self.module)
        if full in self.program.functions:
            function, module = self.program.functions[full]
            return Scope(self.program, module, function).annotated(function.returns)
        if isinstance(node.func, ast.Name) and node.func.id not in self._bindings:
            return self._made(full) if full else (PLAIN if node.func.id in MAKING else None)
        if not isinstance(node.func, ast.Attribute):
            return None
        if full and ".objects." in f"{full}.":
            return self._of_class(full.partition(".objects")[0] + ".objects")
        if full:
            return self._made(full)
        inner = self.kind(node.func.value)
        return None if inner == THING else inner

    def _made(self, full: str) -> str | None:
        """What a call gives: an object of a class; of a library's function nothing with rows, if it makes it itself."""
        package, name = full.split(".")[0], full.rpartition(".")[2]
        if name[:1].isupper():
            return self._of_class(full)
        return PLAIN if package in sys.stdlib_module_names - HANDING_ON else None

    def part(self, node: ast.expr, place: int) -> str | None:
        """What one of several names gets: a part of the tuple that a function says it returns, or a record."""
        full = self.program.resolve(node.func, self.module) if isinstance(node, ast.Call) else ""
        if full in self.program.functions:
            function, module = self.program.functions[full]
            parts = getattr(getattr(function.returns, "slice", None), "elts", [])
            return Scope(self.program, module, function).annotated(parts[place]) if place < len(parts) else None
        return self.kind(node) if place == 0 and called_last(node) in ("get_or_create", "update_or_create") else None

    # ---- what an annotation says --------------------------------------------------------------------------------
    def annotated(self, node: ast.expr | None) -> str | None:
        if node is None or isinstance(node, ast.Constant):
            return None
        if isinstance(node, ast.BinOp):  # X | None
            return one_of([self.annotated(side) for side in (node.left, node.right) if not is_none(side)])
        if isinstance(node, ast.Subscript):
            head = ast.unparse(node.value)
            return self.annotated(node.slice) if head.endswith(("QuerySet", "type")) else PLAIN
        if isinstance(node, ast.Name) and hasattr(builtins, node.id):
            return PLAIN
        return self._of_class(self.program.resolve(node, self.module))

    def element(self, node: ast.expr) -> str | None:
        """What a loop over the expression gives: a record of the same class, or what the annotation says."""
        found = self.kind(node)
        if found != PLAIN:
            return found
        annotation = self._annotations.get(getattr(node, "id", ""))
        if isinstance(annotation, ast.Subscript):
            inner = annotation.slice.elts[-1] if isinstance(annotation.slice, ast.Tuple) else annotation.slice
            return self.annotated(inner)
        return None

    # ---- names ----------------------------------------------------------------------------------------------------
    @cached_property
    def _annotations(self) -> dict[str, ast.expr]:
        arguments = getattr(self.node, "args", None)
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs] if arguments else []
        found = {argument.arg: argument.annotation for argument in named}
        typed = [n for n in own_nodes(self.node) if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)]
        return found | {node.target.id: node.annotation for node in typed}

    @cached_property
    def _bindings(self) -> dict[str, list]:
        """Name → for each place that binds it, how to find out what it is there."""
        found: dict[str, list] = {}
        for name, annotation in self._annotations.items():
            found.setdefault(name, []).append(lambda a=annotation: self.annotated(a))
        for node in own_nodes(self.node):
            for target, value in assignments(node):
                if isinstance(target, ast.Name) and value is not None:
                    found.setdefault(target.id, []).append(lambda v=value: self.kind(v))
                elif isinstance(target, ast.Tuple):
                    for place, inner in enumerate(target.elts):
                        self._bind(found, inner, lambda v=value, p=place: self.part(v, p))
            if isinstance(node, (ast.For, ast.comprehension)):
                self._bind(found, node.target, lambda v=node.iter: self.element(v))
            if isinstance(node, ast.withitem) and node.optional_vars is not None:
                self._bind(found, node.optional_vars, lambda v=node.context_expr: self.kind(v))
        return found

    def _bind(self, found: dict[str, list], target: ast.expr, read) -> None:
        """One name gets what stands there; of several at once nobody can say what they get."""
        for node in ast.walk(target):
            if isinstance(node, ast.Name):
                found.setdefault(node.id, []).append(read if node is target else lambda: None)


def one_of(kinds: list[str | None]) -> str | None:
    """What all of them are; a class with rows, where one of them is."""
    rows = [kind for kind in kinds if kind not in (PLAIN, THING, None)]
    if rows or not kinds or None in kinds:
        return rows[0] if rows else None
    return THING if THING in kinds else PLAIN


def is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def called_last(node: ast.expr) -> str:
    return called(node) if isinstance(node, ast.Call) else ""


def assignments(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    """(target, value) of an assignment, one for one where both sides are tuples; value None for a mere annotation."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            both = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
            yield from zip(target.elts, node.value.elts, strict=False) if both else [(target, node.value)]
    elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)):
        yield node.target, node.value


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Everything below the node but the insides of functions and classes in it."""
    for inner in ast.iter_child_nodes(node):
        yield inner
        if not isinstance(inner, NAMESPACES):
            yield from own_nodes(inner)


def scopes(program: Program, module: Module) -> Iterator[Scope]:
    """The module's own level, then every class and function in it, with the class that it is a method of."""
    yield Scope(program, module, module.tree)
    waiting: list[tuple[ast.AST, ast.ClassDef | None]] = [(module.tree, None)]
    while waiting:
        node, owner = waiting.pop()
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, NAMESPACES):
                yield Scope(program, module, inner, owner)
            waiting.append((inner, inner if isinstance(inner, ast.ClassDef) else owner))
