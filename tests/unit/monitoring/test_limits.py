"""A limit that no figure could ever cross is refused, each with its place in the list and a sentence."""

from dataclasses import replace

import pytest

from accounts.refusals import InvalidInput
from engines.log import Feature, LogSpec
from monitoring.services.thresholds import USUAL_LIMITS, Limit, check_limits

SPEC = LogSpec(
    row_id="id",
    time="at",
    features=(Feature("income", "number"), Feature("channel", "category")),
    score="score",
    segments=("region",),
    cut_offs=(0.3,),
)
PSI = Limit("psi", "above", 0.1, 0.25, "Custom.")


def problems(*limits: Limit) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refused:
        check_limits(limits, SPEC)
    return refused.value.problems


def test_the_usual_limits_are_limits():
    check_limits(USUAL_LIMITS, SPEC)


@pytest.mark.parametrize(
    "limit",
    [
        replace(PSI, column="income"),
        replace(PSI, column="channel"),
        replace(PSI, segment="region=north"),
        replace(PSI, column="income", segment="region=north"),
        Limit("precision@0.3", "below", 0.8, 0.7, "x"),
        Limit("default_rate", "above", 0.1, 0.2, "x"),
        Limit("default_rate", "below", 0.02, 0.01, "x"),
        Limit("ks", "above", 0.1, 0.1, "x", "income"),
    ],
)
def test_a_limit_that_can_be_crossed_is_taken(limit):
    check_limits((limit,), SPEC)


@pytest.mark.parametrize(
    ("limit", "field", "words"),
    [
        (replace(PSI, metric="acu_chnage"), "metric", "There is no metric 'acu_chnage'. Is auc_change meant?"),
        (replace(PSI, metric="zzzz"), "metric", "There is no metric 'zzzz'."),
        (replace(PSI, metric="rescoring_mismatch"), "metric", "a breach by itself"),
        (replace(PSI, metric="precision"), "metric", "measured at a cut-off"),
        (replace(PSI, metric="psi@0.3"), "metric", "psi has no cut-off"),
        (Limit("precision@0.35", "below", 0.8, 0.7, "x"), "metric", "cut-offs are 0.3; got 0.35"),
        (replace(PSI, side="over"), "side", "above or below is wanted, got 'over'"),
        (Limit("psi", "below", 0.1, 0.05, "x"), "side", "PSI is bad above a limit"),
        (Limit("auc", "above", 0.7, 0.8, "x"), "side", "is bad below a limit"),
        (replace(PSI, watch=float("nan")), "watch", "A finite number is wanted, got nan"),
        (replace(PSI, breach=float("inf")), "breach", "A finite number is wanted, got inf"),
        (replace(PSI, breach=0.05), "breach", "must lie beyond the watch level: above 0.1, got 0.05"),
        (replace(PSI, column="age"), "column", "There is no feature 'age'"),
        (replace(PSI, metric="ks", column="channel"), "column", "measured of a number, and 'channel' is none"),
        (replace(PSI, metric="total_variation", column="income"), "column", "measured of a category"),
        (replace(PSI, metric="score_psi", column="income"), "column", "not of a feature"),
        (replace(PSI, segment="product=card"), "segment", "cuts its windows by region=…"),
    ],
)
def test_a_limit_that_would_never_fire_is_refused_by_its_place(limit, field, words):
    found = problems(PSI, limit) if limit.place != PSI.place else problems(limit)

    (key, sentence), *others = found.items()
    assert (key.split("/")[0], key.split("/")[2]) == ("limits", field)
    assert key.split("/")[1] == ("1" if limit.place != PSI.place else "0")
    assert words in sentence
    assert others == []


def test_two_limits_on_the_same_figures_are_refused_with_both_places():
    found = problems(PSI, replace(PSI, column="income"), replace(PSI, watch=0.2))

    assert found == {"limits/2/metric": "limits/0 is a threshold on the same figures; keep one of the two."}


def test_every_fault_is_told_at_once():
    assert set(problems(replace(PSI, metric="x"), replace(PSI, side="x"))) == {"limits/0/metric", "limits/1/side"}
