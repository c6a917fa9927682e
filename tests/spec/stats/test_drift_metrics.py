"""Drift metrics against SciPy and against tables worked out by hand."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats
from scipy.spatial.distance import jensenshannon

from stats import drift
from stats.distance import Curve, Grid, Pair, kolmogorov_smirnov, wasserstein
from stats.raw import exact_distances
from stats.reference import NumberBins
from stats.results import NOT_FINITE, NotComputed
from tests.spec.stats.samples import fitted, number_counts, two_samples


def pair(bins: NumberBins, *windows: np.ndarray) -> Pair:
    grid = Grid(bins.edges, centre=bins.mean, unit=bins.sd)
    counted = (number_counts(bins, values) for values in windows)
    return Pair(*(Curve(counts.counts[:-1], counts.centred, grid) for counts in counted))


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

    ours = wasserstein(pair(bins, before, now))
    exact = scipy_stats.wasserstein_distance(before, now) / before.std()

    assert ours.value <= exact + 1e-12
    assert exact <= ours.value + ours.bound + 1e-12


def test_ks_and_wasserstein_of_a_discrete_column_are_exact():
    random = np.random.default_rng(5)
    before, now = random.poisson(40, 5_000).astype(float), random.poisson(41, 5_000) + 0.0
    now[:10] = 40.5  # between two reference values
    bins = fitted(before)
    both = pair(bins, before, now)

    ks, distance = kolmogorov_smirnov(both), wasserstein(both)

    assert ks.value == pytest.approx(scipy_stats.ks_2samp(before, now).statistic, abs=1e-15)
    assert ks.bound == 0
    assert distance.value == pytest.approx(scipy_stats.wasserstein_distance(before, now) / before.std(), rel=1e-12)


def shifted(seed: int, kind: str, n: int = 20_000, m: int = 5_000):
    """Reference and window, and how far both lie from where SciPy can tell their values apart, and the unit."""
    random = np.random.default_rng(seed)
    return {
        "whole numbers at 4.9e15": (random.integers(0, 3_000, n), random.integers(600, 3_600, m), 4.9e15, 1.0),
        "even numbers above 2**53": (random.integers(0, 2_000, n), random.integers(200, 2_200, m), 2.0**53, 2.0),
        "nanoseconds of two hours": (
            random.integers(0, 28_000, n),
            random.integers(4_000, 32_000, m),
            1.78e18,
            2.0**28,
        ),
        "eighths at 1e15": (random.integers(0, 8_000, n), random.integers(400, 8_400, m), 1e15, 0.125),
        "64ths at 1e14": (random.integers(0, 300, n), random.integers(30, 330, m), 1e14, 2.0**-6),
        "thousandths at 1e12": (random.integers(0, 9_000, n), random.integers(900, 9_900, m), 1e12, 2.0**-10),
        "large": (random.normal(0, 1, n), random.normal(0.2, 1, m), 0.0, 2.0**660),
        "small": (random.normal(0, 1, n), random.normal(0.2, 1, m), 0.0, 2.0**-660),
        "smallest": (random.integers(0, 1_000, n), random.integers(100, 1_100, m), 0.0, 5e-324),
    }[kind]


KINDS = (
    "whole numbers at 4.9e15",
    "even numbers above 2**53",
    "nanoseconds of two hours",
    "eighths at 1e15",
    "64ths at 1e14",
    "thousandths at 1e12",
    "large",
    "small",
    "smallest",
)


@pytest.mark.parametrize("kind", KINDS)
def test_wasserstein_is_right_however_far_from_0_and_however_large_the_numbers_are(kind):
    before, now, offset, unit = shifted(9, kind)
    expected = scipy_stats.wasserstein_distance(before, now) / before.std()
    placed = [offset + values * unit for values in (before, now)]
    assert all(((one - offset) / unit == plain).all() for one, plain in zip(placed, (before, now), strict=True))
    bins = fitted(placed[0])

    ours = wasserstein(pair(bins, *placed))
    exact = exact_distances(*placed)["wasserstein"]

    # The mean and sd of the smallest numbers there are have three digits.
    close = 1e-2 if kind == "smallest" else 1e-9
    assert ours.value <= expected * (1 + close)
    assert expected <= (ours.value + ours.bound) * (1 + close)
    assert ours.bound < 0.02
    assert (exact.value, exact.bound) == (pytest.approx(expected, rel=close), None)


def test_infinite_values_have_a_place_and_no_area_in_bins_and_on_raw_values_alike():
    random = np.random.default_rng(10)
    before, now = random.normal(size=5_000), random.normal(size=2_000)
    now[:500], now[500:600], now[600:700] = np.inf, -np.inf, np.nan
    bins = fitted(before)
    as_largest = np.clip(now, -1e9, 1e9)

    binned, exact = kolmogorov_smirnov(pair(bins, before, now)), exact_distances(before, now)

    expected = scipy_stats.ks_2samp(before, as_largest[~np.isnan(as_largest)]).statistic
    assert exact["ks"].value == pytest.approx(expected, abs=1e-15)
    assert binned.value <= expected + 1e-15 <= binned.value + binned.bound + 2e-15
    assert exact["wasserstein"] == NotComputed("600 infinite values in the window", 1_900)
    assert wasserstein(pair(bins, before, now), infinite=(0, 600)) == exact["wasserstein"]


def test_distances_that_overflow_or_have_no_spread_are_not_computed():
    largest = np.array([-1e308, 1e308])

    assert exact_distances(largest, np.array([1e308]))["wasserstein"] == NotComputed(NOT_FINITE, 1)
    constant = exact_distances(np.ones(3), np.array([2.0]))
    assert constant["wasserstein"].because.startswith("constant")
    assert constant["ks"].value == 1


def test_wasserstein_of_a_pure_shift_is_the_shift():
    before = np.random.default_rng(6).normal(size=5_000)
    bins = fitted(before)

    ours = wasserstein(pair(bins, before, before + 10.0))

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
        lambda a, b: wasserstein(on_two_edges(a, b)),
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

    outcome = wasserstein(pair(bins, before, before))

    assert outcome == NotComputed("constant: the reference has no spread to measure distance by", 500)
