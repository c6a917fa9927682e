"""What a web process imports of monitoring compiles and reads nothing: that is the worker's."""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[3]
PROGRAM = """
import os, sys
import django
django.setup()
import portal.urls
heavy = {"numba", "engines.local", "engines.kernels", "mlflow", "shap", "evidently"}
print(*sorted(heavy & set(sys.modules)))
"""


def test_pages_import_no_engine_and_no_model_library():
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=PROJECT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""


def test_twin_a_worker_imports_the_engine():
    program = PROGRAM.replace("import portal.urls", "import worker.tasks.monitoring")

    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)

    assert "engines.local" in done.stdout


def test_windows_are_measured_without_django():
    program = "import sys, monitoring.measures.windows; print('django' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
