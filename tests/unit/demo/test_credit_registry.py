"""The registry that a newcomer finds: two models, each registered once, each bound to its training data."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


QUESTIONS = """
import json, mlflow
versions = mlflow.MlflowClient().search_model_versions(order_by=["name ASC"])
infos = [mlflow.models.get_model_info(f"models:/{v.name}/{v.version}") for v in versions]
print(json.dumps({
    "names": [v.name for v in versions],
    "tags": [v.tags for v in versions],
    "flavours": [sorted(info.flavors) for info in infos],
    "inputs": [info.signature.inputs.input_names() for info in infos],
}))
"""


@dataclass
class Bank:
    """The folder after two starts, what each start described, and what the registry then says."""

    folder: Path
    first: dict
    second: dict
    registry: dict


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bank")
    first = start(folder)
    (folder / "models.json").unlink()  # as when it was stopped just before the end
    second = start(folder)
    answer = python(folder, "-c", QUESTIONS)
    return Bank(folder, first, second, json.loads(answer.splitlines()[-1]))


def start(folder: Path) -> dict:
    python(folder, "-m", "demo.credit", folder)
    return json.loads((folder / "models.json").read_text())


def python(folder: Path, *arguments: str | Path) -> str:
    """MLflow keeps its store in files of `folder`: no server is needed to see what it was given."""
    environ = {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *arguments], env=os.environ | environ, cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_models_are_registered_with_the_digest_of_their_training_data(bank):
    digest = hashlib.sha256((bank.folder / "training.parquet").read_bytes()).hexdigest()

    assert [tags["training_data_sha256"] for tags in bank.registry["tags"]] == [digest, digest]
    assert {model["training_data_digest"] for model in bank.first["models"]} == {digest}
    assert bank.registry["flavours"] == [["lightgbm", "python_function"], ["python_function", "sklearn"]]


def test_the_signature_names_every_input_and_no_protected_attribute(bank):
    for inputs in bank.registry["inputs"]:
        assert len(inputs) == 20
        assert not {"SEX", "AGE", "MARRIAGE"} & set(inputs)


def test_no_artefact_holds_a_pickle_or_the_portal_s_own_files(bank):
    files = {path.name for path in bank.folder.rglob("artifacts/*")}

    assert {"model.skops", "model.lgb", "MLmodel", "input_example.json"} <= files
    assert not {name for name in files if name.endswith(".pkl") or name in ("uv.lock", "pyproject.toml")}


def test_a_second_start_registers_nothing_twice(bank):
    assert bank.registry["names"] == ["card-default-boosted", "card-default-scorecard"]
    assert bank.second == bank.first
