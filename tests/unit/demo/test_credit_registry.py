"""The registry that a newcomer finds: two models, each registered once, each bound to its training data."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def registered(tmp_path_factory):
    """The bank's folder after `python -m demo.credit`, with MLflow's own store on a file."""
    folder = tmp_path_factory.mktemp("bank")
    run(folder)
    return folder


def run(folder: Path) -> dict:
    environ = os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db", "MLFLOW_ARTIFACT_ROOT": str(folder)}
    argv = [sys.executable, "-m", "demo.credit", folder]
    done = subprocess.run(argv, env=environ | {"PYTHONPATH": str(ROOT)}, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "models.json").read_text())


def ask_registry(folder: Path, expression: str) -> list:
    code = f"import json, mlflow; client = mlflow.MlflowClient(); print(json.dumps({expression}))"
    environ = os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
    done = subprocess.run([sys.executable, "-c", code], env=environ, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_two_models_are_registered_with_the_digest_of_their_training_data(registered):
    described = json.loads((registered / "models.json").read_text())["models"]
    digest = hashlib.sha256((registered / "training.parquet").read_bytes()).hexdigest()

    tags = ask_registry(registered, "[v.tags['training_data_sha256'] for v in client.search_model_versions()]")
    flavours = ask_registry(
        registered,
        "[sorted(mlflow.models.get_model_info(f'models:/{v.name}/{v.version}').flavors)"
        " for v in client.search_model_versions(order_by=['name ASC'])]",
    )

    assert tags == [digest, digest]
    assert {model["training_data_digest"] for model in described} == {digest}
    assert flavours == [["lightgbm", "python_function"], ["python_function", "sklearn"]]


def test_no_artefact_holds_a_pickle_or_the_portal_s_own_files(registered):
    files = {path.name for path in registered.rglob("artifacts/*")}

    assert {"model.skops", "model.lgb", "MLmodel", "input_example.json"} <= files
    assert not {name for name in files if name.endswith(".pkl") or name in ("uv.lock", "pyproject.toml")}


def test_a_second_start_registers_nothing_twice(registered):
    before = json.loads((registered / "models.json").read_text())
    (registered / "models.json").unlink()  # as when it was stopped just before the end

    after = run(registered)

    assert after == before
    assert ask_registry(registered, "len(client.search_model_versions())") == 2
