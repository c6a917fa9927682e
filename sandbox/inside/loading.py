"""Load an MLflow model by its flavour, without importing mlflow where the flavour's library is enough."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from sandbox.model_card import Loading

XGBOOST_CLASSES = {
    "": "xgboost.core.Booster",
    **{f"xgboost.sklearn.{name}": f"xgboost.sklearn.{name}" for name in ("XGBClassifier", "XGBRegressor")},
    **{f"xgboost.sklearn.{name}": f"xgboost.sklearn.{name}" for name in ("XGBRFClassifier", "XGBRFRegressor")},
    "xgboost.core.Booster": "xgboost.core.Booster",
}


class Unexplainable(ValueError):
    """What was asked of the model does not fit the model; the message says what would."""


def load_model(folder: str, loading: Loading) -> object:
    """The model as its own library knows it, or MLflow's pyfunc wrapper."""
    if loading.code:
        sys.path.insert(0, f"{folder}/{loading.code}")
    if loading.form == "pyfunc":
        import mlflow.pyfunc

        return mlflow.pyfunc.load_model(folder)
    path = f"{folder}/{loading.data}"
    return _native(path, loading) if loading.form == "native" else _deserialised(path, loading)


def _native(path: str, loading: Loading) -> object:
    if loading.flavour == "lightgbm":
        import lightgbm

        return lightgbm.Booster(model_file=path)
    if loading.model_class not in XGBOOST_CLASSES:
        raise Unexplainable(f"the XGBoost class {loading.model_class[:80]} is not known here")
    module, name = XGBOOST_CLASSES[loading.model_class].rsplit(".", 1)
    model = getattr(import_module(module), name)()
    model.load_model(path)
    return model


def _deserialised(path: str, loading: Loading) -> object:
    if loading.form == "skops":
        import skops.io

        return skops.io.load(path, trusted=list(loading.trusted))
    # Both forms are pickles; cloudpickle only adds ways to write them. This runs the model's code,
    # which is what the sandbox is for.
    import cloudpickle

    return cloudpickle.loads(Path(path).read_bytes())
