"""What the checks read: the project's packages and modules, found by looking, never by a list.

Every function takes the root of a tree, so that a check can be shown to fail on a seeded one.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOT_THE_PRODUCT = {"tests", "benchmarks", "client", "docs", "deploy"}


@dataclass(frozen=True)
class Module:
    """A Python file: `name` is how one imports it, `place` where it lies below the root."""

    name: str
    place: str
    tree: ast.Module

    @property
    def app(self) -> str:
        return self.name.split(".")[0]

    @property
    def layer(self) -> str:
        """Second part of the name: `services` of `monitoring.services.runs`."""
        return [*self.name.split("."), ""][1]

    def functions(self) -> Iterator[ast.FunctionDef]:
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef))


def packages(root: Path = ROOT) -> list[str]:
    """Top-level packages of the product."""
    found = (folder.parent.name for folder in root.glob("*/__init__.py"))
    return sorted(name for name in found if name not in NOT_THE_PRODUCT)


def apps(root: Path = ROOT) -> list[str]:
    """Packages that are Django apps."""
    return [name for name in packages(root) if (root / name / "apps.py").exists()]


def product(root: Path = ROOT) -> list[Module]:
    """Every module of the product but migrations."""
    return [module for name in packages(root) for module in _modules(root, name) if "migrations" not in module.name]


def suite() -> list[Module]:
    """Every module of the tests but these checks."""
    return [module for module in _modules(ROOT, "tests") if not module.place.startswith("tests/architecture/")]


def calls(node: ast.AST) -> Iterator[ast.Call]:
    return (inner for inner in ast.walk(node) if isinstance(inner, ast.Call))


def called(call: ast.Call) -> str:
    """Last word of what is called: `record` of `services.record(…)`."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def argument(call: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _modules(root: Path, package: str) -> list[Module]:
    paths = sorted((root / package).rglob("*.py"))
    return [_module(root, path, path.stat().st_mtime_ns) for path in paths if "__pycache__" not in path.parts]


@cache
def _module(root: Path, path: Path, _changed_at: int) -> Module:
    place = path.relative_to(root)
    name = ".".join(place.with_suffix("").parts).removesuffix(".__init__")
    return Module(name, str(place), ast.parse(path.read_text(), filename=str(place)))
