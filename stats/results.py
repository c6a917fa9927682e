"""What a metric returns: a value with what is known about its precision, or the reason why there is none."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps


class StatsInputError(ValueError):
    """An argument that breaks a rule: names the argument, the rule and the value."""


@dataclass(frozen=True, slots=True)
class Value:
    """One computed number.

    n      observations that entered it
    bound  the value of the raw rows differs from `value` by at most this, None where `value` is exact; rounding
           aside, and of the value alone: the ends of the interval have no bound of their own
    low    lower end of the 95 % confidence interval, where the metric has one
    high   upper end of it
    """

    value: float
    n: int
    bound: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class NotComputed:
    """No number, and the sentence that says why: never a silent zero or NaN."""

    because: str
    n: int = 0


Outcome = Value | NotComputed
NOT_FINITE = "the result is not a finite number: its values are too large or too small to compute with"


def is_finite(*numbers: float | None) -> bool:
    """Whether every number that is there is one."""
    return all(number is None or math.isfinite(number) for number in numbers)


class Refused(Exception):
    """Raised inside a metric to leave it with a reason; `computed` turns it into NotComputed."""

    def __init__(self, because: str, n: int = 0):
        super().__init__(because)
        self.outcome = NotComputed(because, int(n))


def computed[**P, R](metric: Callable[P, R]) -> Callable[P, R | NotComputed]:
    """Let a metric leave through a guard (`require_…`) and still return a typed outcome."""

    @wraps(metric)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | NotComputed:
        try:
            return metric(*args, **kwargs)
        except Refused as refused:
            return refused.outcome

    return guarded


def require_rows(n: int, what: str = "usable values", minimum: int = 1) -> None:
    """Refuse a metric that has fewer observations than it needs."""
    if n < minimum:
        raise Refused(f"{n} {what}, at least {minimum} needed", n)
