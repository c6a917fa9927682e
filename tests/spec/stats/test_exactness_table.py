"""The table of docs/numbers.md at a size that a test can afford."""

from benchmarks.exactness import ROUNDING, compare


def test_no_quantity_is_further_off_than_the_bound_shown_beside_it():
    lines = compare(20_000)

    assert {line.quantity for line in lines} >= {"psi", "ks", "wasserstein / sd", "auc", "brier", "log_loss"}
    assert [line for line in lines if line.difference > line.bound + ROUNDING] == []
