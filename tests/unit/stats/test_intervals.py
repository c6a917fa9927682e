import pytest
from scipy import stats as scipy_stats

from stats.intervals import jeffreys, wilson

CASES = [(0, 10), (1, 10), (8, 10), (10, 10), (3, 100_000)]


@pytest.mark.parametrize(("successes", "n"), CASES)
def test_wilson_equals_scipy(successes, n):
    expected = scipy_stats.binomtest(successes, n).proportion_ci(0.95, method="wilson")

    assert wilson(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("successes", "n"), CASES)
def test_jeffreys_is_the_posteriors_middle_and_closed_at_the_ends(successes, n):
    posterior = scipy_stats.beta(successes + 0.5, n - successes + 0.5)

    low, high = jeffreys(successes, n)

    assert low == (0 if successes == 0 else pytest.approx(posterior.ppf(0.025)))
    assert high == (1 if successes == n else pytest.approx(posterior.ppf(0.975)))
