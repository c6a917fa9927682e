"""What a model answers for raw rows: the score that was named, and the same on the explained scale."""

from __future__ import annotations

import lightgbm
import numpy as np
import pandas as pd
import xgboost

from sandbox.inside.loading import Unexplainable

# A probability of exactly 0 or 1 has no log-odds; this far from it counts as it (about 27.6 log-odds).
_SMALLEST_PROBABILITY = 1e-12


def score(model: object, frame: pd.DataFrame, target: dict) -> np.ndarray:
    """(n,) answers of `target.method`, column `target.output`, for the raw `frame`."""
    return one_output(_answer(model, frame, target["method"]), target["output"])


def one_output(answer: object, output: int | None) -> np.ndarray:
    """(n,) floats: the whole answer if it is one number a row, else its column `output`."""
    values = np.asarray(answer)
    if values.ndim == 2 and values.shape[1] == 1 and output in (None, 0):
        return values[:, 0].astype(float)
    if values.ndim == 2 and output is not None and 0 <= output < values.shape[1]:
        return values[:, output].astype(float)
    if values.ndim == 1 and output is None:
        return values.astype(float)
    raise Unexplainable(
        f"the model answers with shape {values.shape}, of which output {output} cannot be taken; "
        "name the output of this monitor's target"
    )


def to_link(scores: np.ndarray, link: str) -> np.ndarray:
    """Scores on the explained scale: log-odds for `logit`, unchanged for `identity`."""
    if link == "identity":
        return scores
    if ((scores < 0) | (scores > 1)).any():
        raise Unexplainable("log-odds need scores between 0 and 1; set the target's link to identity")
    inner = np.clip(scores, _SMALLEST_PROBABILITY, 1 - _SMALLEST_PROBABILITY)
    return np.log(inner) - np.log1p(-inner)


def _answer(model: object, frame: pd.DataFrame, method: str) -> object:
    if isinstance(model, xgboost.Booster):
        _only_predict(method, "an XGBoost Booster")
        return model.predict(xgboost.DMatrix(frame, enable_categorical=True))
    if isinstance(model, lightgbm.Booster):
        _only_predict(method, "a LightGBM Booster")
        return model.predict(frame)
    if not callable(getattr(model, method, None)):
        raise Unexplainable(f"{type(model).__name__} has no method {method}; name one that it has")
    return getattr(model, method)(frame)


def _only_predict(method: str, what: str) -> None:
    if method != "predict":
        raise Unexplainable(f"{what} has no method {method}; set the target's method to predict")
