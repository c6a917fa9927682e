"""What a worker imports to use the sandbox loads no library that could load a model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[3]
HEAVY = {"mlflow", "shap", "evidently", "sklearn", "xgboost", "lightgbm", "pandas", "skops", "django"}


def test_the_parent_side_imports_no_model_library_and_no_django():
    modules = [f"sandbox.{path.stem}" for path in (PROJECT / "sandbox").glob("*.py") if path.stem != "__init__"]

    loaded = subprocess.run(
        [sys.executable, "-c", f"import sys, {', '.join(modules)}; print(*sys.modules)"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert len(modules) > 10
    assert not HEAVY & set(loaded.stdout.split())
