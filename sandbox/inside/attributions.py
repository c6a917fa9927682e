"""SHAP values by the way that fits the model. Every way returns (n, p) on raw columns and a base value."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import lightgbm
import numpy as np
import pandas as pd
import xgboost
from sklearn.base import is_classifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.linear_model._base import LinearModel
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from sandbox.inside.loading import Unexplainable
from sandbox.inside.origins import Unmappable, check_origins, column_origins
from sandbox.inside.scoring import one_output, score, to_link

FORESTS = (
    RandomForestClassifier,
    RandomForestRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    DecisionTreeClassifier,
    DecisionTreeRegressor,
)
BOOSTED = (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
)
PERMUTATION_ROWS = 200  # 55 s a thousand rows: a black box gets no more
PERMUTATION_BACKGROUND = 50
PERMUTATION_ROUNDS = 5  # rounds through all columns, each forwards and backwards
PERMUTATION_CHUNK = 10


@dataclass(frozen=True)
class Attributions:
    """`values` (k, p) and `base` add up to `margins` (k,), the model's answer on the explained scale.

    `rows` (k,) are the explained rows of the sample, ascending; `method` and `detail` say how.
    """

    values: np.ndarray
    base: float
    margins: np.ndarray
    rows: np.ndarray
    method: str
    detail: str = ""


@dataclass(frozen=True)
class Task:
    """What is to be explained, with raw rows; `target` has flavour, method, output and link."""

    model: object
    sample: pd.DataFrame
    background: pd.DataFrame
    target: dict
    seed: int
    seconds: float


def attribute(task: Task) -> Attributions:
    """Explain after the known transform where the final step adds up on the wanted scale, else by permutation."""
    final, steps = _unwrapped(task.model)
    way = _way(final, task.target)
    if way is None:
        return _by_permutation(task, f"{type(final).__name__} has no exact way to this output and link")
    try:
        transform, origins = _transform(steps, task.sample)
    except Unmappable as reason:
        return _by_permutation(task, str(reason))
    attributed = way(final, transform(task.sample), transform(task.background), task.target)
    return _on_raw_columns(attributed, origins, task.sample.shape[1])


def _unwrapped(model: object) -> tuple[object, Pipeline | None]:
    if isinstance(model, Pipeline):
        return model[-1], model[:-1] if len(model) > 1 else None
    return model, None


def _transform(steps: Pipeline | None, sample: pd.DataFrame) -> tuple[Callable, np.ndarray | None]:
    if steps is None:
        return lambda frame: frame, None
    origins = column_origins(steps, list(sample.columns))

    def transform(frame: pd.DataFrame) -> np.ndarray:
        values = steps.transform(frame)
        values = values.toarray() if hasattr(values, "toarray") else values
        return np.asarray(values, dtype=float)

    if transform(sample.head(1)).shape[1] != len(origins):
        raise Unmappable("the transform gives another number of columns than its steps say")
    check_origins(transform, sample, origins)
    return transform, origins


def _on_raw_columns(attributed: Attributions, origins: np.ndarray | None, columns: int) -> Attributions:
    if origins is None:
        return attributed
    values = np.zeros((len(attributed.values), columns))
    np.add.at(values.T, origins, attributed.values.T)
    detail = "explained after the transform, parts added up to their raw column"
    return Attributions(values, attributed.base, attributed.margins, attributed.rows, attributed.method, detail)


def _way(final: object, target: dict) -> Callable | None:
    """The exact way to this output on this scale, or None."""
    asked = (target["method"], target["link"])
    if isinstance(final, (xgboost.Booster, xgboost.XGBModel)):
        return _xgboost if asked in _boosted_targets(_xgboost_objective(final)) else None
    if isinstance(final, (lightgbm.Booster, lightgbm.LGBMModel)):
        return _lightgbm if asked in _boosted_targets(_lightgbm_objective(final)) else None
    if isinstance(final, FORESTS):
        return _forest(final, target)
    if isinstance(final, BOOSTED):
        return _boosted_sklearn(final, target)
    if _is_linear(final, target):
        return _linear
    return None


def _boosted_targets(objective: str) -> set[tuple[str, str]]:
    if objective in ("binary:logistic", "binary"):
        return {("predict_proba", "logit"), ("predict", "logit")}
    if objective in ("reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "regression", "regression_l1"):
        return {("predict", "identity")}
    return set()


def _xgboost_objective(final: object) -> str:
    config = json.loads(_booster(final).save_config())
    return config["learner"]["objective"]["name"]


def _lightgbm_objective(final: object) -> str:
    booster = final.booster_ if isinstance(final, lightgbm.LGBMModel) else final
    return booster.dump_model(num_iteration=1)["objective"].split()[0]


def _booster(final: object) -> xgboost.Booster:
    return final.get_booster() if isinstance(final, xgboost.XGBModel) else final


def _xgboost(final: object, sample, background, target: dict) -> Attributions:
    matrix = xgboost.DMatrix(sample, enable_categorical=True)
    booster = _booster(final)
    # Early stopping: the wrapper's own predict stops at the best round, so must the contributions.
    rounds = (0, final.best_iteration + 1) if getattr(booster, "best_iteration", None) is not None else (0, 0)
    if isinstance(final, xgboost.Booster):
        rounds = (0, 0)
    parts = booster.predict(matrix, pred_contribs=True, iteration_range=rounds).astype(float)
    margins = booster.predict(matrix, output_margin=True, iteration_range=rounds).astype(float)
    return _signed(parts, margins, target, "native contributions")


def _lightgbm(final: object, sample, background, target: dict) -> Attributions:
    parts = np.asarray(final.predict(sample, pred_contrib=True), dtype=float)
    margins = np.asarray(final.predict(sample, raw_score=True), dtype=float)
    return _signed(parts, margins, target, "native contributions")


def _signed(parts: np.ndarray, margins: np.ndarray, target: dict, method: str) -> Attributions:
    """Contributions with the base in their last column; class 0 of two has the opposite log-odds."""
    sign = -1.0 if target["method"] == "predict_proba" and target["output"] == 0 else 1.0
    rows = np.arange(len(parts))
    return Attributions(sign * parts[:, :-1], sign * float(parts[0, -1]), sign * margins, rows, method)


def _forest(final: object, target: dict) -> Callable | None:
    """Votes add up to a probability, which is then explained as such; log-odds of it do not add up."""
    method = "predict_proba" if is_classifier(final) else "predict"
    return _tree if (target["method"], target["link"]) == (method, "identity") else None


def _boosted_sklearn(final: object, target: dict) -> Callable | None:
    if getattr(final, "is_categorical_", None) is not None and np.any(final.is_categorical_):
        return None  # TreeExplainer does not know scikit-learn's categorical splits
    if is_classifier(final):
        wanted, loss = {("predict_proba", "logit"), ("decision_function", "identity")}, {"log_loss"}
    else:
        wanted, loss = {("predict", "identity")}, {"squared_error", "absolute_error", "huber", "quantile"}
    two_or_none = len(getattr(final, "classes_", (0, 1))) == 2
    return _tree if (target["method"], target["link"]) in wanted and two_or_none and final.loss in loss else None


def _tree(final: object, sample, background, target: dict) -> Attributions:
    import shap

    matrix = np.asarray(sample, dtype=float)
    explainer = shap.TreeExplainer(final, feature_perturbation="tree_path_dependent")
    values = np.asarray(explainer.shap_values(matrix, check_additivity=False))
    base = np.atleast_1d(np.asarray(explainer.expected_value, dtype=float))
    if values.ndim == 3:
        values, base = values[:, :, target["output"]], base[target["output"]]
        margins, sign = one_output(final.predict_proba(_as_fitted(final, sample)), target["output"]), 1.0
    else:
        base, sign = base[-1], -1.0 if target["method"] == "predict_proba" and target["output"] == 0 else 1.0
        answer = final.decision_function if is_classifier(final) else final.predict
        margins = np.ravel(answer(_as_fitted(final, sample))).astype(float)
    return Attributions(sign * values, sign * float(base), sign * margins, np.arange(len(values)), "TreeExplainer")


def _as_fitted(final: object, sample):
    """Rows as the estimator saw them when it was fitted: with names or without."""
    return sample if hasattr(final, "feature_names_in_") else np.asarray(sample, dtype=float)


def _is_linear(final: object, target: dict) -> bool:
    asked = (target["method"], target["link"])
    logistic = isinstance(final, LogisticRegression) or (isinstance(final, SGDClassifier) and final.loss == "log_loss")
    if logistic and len(final.classes_) == 2:
        return asked in {("predict_proba", "logit"), ("decision_function", "identity")}
    return isinstance(final, LinearModel) and not is_classifier(final) and asked == ("predict", "identity")


def _linear(final: object, sample, background, target: dict) -> Attributions:
    import shap

    matrix, reference = np.asarray(sample, dtype=float), np.asarray(background, dtype=float)
    # The masker's default keeps 100 background rows, which put values 0.043 off.
    masker = shap.maskers.Independent(reference, max_samples=len(reference))
    coefficients, intercept = np.ravel(final.coef_), float(np.ravel(final.intercept_)[0])
    sign = -1.0 if target["method"] == "predict_proba" and target["output"] == 0 else 1.0
    explainer = shap.LinearExplainer((sign * coefficients, sign * intercept), masker)
    values = np.asarray(explainer.shap_values(matrix), dtype=float)
    margins = sign * (matrix @ coefficients + intercept)
    return Attributions(values, float(explainer.expected_value), margins, np.arange(len(values)), "LinearExplainer")


def _by_permutation(task: Task, why: str) -> Attributions:
    """Explain raw columns of a black box: seeded, at most 200 rows, fewer when the time is used up.

    A row's values depend on the seed and the row alone, so a run cut short agrees with a full one.
    """
    import shap

    deadline = time.monotonic() + task.seconds
    rng = np.random.default_rng(task.seed)
    chosen = _drawn(rng, len(task.sample), PERMUTATION_ROWS)
    coding = _Coding(pd.concat([task.sample, task.background], ignore_index=True))
    codes = coding.codes[: len(task.sample)][chosen]
    background = coding.codes[len(task.sample) :][_drawn(rng, len(task.background), PERMUTATION_BACKGROUND)]
    masker = shap.maskers.Independent(background, max_samples=len(background))

    def answer(matrix: np.ndarray) -> np.ndarray:
        return to_link(score(task.model, coding.frame(matrix), task.target), task.target["link"])

    values = []
    order = rng.permutation(len(chosen))  # a run cut short still covers the whole range of rows
    evaluations = PERMUTATION_ROUNDS * (2 * codes.shape[1] + 1)
    for start in range(0, len(order), PERMUTATION_CHUNK):
        if values and time.monotonic() > deadline:
            break
        explainer = shap.PermutationExplainer(answer, masker, seed=task.seed + start)
        explained = explainer(codes[order[start : start + PERMUTATION_CHUNK]], max_evals=evaluations, silent=True)
        values.append(np.asarray(explained.values, dtype=float))
    done = np.sort(order[: sum(map(len, values))])
    values = np.concatenate(values)[np.argsort(order[: len(done)])]
    base = float(answer(background).mean())
    return Attributions(values, base, answer(codes[done]), chosen[done], "permutation", why)


def _drawn(rng: np.random.Generator, available: int, most: int) -> np.ndarray:
    return np.sort(rng.choice(available, min(available, most), replace=False))


class _Coding:
    """Raw rows as numbers and back: categories and texts become codes, numbers stay themselves."""

    def __init__(self, frame: pd.DataFrame):
        self.columns, self.dtypes, self.levels = list(frame.columns), frame.dtypes, {}
        self.codes = np.empty(frame.shape, dtype=float)
        for position, name in enumerate(self.columns):
            self.codes[:, position] = self._coded(name, frame[name])

    def _coded(self, name: str, column: pd.Series) -> np.ndarray:
        if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_extension_array_dtype(column.dtype):
            return column.to_numpy(dtype=float)
        codes, levels = pd.factorize(column)
        self.levels[name] = pd.Series(levels)
        return codes

    def frame(self, matrix: np.ndarray) -> pd.DataFrame:
        columns = {name: self._decoded(name, matrix[:, position]) for position, name in enumerate(self.columns)}
        return pd.DataFrame(columns, columns=self.columns)

    def _decoded(self, name: str, codes: np.ndarray) -> pd.Series:
        if name not in self.levels:
            return pd.Series(codes).astype(self.dtypes[name])
        # Code -1 is a missing value; reindexing by a label that is not there gives one back.
        return self.levels[name].reindex(codes.astype(int)).reset_index(drop=True).astype(self.dtypes[name])


__all__ = ["Attributions", "Task", "Unexplainable", "attribute"]
