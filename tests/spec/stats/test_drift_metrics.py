"""Drift metrics against SciPy and against tables worked out by hand."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats
from scipy.spatial.distance import jensenshannon

from stats import drift
from stats.distance import Curve, Grid, Pair, kolmogorov_smirnov, wasserstein
from stats.reference import NumberBins
from stats.results import NotComputed
from tests.spec.stats.samples import fitted, number_counts, two_samples


def pair(bins: NumberBins, *windows: np.ndarray) -> Pair:
    grid = Grid(bins.edges)
    counted = (number_counts(bins, values) for values in windows)
    return Pair(*(Curve(counts.counts[:-1], counts.sums, grid) for counts in counted))


def test_psi_equals_the_table_worked_out_by_hand():
    # 0.1·ln(0.3/0.2) + 0 + (-0.1)·ln(0.2/0.3), shares 20/50/30 % against 30/50/20 %
    expected = 0.1 * math.log(1.5) - 0.1 * math.log(2 / 3)

    result = drift.psi(np.array([20, 50, 30]), np.array([300, 500, 200]))

    assert result.value == pytest.approx(expected, abs=1e-15)
    assert result.contributions == pytest.approx([0.1 * math.log(1.5), 0, 0.1 * math.log(1.5)])


def test_a_bin_empty_in_one_window_counts_half_an_observation_there():
    p, q = 0.5 / 100, 10 / 100
    expected = (q - p) * math.log(q / p) + (0.9 - 1) * math.log(0.9)

    assert drift.psi(np.array([0, 100]), np.array([10, 90])).value == pytest.approx(expected, abs=1e-15)


def test_a_bin_empty_in_both_windows_is_dropped():
    with_gap = drift.psi(np.array([20, 0, 80]), np.array([30, 0, 70]))

    assert with_gap.value == drift.psi(np.array([20, 80]), np.array([30, 70])).value
    assert math.isnan(with_gap.contributions[1])


def test_psi_of_a_column_equals_the_naive_formula_on_raw_values():
    before, now = two_samples(3)
    bins = fitted(before)
    cuts = np.quantile(before, np.arange(1, 10) / 10, method="inverted_cdf")
    p = np.bincount(np.searchsorted(cuts, before), minlength=10) / before.size
    q = np.bincount(np.searchsorted(cuts, now), minlength=10) / now.size

    from stats.measure import psi_counts

    ours = drift.psi(psi_counts(bins, number_counts(bins, before)), psi_counts(bins, number_counts(bins, now)))

    assert ours.value == pytest.approx(float(((q - p) * np.log(q / p)).sum()), abs=1e-14)


@pytest.mark.parametrize("seed", range(5))
def test_ks_differs_from_scipy_by_no_more_than_its_bound(seed):
    before, now = two_samples(seed)
    bins = fitted(before)

    ours = kolmogorov_smirnov(pair(bins, before, now))
    exact = scipy_stats.ks_2samp(before, now).statistic

    assert ours.value <= exact + 1e-15
    assert exact <= ours.value + ours.bound + 1e-15
    assert ours.bound < 1.2e-3


@pytest.mark.parametrize("seed", range(5))
def test_wasserstein_differs_from_scipy_by_no_more_than_its_bound(seed):
    before, now = two_samples(seed)
    bins = fitted(before)

    ours = wasserstein(pair(bins, before, now), bins.sd)
    exact = scipy_stats.wasserstein_distance(before, now) / before.std()

    assert ours.value <= exact + 1e-12
    assert exact <= ours.value + ours.bound + 1e-12


def test_ks_and_wasserstein_of_a_discrete_column_are_exact():
    random = np.random.default_rng(5)
    before, now = random.poisson(40, 5_000).astype(float), random.poisson(41, 5_000) + 0.0
    now[:10] = 40.5  # between two reference values
    bins = fitted(before)
    both = pair(bins, before, now)

    ks, distance = kolmogorov_smirnov(both), wasserstein(both, bins.sd)

    assert ks.value == pytest.approx(scipy_stats.ks_2samp(before, now).statistic, abs=1e-15)
    assert ks.bound == 0
    assert distance.value == pytest.approx(scipy_stats.wasserstein_distance(before, now) / before.std(), rel=1e-12)


def test_wasserstein_of_a_pure_shift_is_the_shift():
    before = np.random.default_rng(6).normal(size=5_000)
    bins = fitted(before)

    ours = wasserstein(pair(bins, before, before + 10.0), bins.sd)

    assert ours.value == pytest.approx(10.0 / before.std(), rel=1e-9)


def test_jensen_shannon_equals_scipy():
    before, now = np.array([50, 30, 20, 0]), np.array([40, 30, 25, 5])

    assert drift.jensen_shannon(before, now).value == pytest.approx(jensenshannon(before, now, base=2), abs=1e-14)
    assert drift.jensen_shannon(before, before).value == 0
    assert drift.jensen_shannon(np.array([5, 0]), np.array([0, 9])).value == pytest.approx(1)


def test_chi_square_equals_scipy_with_empty_bins_left_out():
    before, now = np.array([500, 300, 0, 200, 3]), np.array([90, 80, 0, 30, 0])
    filled = np.stack([before, now])[:, [0, 1, 3, 4]]
    expected = scipy_stats.chi2_contingency(filled, correction=False)

    ours = drift.chi_square(before, now)

    assert (ours.value, ours.p_value) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-12)
    assert ours.degrees == expected.dof


def test_total_variation_is_the_largest_difference_of_any_set_of_levels():
    assert drift.total_variation(np.array([50, 50, 0]), np.array([20, 50, 30])).value == pytest.approx(0.3)


def on_two_edges(*windows: np.ndarray) -> Pair:
    grid = Grid(np.array([0.0, 1.0]))
    return Pair(*(Curve(counts, counts * 1.0, grid) for counts in windows))


EMPTY, SOME = np.zeros(3, np.int64), np.array([1, 2, 3])


@pytest.mark.parametrize(
    "metric",
    [
        drift.psi,
        drift.jensen_shannon,
        drift.total_variation,
        drift.chi_square,
        lambda a, b: kolmogorov_smirnov(on_two_edges(a, b)),
        lambda a, b: wasserstein(on_two_edges(a, b), 1.0),
    ],
)
@pytest.mark.parametrize(("before", "now"), [(SOME, EMPTY), (EMPTY, SOME)])
def test_an_empty_window_or_reference_gives_a_reason_and_no_number(metric, before, now):
    outcome = metric(before, now)

    assert isinstance(outcome, NotComputed)
    assert "at least 1 needed" in outcome.because


def test_a_constant_reference_has_no_spread_to_measure_distance_by():
    before = np.full(500, 7.0)
    bins = fitted(before)

    outcome = wasserstein(pair(bins, before, before), bins.sd)

    assert outcome == NotComputed("constant: the reference has no spread to measure distance by", 500)
