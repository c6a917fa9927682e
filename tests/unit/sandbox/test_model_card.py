"""Reading MLmodel as data: what it says, and what a hostile one cannot do."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sandbox.model_card import LARGEST_CARD, ModelCardRefused, SignatureColumn, inspect_model

SKLEARN = """
flavors:
  python_function: {loader_module: mlflow.sklearn, python_version: 3.13.0, model_path: model.skops}
  sklearn: {pickled_model: model.skops, serialization_format: skops, sklearn_version: 1.9.1, code: null%s}
mlflow_version: 3.17.2
model_uuid: 3a9f
run_id: 77ab
utc_time_created: '2026-11-23 19:14:00'
signature:
  inputs: '[{"type": "double", "name": "income", "required": true},
    {"type": "string", "name": "job", "required": false}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]'
"""


def card_of(folder: Path, text: str):
    (folder / "MLmodel").write_text(text)
    return inspect_model(folder)


def test_a_card_tells_flavour_signature_run_and_versions(tmp_path):
    card = card_of(tmp_path, SKLEARN % "")

    assert (card.flavour, card.loading.form, card.loading.data) == ("sklearn", "skops", "model.skops")
    assert card.inputs == (SignatureColumn("income", "double"), SignatureColumn("job", "string", required=False))
    assert card.outputs == (SignatureColumn("", "tensor(int64)"),)
    assert (card.run_id, card.model_uuid, card.mlflow_version) == ("77ab", "3a9f", "3.17.2")
    assert (card.library_version, card.python_version) == ("1.9.1", "3.13.0")
    assert not card.loaded_by_code


@pytest.mark.parametrize(
    ("flavour", "by_code"),
    [
        ("sklearn: {pickled_model: model.pkl, serialization_format: pickle}", True),
        ("sklearn: {pickled_model: model.pkl, serialization_format: cloudpickle}", True),
        ("sklearn: {pickled_model: model.pkl}", True),
        ("sklearn: {pickled_model: m, serialization_format: skops}", False),
        ("sklearn: {pickled_model: m, serialization_format: skops, code: code}", True),
        ("sklearn: {pickled_model: m, serialization_format: skops, skops_trusted_types: [os.system]}", True),
        (
            "sklearn: {pickled_model: m, serialization_format: skops, skops_trusted_types: [sklearn.tree._tree.Tree]}",
            False,
        ),
        ("xgboost: {data: model.ubj, model_class: xgboost.sklearn.XGBClassifier}", False),
        ("lightgbm: {data: model.lgb, model_class: lightgbm.basic.Booster}", False),
        ("lightgbm: {data: model.pkl, model_class: lightgbm.sklearn.LGBMClassifier}", True),
        ("python_function: {loader_module: mlflow.pyfunc.model}", True),
    ],
)
def test_a_model_is_marked_when_loading_it_runs_its_code(tmp_path, flavour, by_code):
    assert card_of(tmp_path, f"flavors:\n  {flavour}\n").loaded_by_code is by_code


def test_the_native_flavour_is_preferred_and_others_stay_known(tmp_path):
    card = card_of(tmp_path, SKLEARN % "")

    assert card.loading_as("pyfunc").by_code
    with pytest.raises(ModelCardRefused, match="it has pyfunc, sklearn"):
        card.loading_as("xgboost")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("flavors: [", "not YAML"),
        ("just words", "not a mapping"),
        ("run_id: 1", "no flavors"),
        ("flavors: {onnx: {data: model.onnx}}", "none of the flavours"),
        ("flavors: {xgboost: {data: ../../etc/passwd}}", "outside its folder"),
        ("flavors: {xgboost: {data: /etc/passwd}}", "outside its folder"),
        ("flavors: {sklearn: {pickled_model: m, serialization_format: dill}}", "dill"),
        ("flavors: {sklearn: {pickled_model: m, skops_trusted_types: {a: b}}}", "trusted types"),
        ("flavors: {xgboost: {data: m}}\nsignature: {inputs: 'income'}", "signature's inputs"),
        ("flavors: {xgboost: {data: m}}\nsignature: {inputs: '[{}]'}", "signature's inputs"),
        ("flavors: !!python/object/apply:os.system ['touch /tmp/assay-escaped']", "not YAML"),
        ("a: " + "[" * 5000, "not YAML"),
    ],
)
def test_a_card_that_cannot_be_used_is_refused_with_the_reason(tmp_path, text, reason):
    with pytest.raises(ModelCardRefused, match=reason):
        card_of(tmp_path, text)


def test_a_missing_and_an_oversized_card_are_refused(tmp_path):
    with pytest.raises(ModelCardRefused, match="no readable MLmodel"):
        inspect_model(tmp_path)
    with pytest.raises(ModelCardRefused, match="larger than"):
        card_of(tmp_path, "#" * (LARGEST_CARD + 1))


def test_a_bomb_of_references_costs_nothing(tmp_path):
    levels = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 30))
    started = time.monotonic()

    card = card_of(tmp_path, f"l0: &l0 {{a: 1}}\n{levels}\nflavors: {{xgboost: {{data: m}}}}\n")

    assert card.flavour == "xgboost"
    assert time.monotonic() - started < 5


def test_a_bomb_of_merges_is_refused_at_once(tmp_path):
    levels = "\n".join(f"l{n}: &l{n} {{<<: [{', '.join([f'*l{n - 1}'] * 9)}]}}" for n in range(1, 30))
    started = time.monotonic()

    with pytest.raises(ModelCardRefused, match="not YAML"):
        card_of(tmp_path, f"l0: &l0 {{a: 1}}\n{levels}\nflavors: {{xgboost: {{data: m}}}}\n")

    assert time.monotonic() - started < 5
