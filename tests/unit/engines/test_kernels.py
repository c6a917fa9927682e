"""The compiled loops add row after row, whatever they do to go faster: the bits of plain additions."""

import numpy as np
import pytest

from engines.kernels import UNGROUPED, fill_moments


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
