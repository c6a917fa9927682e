"""Confidence intervals of proportions."""

from functools import cache

from stats.special import special

CONFIDENCE = 0.95


def wilson(successes: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Score interval of a proportion, n ≥ 1. Source: Wilson 1927; Brown, Cai & DasGupta 2001, eq. 4.

    >>> [round(end, 4) for end in wilson(8, 10)]
    [0.4902, 0.9433]
    """
    z = deviations(confidence)
    share, weight = successes / n, 1 + z * z / n
    middle = (share + z * z / (2 * n)) / weight
    half = z / weight * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    # Exactly 0 and 1 at the ends, where rounding would leave 1e-20.
    return (max(middle - half, 0.0) if successes else 0.0), (min(middle + half, 1.0) if successes < n else 1.0)


@cache
def deviations(confidence: float = CONFIDENCE) -> float:
    """How many standard deviations of the normal an interval reaches to either side.

    >>> round(deviations(0.95), 6)
    1.959964
    """
    return float(special().ndtri((1 + confidence) / 2))


def jeffreys(successes: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Equal-tailed interval of Beta(x + 1/2, n - x + 1/2), closed at 0 for x = 0 and at 1 for x = n.

    Source: Brown, Cai & DasGupta 2001, section 3.1.3; the test that the ECB's validation reporting
    instructions (2019, 2.5.3.1) use for PD calibration rests on the same posterior.
    """
    tail = (1 - confidence) / 2
    a, b = successes + 0.5, n - successes + 0.5
    low = 0.0 if successes == 0 else float(special().betaincinv(a, b, tail))
    high = 1.0 if successes == n else float(special().betaincinv(a, b, 1 - tail))
    return low, high
