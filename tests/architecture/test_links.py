"""An app leads to its own pages and those of apps below it: a URL's name is a dependency that no import shows."""

import ast
import configparser
import re
from pathlib import Path

import pytest

from tests.architecture.source_tree import ROOT, Module, called, calls, product
from tests.architecture.test_addresses import routes

LEADING = {"reverse", "reverse_lazy", "redirect", "resolve_url"}
URL_TAG = re.compile(r"""\{% url ['"]([\w-]+)['"]""")


def ranks() -> dict[str, int]:
    """Each package's layer, the lowest first, as .importlinter has it."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    layers = parser["importlinter:contract:packages"]["layers"].split("\n")
    found = [re.findall(r"\w+", line) for line in reversed(layers)]
    return {package: rank for rank, packages in enumerate(found) for package in packages}


def owners() -> dict[str, str]:
    """Name of each URL → the app whose view answers there; a library's view is the portal's, which joins it."""
    found = {}
    for route in routes():
        view = getattr(route.callback, "view_class", route.callback)
        package = view.__module__.split(".")[0]
        found[str(route.name)] = package if package in ranks() else "portal"
    return found


def is_above(name: str, app: str, owner_of: dict[str, str]) -> bool:
    return ranks()[owner_of[name]] > ranks()[app]


# The portal serves files, since it knows who may see which trail; what lists them says where.
EXCUSED = {("monitoring/api/serializers.py", "api-file")}


def upward_in_code(modules: list[Module], owner_of: dict[str, str]) -> list[str]:
    """URLs of upper apps that a module leads to, or keeps in a table for a module that leads anywhere."""
    return [
        f"{module.place}:{node.lineno} leads to {node.value} of {owner_of[node.value]}"
        for module in modules
        if module.app in ranks()
        for node in named(module)
        if node.value in owner_of
        and is_above(node.value, module.app, owner_of)
        and (module.place, node.value) not in EXCUSED
    ]


def named(module: Module) -> list[ast.Constant]:
    """What may be names of URLs: what a leading call is given; elsewhere in the module, words with a hyphen alone."""
    leading = [call for call in calls(module.tree) if called(call) in LEADING]
    given = [node for call in leading for argument in [*call.args, *call.keywords] for node in ast.walk(argument)]
    kept = [node for node in ast.walk(module.tree) if "-" in str(getattr(node, "value", ""))] if leading else []
    return list({id(node): node for node in [*given, *kept] if isinstance(node, ast.Constant)}.values())


def upward_in_templates(folder: Path, owner_of: dict[str, str]) -> list[str]:
    """The same of templates, which lie by app. All of them stand in the portal's frame, and may lead to its pages."""
    return [
        f"{template.relative_to(folder)} leads to {name} of {owner_of[name]}"
        for app in ranks()
        for template in sorted((folder / app).rglob("*.html"))
        for name in URL_TAG.findall(template.read_text())
        if owner_of[name] != "portal" and is_above(name, app, owner_of)
    ]


def test_no_app_leads_to_a_page_of_an_app_above_it():
    assert upward_in_code(product(), owners()) == []
    assert upward_in_templates(ROOT / "templates", owners()) == []


def test_every_address_has_its_owner():
    assert set(owners().values()) <= set(ranks())
    assert owners() | {"model-monitoring": "monitoring", "sign-in": "portal", "api-model": "inventory"} == owners()


@pytest.mark.parametrize(
    "source",
    [
        "def show(request, ref):\n    return redirect('model-monitoring', ref)",
        "TABS = ('model-trail',)\ndef tabs(ref):\n    return [reverse(name, args=[ref]) for name in TABS]",
        "def show(ref):\n    return urls.reverse(viewname='run', args=[ref])",
    ],
)
def test_a_way_up_in_code_is_found(source):
    module = Module("inventory.views", "inventory/views.py", ast.parse(source))

    assert len(upward_in_code([module], owners())) == 1


@pytest.mark.parametrize(
    "source", ["def show():\n    return redirect('models')", "STATES = ['audit', 'file']\nredirect('run')"]
)
def test_a_way_down_and_a_mere_word_are_none(source):
    module = Module("monitoring.views", "monitoring/views.py", ast.parse(source))

    assert upward_in_code([module], owners()) == []


def test_a_way_up_in_a_template_is_found(tmp_path):
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory" / "model.html").write_text(
        "{% url 'model-trail' ref %}{% url \"run\" 3 %}{% url 'model' ref %}"
    )

    assert upward_in_templates(tmp_path, owners()) == ["inventory/model.html leads to run of monitoring"]
