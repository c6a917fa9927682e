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


# One process for all of it: importing MLflow costs more than everything that is done with it.
TWO_STARTS = """
import json, sys
from pathlib import Path
from demo.credit.__main__ import main

folder, uri = Path(sys.argv[1]), sys.argv[2]
main(folder, uri)
first = (folder / "models.json").read_text()
(folder / "models.json").unlink()  # as when it was stopped just before the end
main(folder, uri)

import mlflow
versions = mlflow.MlflowClient().search_model_versions(order_by=["name ASC"])
infos = [mlflow.models.get_model_info(f"models:/{v.name}/{v.version}") for v in versions]
print(json.dumps({
    "first": json.loads(first),
    "second": json.loads((folder / "models.json").read_text()),
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
    """MLflow keeps its store in files of the folder: no server is needed to see what it was given."""
    folder = tmp_path_factory.mktemp("bank")
    argv = [sys.executable, "-c", TWO_STARTS, folder, f"sqlite:///{folder}/mlflow.db"]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, env=environ, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    return Bank(folder, said.pop("first"), said.pop("second"), said)


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
