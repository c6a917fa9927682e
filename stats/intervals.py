"""Confidence intervals of proportions.

scipy.special, not scipy.stats: the same functions, without a second of imports in every worker.
"""

from functools import cache

from scipy.special import betaincinv, ndtri

CONFIDENCE = 0.95


def wilson(successes: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Score interval of a proportion, n ≥ 1. Source: Wilson 1927; Brown, Cai & DasGupta 2001, eq. 4.

    >>> [round(end, 4) for end in wilson(8, 10)]
    [0.4902, 0.9433]
    """
    z = _normal(confidence)
    share, weight = successes / n, 1 + z * z / n
    middle = (share + z * z / (2 * n)) / weight
    half = z / weight * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    # Exactly 0 and 1 at the ends, where rounding would leave 1e-20.
    return (max(middle - half, 0.0) if successes else 0.0), (min(middle + half, 1.0) if successes < n else 1.0)


@cache
def _normal(confidence: float) -> float:
    """How many standard deviations the interval reaches to either side."""
    return float(ndtri((1 + confidence) / 2))


def jeffreys(successes: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Equal-tailed interval of Beta(x + 1/2, n - x + 1/2), closed at 0 for x = 0 and at 1 for x = n.

    Source: Brown, Cai & DasGupta 2001, section 3.1.3; the test that the ECB's validation reporting
    instructions (2019, 2.5.3.1) use for PD calibration rests on the same posterior.
    """
    tail = (1 - confidence) / 2
    a, b = successes + 0.5, n - successes + 0.5
    low = 0.0 if successes == 0 else float(betaincinv(a, b, tail))
    high = 1.0 if successes == n else float(betaincinv(a, b, 1 - tail))
    return low, high
