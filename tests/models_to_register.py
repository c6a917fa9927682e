"""Run as a program: trains a small model on the tests' log and puts it into an MLflow registry.

    python -m tests.models_to_register TRACKING_URI NAME KIND SEED

KIND: scorecard (the very function that scored the log, as a logistic regression) or opaque (a pickle).
"""

import os
import sys
from datetime import UTC, datetime

os.environ |= {"DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_UV_AUTO_DETECT": "false"}

import mlflow
import mlflow.sklearn
import numpy as np
from mlflow.models import infer_signature
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from tests.logs import month_of_log

FEATURES = ["income", "utilisation", "channel"]


def scorecard(seed: int) -> tuple[Pipeline, object]:
    """A pipeline that gives exactly the scores of tests.logs: its coefficients are set, not learnt."""
    rows = month_of_log(seed, datetime(2025, 12, 1, tzinfo=UTC), 500).to_pandas()
    columns = ColumnTransformer(
        [("numbers", "passthrough", ["income", "utilisation"]), ("channel", OneHotEncoder(), ["channel"])]
    )
    model = Pipeline([("columns", columns), ("logit", LogisticRegression())]).fit(rows[FEATURES], rows["label"])
    logit = model.named_steps["logit"]
    logit.coef_, logit.intercept_ = np.array([[-0.8, 2.5, 0.0, 0.0]]), np.array([-2.0 + 8.0])
    return model, rows[FEATURES]


def main() -> None:
    uri, name, form, seed = sys.argv[1:]
    mlflow.set_tracking_uri(uri)
    model, rows = scorecard(int(seed))
    with mlflow.start_run():
        signature = infer_signature(rows, model.predict_proba(rows)[:, 1])
        logged = mlflow.sklearn.log_model(
            model,
            name="model",
            signature=signature,
            registered_model_name=name,
            serialization_format={"scorecard": "skops", "opaque": "cloudpickle"}[form],
        )
    print(logged.registered_model_version)


if __name__ == "__main__":
    main()
