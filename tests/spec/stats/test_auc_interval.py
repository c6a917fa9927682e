"""Does a 95 % interval of the AUC hold the truth in about 95 of 100 samples, also of few bad outcomes."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from stats import ranking
from stats.raw import exact_auc
from stats.results import NotComputed, Value

SAMPLES = 400


def drawn(random, separation: float, *, good: int, bad: int):
    scores = np.concatenate([random.normal(size=good), random.normal(separation, 1, bad)])
    return exact_auc(scores, np.repeat([0, 1], [good, bad]))


def coverage(separation: float, *, good: int, bad: int, seed: int = 5) -> float:
    random = np.random.default_rng(seed)
    truth = scipy_stats.norm.cdf(separation / np.sqrt(2))
    areas = [drawn(random, separation, good=good, bad=bad) for _ in range(SAMPLES)]
    return float(np.mean([area.low <= truth <= area.high for area in areas]))


@pytest.mark.parametrize("bad", [3, 5, 10, 20, 29, 30, 100])
@pytest.mark.parametrize("separation", [0.36, 1.0, 1.8], ids=["AUC 0.60", "AUC 0.76", "AUC 0.90"])
def test_an_interval_holds_the_truth_about_as_often_as_it_says(bad, separation):
    assert 0.89 <= coverage(separation, good=300, bad=bad) <= 0.995


@pytest.mark.parametrize(("good", "bad"), [(3, 300), (10, 10), (300, 15)])
def test_it_holds_whichever_class_is_the_small_one(good, bad):
    assert 0.9 <= coverage(1.0, good=good, bad=bad) <= 0.995


def test_of_one_row_of_a_class_there_is_an_area_and_no_interval():
    area = drawn(np.random.default_rng(1), 1.0, good=300, bad=1)

    assert isinstance(area, Value)
    assert (area.low, area.high) == (None, None)
    assert (ranking.gini(area).low, ranking.gini(area).high) == (None, None)


@pytest.mark.parametrize("bad", [3, 50])
def test_perfect_separation_is_no_certainty(bad):
    scores, outcomes = (
        np.concatenate([np.linspace(0, 0.5, 300), np.linspace(0.6, 1, bad)]),
        np.repeat([0, 1], [300, bad]),
    )

    area, reverse = exact_auc(scores, outcomes), exact_auc(1 - scores, outcomes)

    assert (area.value, area.high) == (1, 1)
    # None of `bad` rows was out of order: of the size that the rule of three gives a share of them.
    assert 1 - 3 / bad < area.low < 1 - 0.5 / bad
    assert (reverse.low, reverse.high) == pytest.approx((0, 1 - area.low), abs=1e-9)


def test_newcombes_interval_holds_what_lies_no_further_than_its_own_error():
    """The equation that defines its ends, solved by another solver."""
    from scipy.optimize import brentq

    z, m, n, value = scipy_stats.norm.ppf(0.975), 12, 300, 0.8
    average = (m + n) / 2 - 1

    def error(t):
        return np.sqrt(t * (1 - t) * (1 + average * ((1 - t) / (2 - t) + t / (1 + t))) / (m * n))

    low = brentq(lambda t: value - t - z * error(t), 0, value)
    high = brentq(lambda t: t - value - z * error(t), value, 1)

    assert ranking._newcombe(value, n, m, z) == pytest.approx((low, high), abs=1e-12)


def test_the_interval_is_narrower_the_more_is_known():
    random = np.random.default_rng(2)
    widths = [area.high - area.low for area in (drawn(random, 1.0, good=3_000, bad=k) for k in (2, 5, 29, 300))]

    assert widths == sorted(widths, reverse=True)
    assert isinstance(drawn(random, 1.0, good=10, bad=0), NotComputed)
