"""Importance, its change, reason codes and the re-scoring check, computed by hand on small numbers."""

from __future__ import annotations

import numpy as np
import pytest

from sandbox.explanation import (
    ExplanationTarget,
    Reason,
    ShapValues,
    global_importance,
    importance_change,
    reason_codes,
    rescore,
)


@pytest.fixture
def explanation() -> ShapValues:
    values = np.array([[1.0, -3.0, 0.0], [2.0, 1.0, 0.0], [-3.0, 0.5, 0.0]])
    scores = np.array([0.9, 0.1, 0.5, 0.3])
    return ShapValues(
        target=ExplanationTarget("sklearn", "predict"),
        features=("income", "age", "job"),
        shap_values=values,
        base_value=0.0,
        margins=values.sum(axis=1),
        scores=scores,
        rows=np.array([0, 1, 3]),
        row_ids=("a", "b", "c", "d"),
        method="permutation",
        detail="",
        additivity_error=0.0,
        rescoring=rescore(scores, scores, "abcd", tolerance=0),
        loaded_by_code=False,
        model_digest="0" * 64,
        versions={},
        seed=1,
        background_rows=3,
        seconds=1.0,
    )


def test_importance_is_the_mean_absolute_contribution_largest_first(explanation):
    assert list(global_importance(explanation).items()) == [("income", 2.0), ("age", 1.5), ("job", 0.0)]


def test_change_of_importance_compares_shares_and_knows_missing_features():
    change = importance_change({"income": 6.0, "new": 2.0}, {"income": 1.0, "old": 1.0})

    assert change == {"old": -0.5, "income": 0.25, "new": 0.25}


def test_change_of_importance_of_nothing_is_nothing():
    assert importance_change({"income": 0.0}, {}) == {"income": 0.0}


def test_reason_codes_run_from_the_lowest_to_the_highest_score_and_name_the_strongest(explanation):
    codes = reason_codes(explanation, rows=2, reasons=1)

    assert [(code.row_id, code.score) for code in codes] == [("b", 0.1), ("a", 0.9)]
    assert codes[0].reasons == (Reason("income", 2.0),)
    assert codes[1].reasons == (Reason("age", -3.0),)


def test_a_feature_without_contribution_is_no_reason(explanation):
    assert all(reason.feature != "job" for code in reason_codes(explanation) for reason in code.reasons)


def test_there_are_no_more_reason_codes_than_rows(explanation):
    assert len(reason_codes(explanation, rows=10)) == 3


def test_rescoring_names_mismatching_rows_worst_first():
    found = rescore(np.array([0.1, 0.2, 0.3, 0.4]), [0.1, 0.25, 0.9, np.nan], ["a", "b", "c", "d"], tolerance=1e-6)

    assert not found.agrees
    assert found.mismatching == ("c", "b")
    assert (found.compared, found.without_log) == (3, 1)
    assert found.equal_share == pytest.approx(1 / 3)
    assert found.largest_difference == pytest.approx(0.6)


def test_a_difference_within_the_tolerance_counts_as_equal():
    assert rescore(np.array([0.5]), [0.5 + 9e-7], ["a"], tolerance=1e-6).agrees


@pytest.mark.parametrize("wrong", [{"flavour": "onnx"}, {"method": "score"}, {"link": "log"}])
def test_a_target_that_is_not_known_is_refused_with_the_choices(wrong):
    fields = {"flavour": "sklearn", "method": "predict", "link": "identity"} | wrong

    with pytest.raises(ValueError, match="must be one of"):
        ExplanationTarget(**fields)
