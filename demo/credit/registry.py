"""Put the two trained models into an MLflow registry, as a development team would."""

import hashlib
import logging
import os
import warnings
from importlib.metadata import version
from pathlib import Path

os.environ |= {  # before the import: MLflow looks once
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_UV_AUTO_DETECT": "false",  # it would pack the portal's own lock file into the model
    "MLFLOW_LOG_UV_FILES": "false",
}

import lightgbm
import mlflow
import mlflow.data
import mlflow.lightgbm
import mlflow.sklearn
import numpy as np
import pandas as pd
from mlflow.entities.model_registry import ModelVersion
from mlflow.models import infer_signature
from mlflow.tracking import MlflowClient
from sklearn.metrics import roc_auc_score

from demo.credit.customers import FEATURES, OUTCOME, Split
from demo.credit.log import log_spec
from demo.credit.scorecards import VERSION, TrainedModel

EXPERIMENT = "card-default"
DIGEST_TAG = "training_data_sha256"
VERSION_TAG = "version"
EXAMPLE_ROWS = 5


def register_models(
    models: tuple[TrainedModel, ...], split: Split, training_file: Path, *, tracking_uri: str
) -> list[dict]:
    """What the registry holds for each model: name, number, models:/ URI, run and training data digest.

    Registers only what is not there: a version is the same when label and training data are.
    """
    # EDUCATION is an integer code that is never empty.
    warnings.filterwarnings("ignore", message="Hint: Inferred schema contains integer column")
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    mlflow.set_tracking_uri(tracking_uri)
    digest = hashlib.sha256(training_file.read_bytes()).hexdigest()
    return [_described(model, _found(model, digest) or _register(model, split, digest), digest) for model in models]


def _found(model: TrainedModel, digest: str) -> ModelVersion | None:
    versions = MlflowClient().search_model_versions(f"name = '{model.name}'")
    wanted = {DIGEST_TAG: digest, VERSION_TAG: VERSION}
    return next((found for found in versions if wanted.items() <= found.tags.items()), None)


def _register(model: TrainedModel, split: Split, digest: str) -> ModelVersion:
    mlflow.set_experiment(EXPERIMENT)
    with mlflow.start_run(run_name=f"{model.name}-{VERSION}") as run:
        mlflow.log_input(_dataset(split.training, digest), context="training")
        mlflow.log_metric("validation_auc", roc_auc_score(split.validation[OUTCOME], model.score(split.validation)))
        logged = _log(model, split.training)
    client = MlflowClient()
    if not client.search_registered_models(f"name = '{model.name}'"):
        client.create_registered_model(model.name, description=model.title)
    return client.create_model_version(
        model.name,
        source=logged.model_uri,
        run_id=run.info.run_id,
        model_id=logged.model_id,
        tags={DIGEST_TAG: digest, VERSION_TAG: VERSION},
    )


def _dataset(training: pd.DataFrame, digest: str) -> mlflow.data.dataset.Dataset:
    columns = training[[*FEATURES, OUTCOME]]
    # MLflow takes 36 characters; the whole digest is a tag of the version.
    return mlflow.data.from_pandas(columns, targets=OUTCOME, name="taiwan-credit-training", digest=digest[:36])


def _log(model: TrainedModel, training: pd.DataFrame) -> mlflow.models.model.ModelInfo:
    inputs = training[list(FEATURES)].head(EXAMPLE_ROWS)
    described = {
        "name": model.name,
        "signature": infer_signature(inputs, _answer(model, inputs)),
        "input_example": inputs,
        "pip_requirements": _requirements(model),
    }
    if isinstance(model.estimator, lightgbm.Booster):
        return mlflow.lightgbm.log_model(model.estimator, **described)
    return mlflow.sklearn.log_model(
        model.estimator,
        **described,
        pyfunc_predict_fn="predict_proba",
        serialization_format="skops",  # no pickle: loading it runs no code of its own
        skops_trusted_types=["numpy.dtype"],
    )


def _answer(model: TrainedModel, inputs: pd.DataFrame) -> np.ndarray:
    """What a client of the served model gets: both probabilities from scikit-learn, one from LightGBM."""
    if isinstance(model.estimator, lightgbm.Booster):
        return model.estimator.predict(inputs)
    return model.estimator.predict_proba(inputs)


def _requirements(model: TrainedModel) -> list[str]:
    """Named, because MLflow would start a process to guess them."""
    library = "lightgbm" if model.explained["flavour"] == "lightgbm" else "scikit-learn"
    return [f"{name}=={version(name)}" for name in ("mlflow", library, "pandas", "numpy")]


def _described(model: TrainedModel, registered: ModelVersion, digest: str) -> dict:
    """What whoever registers the model in the portal has to say about it."""
    return {
        "name": model.name,
        "title": model.title,
        "kind": model.kind,
        "label": VERSION,
        "mlflow_uri": f"models:/{model.name}/{registered.version}",
        "training_data_digest": digest,
        "columns": log_spec(model).to_dict(),
        "explained": model.explained,
    }
