"""An Evidently report made in the sandbox; one launch is shared, since importing Evidently takes seconds."""

from __future__ import annotations

import json
import sys

import numpy as np
import pyarrow as pa
import pytest

from sandbox import bubblewrap
from sandbox.evidently_report import ReportRefused, evidently_report, labels_are_complete


def table(seed: int, shift: float = 0.0) -> pa.Table:
    rng = np.random.default_rng(seed)
    score = rng.uniform(size=200)
    return pa.table(
        {
            "income": rng.normal(shift, 1, 200),
            "job": rng.choice(["clerk", "nurse"], 200),
            "score": score,
            "label": (rng.uniform(size=200) < score).astype(int),
        }
    )


COLUMNS = {"numeric": ["income"], "categorical": ["job"], "score": "score", "label": "label"}


@pytest.fixture(scope="module")
def report():
    return evidently_report(table(1, shift=2.0), table(2), **COLUMNS)


def test_the_report_holds_the_drift_of_each_column(report):
    metrics = {metric["metric_name"]: metric["value"] for metric in json.loads(report.json)["metrics"]}

    drift = {name.split("column=")[1].split(",")[0]: v for name, v in metrics.items() if name.startswith("ValueDrift")}
    assert drift["income"] > 1
    assert drift["job"] < 0.1
    assert report.version == "0.7.23"


def test_complete_labels_add_the_quality_of_classification(report):
    assert report.classification
    assert b"RocAuc" in report.json


def test_the_page_is_one_html_file(report):
    assert b"<html" in report.html[:2000]
    assert len(report.html) > 1_000_000


def test_without_the_refusal_of_tracking_evidently_is_not_even_imported(monkeypatch):
    strict = bubblewrap.clean_environment

    def tracked(limits):
        return {name: value for name, value in strict(limits).items() if name != "DO_NOT_TRACK"}

    monkeypatch.setattr(bubblewrap, "clean_environment", tracked)

    with pytest.raises(ReportRefused, match="DO_NOT_TRACK must be 1 before Evidently is imported"):
        evidently_report(table(1), table(2), **COLUMNS)


@pytest.mark.parametrize(
    ("labels", "complete"),
    [([0, 1, 1], True), ([True, False], True), ([0, 1, None], False), ([1, 1], False), ([0, 2], False)],
)
def test_labels_count_only_when_both_classes_are_there_and_none_is_missing(labels, complete):
    assert labels_are_complete(pa.chunked_array([labels])) is complete


def test_an_empty_window_is_refused():
    with pytest.raises(ReportRefused, match="The window holds no row"):
        evidently_report(table(1).slice(0, 0), table(2), **COLUMNS)


def test_a_missing_column_is_named():
    with pytest.raises(ReportRefused, match="The reference lacks the column job"):
        evidently_report(table(1), table(2).drop_columns(["job"]), **COLUMNS)


def test_this_process_never_imported_evidently(report):
    assert "evidently" not in sys.modules
