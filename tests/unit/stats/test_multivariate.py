import numpy as np
import pytest

from stats.multivariate import reconstruction_error
from stats.results import NotComputed
from stats.state import Moments


def moments(rows: np.ndarray) -> Moments:
    return Moments(len(rows), rows.sum(axis=0), rows.T @ rows)


def correlated(seed: int, n: int = 20_000, rho: float = 0.9) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.multivariate_normal([0, 0, 0], [[1, rho, 0], [rho, 1, 0], [0, 0, 1]], n)


def test_it_equals_the_error_of_rebuilding_each_row():
    before, now = correlated(1), correlated(2, rho=0.2)
    centred = now - before.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(before.T, bias=True))
    main = vectors[:, ::-1][:, : int(np.searchsorted(np.cumsum(values[::-1]) / values.sum(), 0.65)) + 1]
    rebuilt = centred @ main @ main.T

    ours = reconstruction_error(moments(before), moments(now))

    assert ours.value == pytest.approx(np.sqrt(((centred - rebuilt) ** 2).sum(axis=1).mean()), rel=1e-9)


def test_a_lost_correlation_shows_though_no_single_feature_moved():
    before, same, broken = correlated(1), correlated(2), correlated(3, rho=0.0)

    assert reconstruction_error(moments(before), moments(broken)).value > 1.5 * (
        reconstruction_error(moments(before), moments(same)).value
    )


@pytest.mark.parametrize(("before", "now", "is_computed"), [(0, 0.1, True), (0, 0.11, False), (0.3, 0.4, True)])
def test_missing_cells_which_are_rebuilt_without_error_are_no_improvement(before, now, is_computed):
    reference, window = moments(correlated(1)), moments(correlated(2))

    outcome = reconstruction_error(reference, window, missing=(before, now))

    assert isinstance(outcome, NotComputed) is not is_computed
    if not is_computed:
        assert outcome.because.startswith("11% of the cells are missing, 0% in the reference")


def test_one_varying_feature_has_no_components_to_lose():
    rows = np.zeros((100, 2))
    rows[:, 0] = np.random.default_rng(1).normal(size=100)

    outcome = reconstruction_error(moments(rows), moments(rows))

    assert outcome == NotComputed("fewer than two numeric features vary in the reference", 100)


def test_segments_without_moments_say_so():
    assert isinstance(reconstruction_error(moments(correlated(1)), None), NotComputed)
