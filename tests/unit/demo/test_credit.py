"""The demonstration's models and log: real rows stay real, shifts are where they are said to be, nowhere else."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

from demo.credit.customers import FEATURES, NUMBERS, OUTCOME, PROTECTED, load_customers, split_customers
from demo.credit.log import MONTHS, deliver, write_logs
from demo.credit.scorecards import train_models
from demo.credit.shifts import SHIFTS, announced_shifts

WATCH, BREACH = 0.10, 0.25


@pytest.fixture(scope="module")
def split():
    return split_customers(load_customers())


@pytest.fixture(scope="module")
def models(split):
    return train_models(split.training)


@pytest.fixture(scope="module")
def bank(split, models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bank")
    write_logs(folder, split, models)
    return folder


def read(bank: Path, model, month: str) -> pd.DataFrame:
    return pd.read_parquet(bank / model.name / "log" / f"month={month}" / "part.parquet")


def psi(reference: pd.Series, current: pd.Series) -> float:
    """Population stability index over the reference's deciles, written out as slowly as its definition."""
    edges = np.unique(np.nanquantile(reference, np.arange(0.1, 1, 0.1)))

    def shares(values):
        present = values.dropna()
        counts = np.bincount(np.searchsorted(edges, present, side="right"), minlength=len(edges) + 1)
        return np.maximum(np.append(counts, len(values) - len(present)), 0.5) / len(values)

    kept = shares(reference) + shares(current) > 1 / len(reference) + 1 / len(current)
    before, after = shares(reference)[kept], shares(current)[kept]
    return float(((after - before) * np.log(after / before)).sum())


def test_the_shipped_data_are_the_published_ones():
    customers = load_customers()

    assert len(customers) == 30_000
    assert customers["ID"].is_unique
    assert round(customers[OUTCOME].mean(), 4) == 0.2212
    assert {0, 5, 6} < set(customers["EDUCATION"])
    assert customers["LIMIT_BAL"].sum() == 5_024_529_680


def test_no_customer_is_in_two_sets_and_each_set_has_the_same_share_of_defaults(split):
    parts = (split.training, split.validation, split.production)

    ids = pd.concat([part["ID"] for part in parts])

    assert sorted(ids) == list(range(1, 30_001))
    assert {round(part[OUTCOME].mean(), 3) for part in parts} == {0.221}


def test_protected_attributes_are_in_the_log_but_no_model_is_given_them(bank, models):
    assert not set(PROTECTED) & set(FEATURES)
    assert list(models[0].estimator.feature_names_in_) == list(FEATURES)
    assert models[1].estimator.feature_name() == list(FEATURES)
    assert {"SEX", "MARRIAGE", "AGE"} < set(read(bank, models[0], "2026-01"))


def test_both_models_rank_customers_that_they_have_not_seen(split, models):
    aucs = [roc_auc_score(split.validation[OUTCOME], model.score(split.validation)) for model in models]

    assert aucs[0] > 0.70
    assert aucs[1] > 0.75


def test_the_log_holds_each_production_customer_once_with_the_real_outcome(bank, split, models):
    log = pd.concat([read(bank, models[0], month) for month in MONTHS])

    logged = log.assign(ID=log["row_id"].str[1:].astype(int)).set_index("ID")[OUTCOME].sort_index()

    expected = split.production.set_index("ID")[OUTCOME].sort_index()
    assert (logged.index == expected.index).all()
    assert (logged == expected).all()


def test_untouched_months_carry_the_customers_as_they_are(bank, split, models):
    log = pd.concat([read(bank, models[0], month) for month in MONTHS[:6]])
    real = split.production.assign(row_id=[f"C{n:05d}" for n in split.production["ID"]]).set_index("row_id")

    same = log.set_index("row_id")[list(FEATURES)] == real.loc[log["row_id"], list(FEATURES)]

    assert same.all().all()


def test_shifts_change_the_named_features_in_the_named_months_and_nothing_else(bank, split, models):
    real = split.production.assign(row_id=[f"C{n:05d}" for n in split.production["ID"]]).set_index("row_id")
    for month in MONTHS:
        log = read(bank, models[0], month).set_index("row_id")

        changed = {name for name in FEATURES if not log[name].equals(real.loc[log.index, name])}

        assert changed == {shift.feature for shift in SHIFTS if month in shift.strength}, month


def test_every_month_has_the_same_size_and_mix(bank, models):
    logs = [read(bank, models[0], month) for month in MONTHS]

    assert {len(log) for log in logs} == {1_250}
    assert {round(log[OUTCOME].mean(), 2) for log in logs} == {0.22}


def test_only_shifted_features_drift(bank, models):
    reference = pd.read_parquet(bank / models[0].name / "reference" / "part.parquet")
    for month in MONTHS:
        log = read(bank, models[0], month)
        drift = {name: psi(reference[name], log[name]) for name in NUMBERS}
        shifted = {shift.feature for shift in SHIFTS if month in shift.strength}

        assert all(drift[name] < WATCH / 2 for name in NUMBERS if name not in shifted), (month, drift)
        assert all(drift[name] > WATCH for name in shifted), (month, drift)


def test_each_shift_ends_in_a_breach(bank, models):
    reference = pd.read_parquet(bank / models[0].name / "reference" / "part.parquet")

    worst = {
        shift.feature: max(
            psi(reference[shift.feature], read(bank, models[0], month)[shift.feature]) for month in shift.strength
        )
        for shift in SHIFTS
    }

    assert min(worst.values()) > BREACH


def test_a_score_is_what_the_model_says_to_the_row_as_it_was_delivered(bank, models):
    for model in models:
        log = read(bank, model, "2026-08")

        again = model.score(log)

        assert np.abs(again - log["score"]).max() == 0
        assert log["PAY_0"].isna().mean() == pytest.approx(0.35, abs=0.05)


def test_outcomes_become_known_three_months_after_scoring_and_scores_fall_in_their_month(bank, models):
    for month in MONTHS:
        log = read(bank, models[0], month)

        assert set(log["scored_at"].dt.strftime("%Y-%m")) == {month}
        assert (log["label_known_at"] == log["scored_at"] + pd.DateOffset(months=3)).all()


def test_the_same_seed_writes_the_same_bytes_and_another_seed_does_not(bank, split, models, tmp_path):
    write_logs(tmp_path / "again", split, train_models(split.training))
    write_logs(tmp_path / "other", split, models, seed=7)

    files = sorted(path.relative_to(bank) for path in bank.rglob("*.parquet"))

    assert len(files) == 2 * 13
    assert all((bank / name).read_bytes() == (tmp_path / "again" / name).read_bytes() for name in files)
    assert (bank / files[0]).read_bytes() != (tmp_path / "other" / files[0]).read_bytes()


def test_what_the_page_announces_is_json_and_names_every_shift():
    announced = json.loads(json.dumps(announced_shifts()))

    assert [shift["feature"] for shift in announced] == ["LIMIT_BAL", "PAY_0", "BILL_AMT1"]
    assert all(shift["months"] and shift["what"] and shift["why"] for shift in announced)


def test_without_shifts_the_log_is_untouched_throughout(split):
    delivered = deliver(split.production, shifts=())

    assert all(rows["PAY_0"].notna().all() and set(rows["CHANNEL"]) == {"direct"} for rows in delivered.values())


def test_the_log_carries_no_library_s_metadata(bank, models):
    schema = pq.read_schema(bank / models[0].name / "log" / "month=2026-01" / "part.parquet")

    assert schema.metadata is None
