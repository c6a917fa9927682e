"""The digest of a window covers everything that was measured, to its last bit, and no judgement."""

import math
from dataclasses import replace
from datetime import date

import pytest

from monitoring.measures.digests import figures_digest, result_digest
from monitoring.measures.windows import MeasuredWindow
from stats.measure import Figure

KS = Figure("ks", "income", "", 0.1, 500, 0.01, None, None)
AUC = Figure("auc", None, "", 0.7, 400, 1e-6, 0.66, 0.74)
PSI = Figure("psi", "income", "region=north", None, 3, reason="3 observations, at least 200 needed")
WINDOW = MeasuredWindow(
    start_on=date(2026, 1, 1),
    end_on=date(2026, 1, 31),
    rows=500,
    labelled=400,
    state_sha256="a" * 64,
    figures=[KS, AUC, PSI],
    shares={"income": {"labels": ["to 1", "from 1"], "reference": [1, 2], "current": [2, 1]}},
)


def digest(window: MeasuredWindow = WINDOW, reference: str = "b" * 64) -> str:
    return figures_digest(window, window.figures, reference=reference)


@pytest.mark.parametrize(
    "change",
    [
        {"value": math.nextafter(0.1, 1)},
        {"value": None, "reason": "constant"},
        {"n": 501},
        {"bound": 0.02},
        {"low": 0.0},
        {"high": 1.0},
        {"metric": "psi"},
        {"column": "age"},
        {"segment": "region=south"},
    ],
)
def test_one_bit_of_one_figure_is_another_digest(change):
    altered = replace(WINDOW, figures=[replace(KS, **change), AUC, PSI])

    assert digest(altered) != digest()


@pytest.mark.parametrize(
    "change",
    [
        {"start_on": date(2026, 1, 2)},
        {"end_on": date(2026, 1, 30)},
        {"rows": 501},
        {"labelled": 401},
        {"state_sha256": "c" * 64},
        {"figures": [KS, AUC]},
        {"shares": {}},
    ],
)
def test_what_stands_beside_the_figures_is_in_it(change):
    assert digest(replace(WINDOW, **change)) != digest()


def test_another_reference_is_another_digest():
    assert digest(reference="c" * 64) != digest()


def test_the_order_in_which_figures_are_read_does_not_matter():
    assert digest(replace(WINDOW, figures=[PSI, KS, AUC])) == digest()


def test_the_result_of_a_run_is_that_of_all_its_windows():
    one, two = {"2026-01-01": "a" * 64}, {"2026-02-01": "b" * 64}

    assert result_digest(one | two) == result_digest(two | one)
    assert len({result_digest(one), result_digest(two), result_digest(one | two), result_digest({})}) == 4
