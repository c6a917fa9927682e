"""The bins and the scale of a column, whatever its numbers are."""

from dataclasses import replace

import numpy as np
import pytest

from stats.packing import PackedBytesError
from stats.reference import ReferenceProfile, empty_state, fit_number, fit_score, mean_and_sd
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


@pytest.fixture
def profile() -> ReferenceProfile:
    numbers = (fit_number("income", ORDINARY),)
    score = fit_score(np.linspace(0, 1, 100), np.empty((2, 0)), cut_offs=(0.5,))
    return ReferenceProfile(numbers, (), score, (), 2**62 + 1, {}, empty_state(numbers, (), score))


def test_the_stored_bytes_hold_to_the_sampling_key_and_do_not_tell_it(profile):
    stored = profile.to_bytes()

    assert str(profile.seed).encode() not in stored
    assert ReferenceProfile.from_bytes(stored, seed=profile.seed) == profile
    with pytest.raises(PackedBytesError, match="another sampling key"):
        ReferenceProfile.from_bytes(stored, seed=profile.seed + 1)


def test_bytes_from_before_keys_were_secret_keep_their_digest(profile):
    older = replace(profile, tells_seed=True)

    again = ReferenceProfile.from_bytes(older.to_bytes(), seed=profile.seed)

    assert again.to_bytes().startswith(b"assay/reference-profile/2\n")
    assert again.sha256 == older.sha256 != profile.sha256
