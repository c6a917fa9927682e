"""Real models, saved by MLflow, explained in the real sandbox and compared with SHAP computed outside.

A launch costs seconds of imports, so each model is explained once and several tests read the result.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from sandbox.explain import explain
from sandbox.explanation import ExplanationTarget, ShapValues, global_importance
from sandbox.handed_out import ExplanationRefused, Refusal
from sandbox.model_tree import model_tree_digest

SAMPLE, BACKGROUND = slice(0, 230), slice(230, 390)
NUMERIC = ["limit", "age", "late days"]
LOG_ODDS = {
    "logistic": ExplanationTarget("sklearn", "predict_proba", 1, "logit"),
    "boosted": ExplanationTarget("sklearn", "predict_proba", 1, "logit"),
    "forest": ExplanationTarget("sklearn", "predict_proba", 1, "identity"),
    "xgboost": ExplanationTarget("xgboost", "predict_proba", 1, "logit"),
    "lightgbm": ExplanationTarget("lightgbm", "predict_proba", 0, "logit"),
    "opaque": ExplanationTarget("pyfunc", "predict", None, "logit"),
}


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    rng = np.random.default_rng(20260418)
    frame = pd.DataFrame(
        {
            "limit": rng.normal(size=390),
            "age": rng.integers(20, 70, 390),
            "late days": rng.exponential(size=390),
            "job": rng.choice(["clerk", "nurse", "pilot"], 390),
        }
    )
    log_odds = frame["limit"] - 0.04 * (frame["age"] - 45) + frame["late days"] * (frame["job"] == "pilot")
    frame["defaulted"] = (log_odds + rng.logistic(size=390) > 0.5).astype(int)
    return frame


@pytest.fixture(scope="module")
def fitted(customers) -> dict[str, object]:
    import lightgbm
    import xgboost
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    prepare = ColumnTransformer([("n", StandardScaler(), NUMERIC), ("c", OneHotEncoder(), ["job"])])
    label, numbers = customers["defaulted"], customers[NUMERIC]
    return {
        "logistic": Pipeline([("prepare", prepare), ("score", LogisticRegression())]).fit(customers, label),
        "boosted": HistGradientBoostingClassifier(max_iter=15, random_state=1).fit(numbers, label),
        "forest": RandomForestClassifier(15, max_depth=4, random_state=1).fit(numbers, label),
        "xgboost": xgboost.XGBClassifier(n_estimators=15).fit(numbers, label),
        "lightgbm": lightgbm.LGBMClassifier(n_estimators=15, verbose=-1).fit(numbers, label),
        "opaque": _opaque(),
    }


def _opaque():
    import mlflow.pyfunc

    class Opaque(mlflow.pyfunc.PythonModel):
        """Log-odds that are a sum over columns, so that exact Shapley values are known."""

        def predict(self, context, model_input, params=None):
            import numpy

            pilots = (model_input["job"] == "pilot").to_numpy(dtype=float)
            return 1 / (1 + numpy.exp(-(2 * model_input["limit"] - 0.05 * model_input["age"] + pilots)))

    return Opaque()


@pytest.fixture(scope="module")
def folders(fitted, tmp_path_factory) -> dict[str, Path]:
    import mlflow.lightgbm
    import mlflow.pyfunc
    import mlflow.sklearn
    import mlflow.xgboost

    root = tmp_path_factory.mktemp("models")
    trees = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
    plain = {"pip_requirements": ["scikit-learn"]}
    mlflow.sklearn.save_model(fitted["logistic"], root / "logistic", **plain)
    mlflow.sklearn.save_model(fitted["boosted"], root / "boosted", skops_trusted_types=trees, **plain)
    mlflow.sklearn.save_model(fitted["forest"], root / "forest", serialization_format="pickle", **plain)
    mlflow.xgboost.save_model(fitted["xgboost"], root / "xgboost", **plain)
    mlflow.lightgbm.save_model(fitted["lightgbm"], root / "lightgbm", **plain)
    mlflow.pyfunc.save_model(root / "opaque", python_model=fitted["opaque"], **plain)
    return {name: root / name for name in fitted}


@pytest.fixture(scope="module")
def explained(customers, fitted, folders) -> Callable[[str], ShapValues]:
    done: dict[str, ShapValues] = {}

    def once(name: str) -> ShapValues:
        if name not in done:
            done[name] = explain(folders[name], **_inputs(name, customers, fitted), expected_digest=_digest(name))
        return done[name]

    def _digest(name: str) -> str:
        return model_tree_digest(folders[name])

    return once


def _columns(name: str) -> list[str]:
    return [*NUMERIC, "job"] if name in ("logistic", "opaque") else NUMERIC


def _inputs(name: str, customers: pd.DataFrame, fitted: dict) -> dict:
    rows, target = customers[_columns(name)], LOG_ODDS[name]
    logged = np.full(230, np.nan)
    if name != "opaque":
        logged = fitted[name].predict_proba(rows[SAMPLE])[:, target.output].astype(float)
    return {
        "sample": pa.Table.from_pandas(rows[SAMPLE], preserve_index=False),
        "background": pa.Table.from_pandas(rows[BACKGROUND], preserve_index=False),
        "target": target,
        "seed": 7,
        "budget_seconds": 120,
        "logged_scores": logged,
        "row_ids": [f"row-{n}" for n in range(230)],
    }


@pytest.mark.parametrize("name", LOG_ODDS)
def test_contributions_add_up_to_the_score_on_the_named_scale(explained, name):
    found = explained(name)

    scores = found.scores[found.rows]
    scale = np.log(scores / (1 - scores)) if found.target.link == "logit" else scores
    assert np.abs(found.base_value + found.shap_values.sum(axis=1) - scale).max() < 1e-4
    assert found.additivity_error <= 1e-4
    assert set(found.features) == set(_columns(name))


@pytest.mark.parametrize(
    ("name", "method", "by_code"),
    [
        ("logistic", "LinearExplainer", False),
        ("boosted", "TreeExplainer", False),
        ("forest", "TreeExplainer", True),
        ("xgboost", "native contributions", False),
        ("lightgbm", "native contributions", False),
        ("opaque", "permutation", True),
    ],
)
def test_the_method_and_the_way_of_loading_are_told(explained, name, method, by_code):
    found = explained(name)

    assert found.method == method
    assert found.loaded_by_code is by_code
    assert found.versions["shap"].startswith("0.54")


def test_one_hot_parts_are_summed_back_and_the_whole_background_counts(explained, fitted, customers):
    prepare, score = fitted["logistic"].named_steps.values()
    transformed = prepare.transform(customers[_columns("logistic")])
    parts = score.coef_[0] * (transformed[SAMPLE] - transformed[BACKGROUND].mean(axis=0))

    found = explained("logistic")

    expected = np.column_stack([parts[:, :3], parts[:, 3:].sum(axis=1)])
    assert found.features == (*NUMERIC, "job")
    assert found.shap_values == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("name", "sign"), [("boosted", 1), ("xgboost", 1), ("lightgbm", -1)])
def test_boosted_trees_agree_with_tree_explainer_outside(explained, fitted, customers, name, sign):
    import shap

    outside = shap.TreeExplainer(fitted[name], feature_perturbation="tree_path_dependent")
    expected = np.asarray(outside.shap_values(customers[SAMPLE][NUMERIC]))

    found = explained(name)

    assert found.shap_values == pytest.approx(sign * expected, abs=1e-5)


def test_a_forest_is_explained_as_a_probability_and_agrees_with_tree_explainer(explained, fitted, customers):
    import shap

    expected = shap.TreeExplainer(fitted["forest"]).shap_values(customers[SAMPLE][NUMERIC])[:, :, 1]

    found = explained("forest")

    assert found.shap_values == pytest.approx(expected, abs=1e-9)


def test_a_black_box_gets_at_most_200_rows_and_its_exact_shapley_values(explained, customers):
    found = explained("opaque")

    raw = customers[SAMPLE].iloc[found.rows]
    assert len(found.rows) == 200
    assert len(found.scores) == 230
    # Log-odds are a sum, so a column's Shapley value is its own term less a constant.
    for name, term in (
        ("limit", 2 * raw["limit"]),
        ("age", -0.05 * raw["age"]),
        ("job", 1.0 * (raw["job"] == "pilot")),
        ("late days", 0 * raw["limit"]),
    ):
        offset = found.shap_values[:, found.features.index(name)] - term.to_numpy()
        assert np.ptp(offset) < 1e-9, name


def test_the_most_important_feature_comes_first(explained):
    importance = global_importance(explained("opaque"))

    assert next(iter(importance)) == "limit"
    assert importance["late days"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", ["logistic", "boosted", "forest", "xgboost", "lightgbm"])
def test_scores_of_the_model_equal_the_logged_ones(explained, name):
    rescoring = explained(name).rescoring

    assert rescoring.agrees
    assert rescoring.compared == 230
    assert rescoring.equal_share == 1.0


def test_without_logged_scores_nothing_is_said_to_agree(explained):
    rescoring = explained("opaque").rescoring

    assert not rescoring.agrees
    assert (rescoring.compared, rescoring.without_log, rescoring.equal_share) == (0, 230, None)


def test_an_artefact_whose_digest_changed_is_not_loaded(customers, fitted, folders):
    with pytest.raises(ExplanationRefused, match="Register what is deployed as a new version") as refused:
        explain(folders["xgboost"], **_inputs("xgboost", customers, fitted), expected_digest="0" * 64)

    assert refused.value.refusal is Refusal.DIGEST_CHANGED
    assert refused.value.outcome is None


def test_a_column_that_the_model_needs_is_named(customers, fitted, folders):
    inputs = _inputs("boosted", customers, fitted)
    without = {side: inputs[side].drop_columns(["late days"]) for side in ("sample", "background")}

    with pytest.raises(ExplanationRefused, match="late days") as refused:
        explain(folders["boosted"], **{**inputs, **without})

    assert refused.value.refusal is Refusal.NOT_EXPLAINABLE


def test_a_flavour_that_the_model_lacks_is_refused_with_those_it_has(customers, fitted, folders):
    inputs = _inputs("opaque", customers, fitted) | {"target": ExplanationTarget("sklearn", "predict")}

    with pytest.raises(ExplanationRefused, match="it has pyfunc"):
        explain(folders["opaque"], **inputs)


def test_a_method_that_gives_labels_is_refused_where_log_odds_are_wanted(customers, fitted, folders):
    inputs = _inputs("xgboost", customers, fitted)
    target = ExplanationTarget("xgboost", "predict", None, "logit")

    with pytest.raises(ExplanationRefused, match="output and the link") as refused:
        explain(folders["xgboost"], **inputs | {"target": target})

    assert refused.value.refusal is Refusal.NOT_ADDITIVE


def test_lists_of_different_length_are_a_mistake_of_the_caller(customers, fitted, folders):
    inputs = _inputs("xgboost", customers, fitted) | {"row_ids": ["one"]}

    with pytest.raises(ValueError, match="one length"):
        explain(folders["xgboost"], **inputs)


def test_an_empty_sample_is_refused(customers, fitted, folders):
    inputs = _inputs("xgboost", customers, fitted)
    empty = {"sample": inputs["sample"].slice(0, 0), "logged_scores": [], "row_ids": []}

    with pytest.raises(ExplanationRefused) as refused:
        explain(folders["xgboost"], **inputs | empty)

    assert refused.value.refusal is Refusal.EMPTY_SAMPLE


def test_a_permutation_run_cut_short_agrees_with_the_full_one(explained, fitted, customers):
    from sandbox.inside import attributions

    rows = customers[_columns("opaque")].reset_index(drop=True)
    target = {"method": "predict", "output": None, "link": "logit"}

    class Model:
        def predict(self, frame):
            return fitted["opaque"].predict(None, frame)

    task = attributions.Task(Model(), rows[SAMPLE], rows[BACKGROUND].reset_index(drop=True), target, seed=7, seconds=0)
    short = attributions.attribute(task)

    full = explained("opaque")
    same = np.isin(full.rows, short.rows)
    assert len(short.rows) == attributions.PERMUTATION_CHUNK
    assert short.base == full.base_value
    assert short.values == pytest.approx(full.shap_values[same], abs=1e-12)
