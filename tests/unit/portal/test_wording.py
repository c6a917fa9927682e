"""What a metric is called, and how its value and its threshold stand in a sentence."""

import pytest

from monitoring.wording import outcome_said, refusal_said, said, words_of
from stats.catalogue import METRICS

SENTENCES = {
    ("psi", "BILL_AMT1", 0.372014, 0.25): "PSI of BILL_AMT1 is 0.372 nats, above 0.250",
    ("score_psi", "", 0.430677, 0.25): "PSI of the score is 0.431 nats, above 0.250",
    ("out_of_range_rate", "BILL_AMT1", 0.076, 0.05): "Share of unseen values of BILL_AMT1 is 7.6 %, above 5.0 %",
    ("missing_rate_change", "PAY_0", 0.354, 0.05): "Change of missing share of PAY_0 is 35.40 points, above 5.00",
    ("rescoring_mismatch", "", 0.5, 0.1): "Share of scores that differ from the log is 50.0 %, above 10.0 %",
}


@pytest.mark.parametrize("given", SENTENCES)
def test_a_value_stands_in_its_unit_and_of_a_column_only_where_there_is_one(given):
    metric, column, value, limit = given
    words = words_of(metric)

    sentence = f"{said(metric, column)} is {words.with_unit(value)}, above {words.as_limit(limit)}"

    assert sentence == SENTENCES[given]


def test_no_two_metrics_have_one_name():
    names = [metric.words for metric in METRICS.values()]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        (
            "month=2026-05/part.parquet cannot be read as parquet: Parquet magic bytes not found in footer. Either",
            "month=2026-05/part.parquet is not a whole Parquet file.",
        ),
        ("log.csv cannot be read as csv: CSV parse error: Expected 3 columns", "log.csv is not a whole CSV file."),
        ("The log has no column score.", "The log has no column score."),
    ],
)
def test_a_refusal_is_said_without_a_librarys_words(reason, shown):
    assert refusal_said(reason) == shown


@pytest.mark.parametrize("reason", ["no outcome is known yet", "0 known outcomes, at least 1 needed"])
def test_a_missing_outcome_is_said_in_few_words(reason):
    assert outcome_said(reason) == "outcomes not known yet"


def test_another_reason_is_said_as_it_is():
    assert outcome_said("12 rows, at least 300 needed") == "12 rows, at least 300 needed"
