"""The compiled loops add row after row, whatever they do to go faster: the bits of plain additions."""

import numpy as np
import pytest

from engines.kernels import UNGROUPED, cell_table, fill_moments, fill_number
from stats.bins import bin_positions


def added_row_by_row(rows: np.ndarray, groups: np.ndarray, states: int):
    total, products = np.zeros((states, len(rows))), np.zeros((states, len(rows), len(rows)))
    for row, state in zip(rows.T, groups, strict=True):
        if state != UNGROUPED:
            total[state] += row
            products[state] += np.tril(row[:, None] * row)
    return total, products


@pytest.mark.parametrize("kind", ["one state", "runs", "at random"])
@pytest.mark.parametrize("rows", [1, 3, 4, 64, 67, 500])
def test_second_moments_are_the_sums_of_rows_in_their_order(kind, rows):
    random = np.random.default_rng(rows)
    standardised = random.normal(size=(5, rows)) * 10.0 ** random.integers(-8, 8, (5, rows))
    groups = {
        "one state": np.zeros(rows),
        "runs": np.sort(random.integers(0, 4, rows)) - (random.random(rows) < 0.1) * 9,
        "at random": random.integers(-1, 4, rows),
    }[kind]
    groups = np.maximum(groups, UNGROUPED).astype(np.int32)
    total, products = np.zeros((4, 5)), np.zeros((4, 5, 5))

    fill_moments(standardised, groups, 0, 3, total, products)
    fill_moments(standardised, groups, 3, 5, total, products)

    expected = added_row_by_row(standardised, groups, 4)
    np.testing.assert_array_equal(total, expected[0])
    np.testing.assert_array_equal(products, expected[1])


def counted_row_by_row(values: np.ndarray, groups: np.ndarray, edges: np.ndarray, centre: float, states: int):
    counts, centred = np.zeros((states, edges.size + 2), np.int64), np.zeros((states, edges.size + 1))
    for value, states_of_row in zip(values, groups.T, strict=True):
        for state in states_of_row[states_of_row != UNGROUPED]:
            place = -1 if np.isnan(value) else bin_positions(value, edges)
            counts[state, place] += 1
            if np.isfinite(value):
                centred[state, place] += value - centre
    return counts, centred


@pytest.mark.parametrize("kind", ["one state", "runs", "at random"])
@pytest.mark.parametrize("rows", [1, 511, 512, 1_300])
@pytest.mark.parametrize("spread", [1.0, 1e-9])  # few edges in a cell of the table, and hundreds
def test_a_number_is_summed_in_the_order_of_its_rows(kind, rows, spread):
    random = np.random.default_rng(rows)
    edges = np.unique(1 + spread * random.normal(size=700))
    values = np.concatenate([1 + 1.2 * spread * random.normal(size=rows - 1), [np.nan]])
    values[random.random(rows) < 0.02] = np.inf
    values[::5] = random.choice(edges, values[::5].size)
    chosen = {
        "one state": np.zeros((2, rows)),
        "runs": np.sort(random.integers(0, 3, (2, rows)), axis=1),
        "at random": random.integers(0, 3, (2, rows)),
    }[kind]
    groups = np.add(chosen, [[0], [3]]).astype(np.int32)  # no state is of two cuts
    groups[:, random.random(rows) < (0.1 if kind == "runs" else 0)] = UNGROUPED
    counts, centred = np.zeros((6, edges.size + 2), np.int64), np.zeros((6, edges.size + 1))
    extremes, infinite = np.tile([np.inf, -np.inf], (6, 1)), np.zeros(6, np.int64)

    fill_number(values, groups, cell_table(edges), 1.0, counts, centred, extremes, infinite)

    expected = counted_row_by_row(values, groups, edges, 1.0, 6)
    np.testing.assert_array_equal(counts, expected[0])
    np.testing.assert_array_equal(centred, expected[1])
    for state in range(6):
        inside = values[(groups == state).any(axis=0)]
        finite = inside[np.isfinite(inside)]
        assert extremes[state].tolist() == [finite.min(initial=np.inf), finite.max(initial=-np.inf)]
        assert infinite[state] == np.isinf(inside).sum()
