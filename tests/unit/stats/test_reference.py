"""The bins and the scale of a column, whatever its numbers are."""

import numpy as np
import pytest

from stats.reference import fit_number, mean_and_sd
from stats.results import StatsInputError

LARGEST = np.finfo(np.float64).max
ORDINARY = np.random.default_rng(1).normal(3, 2, 5_000)


def test_mean_and_sd_are_numpys():
    assert mean_and_sd(ORDINARY) == pytest.approx((ORDINARY.mean(), ORDINARY.std()), rel=1e-15)


def test_numbers_far_from_0_have_the_spread_that_they_have_near_it():
    mean, sd = mean_and_sd(2.0**53 + 2 * np.arange(20_000))

    assert (mean - 2.0**53, sd) == pytest.approx((19_999, 2 * np.arange(20_000).std()), rel=1e-4)
    assert sd == pytest.approx(2 * np.arange(20_000).std(), rel=1e-12)


@pytest.mark.parametrize("scale", [2.0**660, 2.0**-660], ids=["large", "small"])
def test_numbers_whose_squares_are_no_numbers_have_the_spread_they_have(scale):
    mean, sd = mean_and_sd(ORDINARY)

    assert mean_and_sd(ORDINARY * scale) == (mean * scale, sd * scale)


def test_the_smallest_numbers_are_no_constant():
    mean, sd = mean_and_sd(5e-324 * np.random.default_rng(2).integers(0, 1_000, 5_000))

    assert mean > 0
    assert sd == pytest.approx(289 * 5e-324, rel=0.02, abs=0)


@pytest.mark.parametrize("values", [[LARGEST, LARGEST, 0.0], [-1e308, 1e308], [LARGEST, *ORDINARY]])
def test_the_largest_numbers_have_a_finite_mean_and_sd(values):
    assert np.isfinite(mean_and_sd(np.array(values))).all()


def test_a_number_that_nothing_lies_below_is_refused_by_name():
    with pytest.raises(StatsInputError, match=r"income: the reference window holds -1.8e\+308"):
        fit_number("income", np.array([-LARGEST, 1.0]))
