import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from stats.bins import bin_positions, check_edges, coarse, inner_cuts, point_bins, positions_of, quantile_edges
from stats.results import StatsInputError

numbers = arrays.arrays(
    np.float64, st.integers(1, 3_000), elements=st.floats(-1e6, 1e6, width=32), unique=False, fill=st.just(0.0)
)


@given(numbers)
def test_edges_increase_hold_the_range_and_are_at_most_a_thousand_and_two(values):
    edges = check_edges(quantile_edges(values))

    assert edges[0] < values.min()
    assert edges[-1] == values.max()
    assert edges.size <= 1_002


@given(numbers)
def test_no_reference_value_falls_outside_its_own_range(values):
    edges = quantile_edges(values)

    counts = np.bincount(bin_positions(values, edges), minlength=edges.size + 1)

    assert counts[0] == counts[-1] == 0
    assert counts.sum() == values.size


def test_a_bin_that_is_no_point_holds_about_a_thousandth_of_a_continuous_reference():
    values = np.random.default_rng(1).lognormal(size=50_000)
    edges = quantile_edges(values)

    counts = np.bincount(bin_positions(values, edges), minlength=edges.size + 1)

    assert counts[1:-1].max() <= 50
    assert not point_bins(edges)[2:].any()


def test_a_heavy_value_has_a_bin_of_its_own():
    values = np.concatenate([np.zeros(10_000), np.random.default_rng(2).lognormal(size=10_000)])
    edges = quantile_edges(values)

    place = int(bin_positions(0.0, edges))

    assert point_bins(edges)[place]


def test_every_value_of_a_discrete_column_has_a_bin_of_its_own():
    values = np.repeat(np.arange(300.0), 3)
    edges = quantile_edges(values)

    assert point_bins(edges)[bin_positions(values, edges)].all()


def test_deciles_are_values_that_at_least_that_share_does_not_exceed():
    assert inner_cuts(np.arange(1, 11), 10).tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert inner_cuts([5, 5, 5], 10).tolist() == [5]


def test_coarse_bins_add_up_what_lies_between_the_cuts():
    assert coarse(np.array([1, 2, 3, 4, 5]), np.array([1, 2])).tolist() == [3, 3, 9]
    assert coarse(np.array([1, 2, 3]), np.array([], int)).tolist() == [6]


def test_a_cut_that_is_no_edge_is_an_error():
    with pytest.raises(StatsInputError, match="every cut must be an edge"):
        positions_of([0.5], np.array([0.0, 1.0]))


def test_edges_that_do_not_increase_are_an_error_that_shows_them():
    with pytest.raises(StatsInputError, match=r"increase strictly, got \[0.2, 0.2, 0.5\]"):
        check_edges([0.2, 0.2, 0.5])


@pytest.mark.parametrize("values", [[], [np.nan], [1.0, np.inf]])
def test_values_without_a_finite_number_have_no_edges(values):
    with pytest.raises(StatsInputError):
        quantile_edges(values)
