"""What the page says of an Evidently report beside it."""

import pytest

from monitoring.views.evidently import sentence


def report(values: dict[str, float], share: float = 0.5) -> dict:
    beyond = sum(value >= 0.1 for value in values.values())
    counted = {"count": float(beyond), "share": beyond / len(values)}
    head = {"metric_name": "DriftedColumnsCount(drift_share=0.5)", "config": {"drift_share": share}, "value": counted}
    columns = [
        {
            "metric_name": f"ValueDrift(column={name})",
            "config": {"column": name, "threshold": 0.1},
            "value": value,
        }
        for name, value in values.items()
    ]
    return {"metrics": [head, *columns, {"metric_name": "RowCount()", "value": 5}], "tests": []}


def test_it_says_how_many_columns_drifted_and_why_its_verdict_is_another():
    words = sentence(report({"a": 0.2, "b": 0.9, "c": 0.0, "d": 0.0, "e": 0.01})).replace("\u00a0", " ")

    assert words == (
        "Evidently finds that 2 of 5 columns have drifted (b, a). Its “dataset drift” needs 50 % of the columns,"
        " so it says no; this page judges each feature by the monitor’s thresholds."
    )


def test_it_says_yes_where_enough_columns_drifted():
    assert "so it says yes" in sentence(report({"a": 0.2, "b": 0.3, "c": 0.0}))


def test_many_columns_are_counted_and_the_furthest_named():
    words = sentence(report({f"x{n}": n / 10 for n in range(1, 8)}))

    assert "(x7, x6, x5, x4 and 3 more)" in words


@pytest.mark.parametrize("found", [{}, {"metrics": []}, {"metrics": [{"metric_name": "RowCount()", "value": 1}]}])
def test_a_report_that_counts_nothing_says_nothing(found):
    assert sentence(found) == ""
