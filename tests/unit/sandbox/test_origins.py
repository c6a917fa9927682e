"""Which raw column a transformed column comes from, checked against fitted transformers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, Normalizer, OneHotEncoder, OrdinalEncoder, StandardScaler

from sandbox.inside.origins import Unmappable, check_origins, column_origins, needed_columns

NAMES = ["income", "job", "age", "town"]


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "income": rng.normal(size=60),
            "job": rng.choice(["clerk", "nurse", "pilot"], 60),
            "age": rng.normal(50, 9, 60),
            "town": rng.choice(["north", "south"], 60),
        }
    )
    frame.loc[::7, "age"] = np.nan
    return frame


@pytest.mark.parametrize(
    ("transformer", "origins"),
    [
        (
            ColumnTransformer([("c", OneHotEncoder(), ["job", "town"]), ("n", StandardScaler(), ["age"])]),
            [1, 1, 1, 3, 3, 2],
        ),
        (ColumnTransformer([("c", OneHotEncoder(drop="if_binary"), [3, 1])]), [3, 1, 1, 1]),
        (ColumnTransformer([("c", OneHotEncoder(max_categories=2), ["job"])]), [1, 1]),
        (ColumnTransformer([("n", SimpleImputer(add_indicator=True), ["income", "age"])]), [0, 2, 2]),
        (ColumnTransformer([("n", "passthrough", slice(2, 3)), ("o", "drop", ["town"])]), [2]),
        (ColumnTransformer([("n", "passthrough", ["age"])], remainder=OrdinalEncoder()), [2, 0, 1, 3]),
        (
            ColumnTransformer(
                [("n", make_pipeline(SimpleImputer(), KBinsDiscretizer(4, encode="onehot")), ["age", "income"])]
            ),
            [2] * 4 + [0] * 4,
        ),
        (
            Pipeline(
                [
                    ("first", ColumnTransformer([("c", OneHotEncoder(), ["town"]), ("n", "passthrough", ["income"])])),
                    ("second", ColumnTransformer([("last", StandardScaler(), [2])], remainder="passthrough")),
                ]
            ),
            [0, 3, 3],
        ),
    ],
)
def test_each_transformed_column_knows_its_raw_column(frame, transformer, origins):
    transformer.fit(frame)

    found = column_origins(transformer, NAMES)

    assert found.tolist() == origins
    assert transformer.transform(frame).shape[1] == len(origins)
    check_origins(_dense(transformer), frame, found)


def test_a_step_that_mixes_columns_is_not_mapped(frame):
    mixing = make_pipeline(SimpleImputer(), PCA(2)).fit(frame[["income", "age"]])

    with pytest.raises(Unmappable, match="PCA"):
        column_origins(mixing, ["income", "age"])


def test_a_step_that_only_calls_itself_one_to_one_is_found_out(frame):
    numbers = frame[["income", "age"]].dropna()
    mixing = Normalizer().fit(numbers)
    origins = column_origins(mixing, ["income", "age"])

    with pytest.raises(Unmappable, match="column income moves"):
        check_origins(_dense(mixing), numbers, origins)


def test_a_step_after_the_first_that_chooses_by_name_is_not_mapped(frame):
    named = ColumnTransformer([("n", "passthrough", ["n__age"])]).set_output(transform="pandas")
    first = ColumnTransformer([("n", "passthrough", ["age"])]).set_output(transform="pandas")
    steps = make_pipeline(first, named).fit(frame)

    with pytest.raises(Unmappable, match="by name"):
        column_origins(steps, NAMES)


def test_columns_that_a_transformer_drops_need_not_be_in_the_log(frame):
    transformer = ColumnTransformer([("n", StandardScaler(), ["age"]), ("o", "drop", ["job"])]).fit(frame)

    assert needed_columns(transformer, NAMES) == ["age"]
    assert needed_columns(StandardScaler(), NAMES) == NAMES


def _dense(transformer):
    def transform(frame):
        values = transformer.transform(frame)
        return np.asarray(values.toarray() if hasattr(values, "toarray") else values, dtype=float)

    return transform
