"""The byte-code that setting up compiles: what is imported, and not twice as much."""

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

from demo import bytecode

ROOT = Path(__file__).parents[3]
IMPORTED = """
import json, sys
import evidently.presets, shap
import plotly.graph_objects as go
go.Figure([go.Scatter(x=[1], y=[1]), go.Bar(x=[1], y=[1]), go.Heatmap(z=[[1]])], layout={"title": {"text": "all"}})
print(json.dumps(sorted({module.__file__ for module in sys.modules.values() if getattr(module, "__file__", None)})))
"""


def write(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("answer = 42\n")


def test_libraries_tests_and_validators_that_no_figure_asks_for_are_left_out(tmp_path):
    write(
        tmp_path, "django/apps.py", "numpy/tests/test_it.py", "plotly/validators/bar/x.py", "plotly/validators/pie/x.py"
    )
    (tmp_path / "django" / "apps.js").touch()

    found = [Path(path).relative_to(tmp_path) for path in bytecode.wanted(tmp_path)]

    assert list(map(str, found)) == ["django/apps.py", "plotly/validators/bar/x.py"]


def test_what_reports_explanations_and_figures_import_is_compiled():
    done = subprocess.run([sys.executable, "-c", IMPORTED], cwd=ROOT, capture_output=True, text=True, check=True)
    packages = Path(sysconfig.get_path("purelib"))

    imported = [Path(file) for file in json.loads(done.stdout) if file.endswith(".py")]
    ours = [str(file.relative_to(packages)) for file in imported if file.is_relative_to(packages)]

    assert len(ours) > 2000
    assert [file for file in ours if not bytecode.is_wanted(file)] == []


def test_it_counts_while_it_compiles_and_passes_over_what_only_looks_like_python(tmp_path, monkeypatch):
    write(tmp_path, "one.py", "two.py")
    (tmp_path / "template.py").write_text("class {{ name }}:\n")
    monkeypatch.setattr(bytecode, "SAY_EVERY_SECONDS", 0)

    counted = list(bytecode.compiled(bytecode.wanted(tmp_path)))

    assert counted == [1, 2, 3]
    assert sorted(made.name.split(".")[0] for made in tmp_path.rglob("*.pyc")) == ["one", "two"]
