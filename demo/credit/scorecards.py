"""The two models of the demonstration: a logistic scorecard (champion) and a boosted challenger.

Neither is given sex, age or marital status; those stay in the log for measuring fairness.
"""

from dataclasses import dataclass

import lightgbm
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from demo.credit.customers import CATEGORIES, FEATURES, NUMBERS, OUTCOME, SEED

VERSION = "1.0.0"


@dataclass(frozen=True)
class TrainedModel:
    """A model under the name by which the registry knows it.

    explained  what SHAP explains of it: flavour, method, output and link
    cut_off    decline from this score on
    """

    name: str
    title: str
    kind: str
    explained: dict
    estimator: Pipeline | lightgbm.Booster
    cut_off: float

    def score(self, rows: pd.DataFrame) -> np.ndarray:
        """(n,) probability of default, from the raw columns."""
        inputs = rows[list(FEATURES)]
        if isinstance(self.estimator, lightgbm.Booster):
            return self.estimator.predict(inputs, num_threads=1)
        return self.estimator.predict_proba(inputs)[:, 1]


def train_models(training: pd.DataFrame, *, seed: int = SEED) -> tuple[TrainedModel, TrainedModel]:
    """Champion and challenger, in that order."""
    return (
        TrainedModel(
            name="card-default-scorecard",
            title="Card default scorecard",
            kind="statistical",
            explained={"flavour": "sklearn", "method": "predict_proba", "output": 1, "link": "logit"},
            estimator=train_scorecard(training),
            cut_off=0.35,
        ),
        TrainedModel(
            name="card-default-boosted",
            title="Card default, boosted challenger",
            kind="machine_learning",
            explained={"flavour": "lightgbm", "method": "predict", "output": None, "link": "logit"},
            estimator=train_boosted(training, seed=seed),
            cut_off=0.35,
        ),
    )


def train_scorecard(training: pd.DataFrame) -> Pipeline:
    """Logistic regression on standardised numbers and one-hot education; empty numbers get the median."""
    numbers = Pipeline([("impute", SimpleImputer(strategy="median")), ("scale", StandardScaler())])
    columns = ColumnTransformer(
        [
            ("numbers", numbers, list(NUMBERS)),
            ("categories", OneHotEncoder(handle_unknown="ignore", sparse_output=False), list(CATEGORIES)),
        ]
    )
    pipeline = Pipeline([("columns", columns), ("regression", LogisticRegression(C=0.5, max_iter=2000))])
    return pipeline.fit(training[list(FEATURES)], training[OUTCOME])


def train_boosted(training: pd.DataFrame, *, seed: int) -> lightgbm.Booster:
    """Gradient-boosted trees on the same columns; LightGBM takes empty numbers as they are."""
    data = lightgbm.Dataset(training[list(FEATURES)], label=training[OUTCOME])
    parameters = {
        "objective": "binary",
        "learning_rate": 0.05,
        "num_leaves": 15,
        "min_data_in_leaf": 60,
        "feature_fraction": 0.8,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 5.0,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,  # with more, the order of summation and so the last bits would vary
        "verbosity": -1,
    }
    return lightgbm.train(parameters, data, num_boost_round=150)
