"""Distance between two windows of one column, from the counts and sums of its bins.

Everything here takes counts (bins,) int64 and sums (bins,) float64 as stats.state keeps them, without the
missing bin unless it says so, and edges (bins - 1,) float64.
"""

from dataclasses import dataclass

import numpy as np

from stats.intervals import wilson
from stats.results import NotComputed, Refused, Value, computed, require_rows
from stats.special import special


@dataclass(frozen=True, slots=True, eq=False)
class Psi:
    """Population stability index, in nats, and each bin's part of it (NaN for a bin that was dropped)."""

    value: float
    n: int
    contributions: np.ndarray


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """Test of homogeneity of two samples of one categorical column."""

    value: float
    n: int
    degrees: int
    p_value: float


@computed
def psi(reference: np.ndarray, current: np.ndarray) -> Psi | NotComputed:
    """Population stability index of `current` against `reference`, in nats (0 = same shares).

    reference, current  (bins,) counts of the same bins; missing is one of them
    A bin that is empty in one window counts half an observation there, one that is empty in both is dropped;
    the other shares stay as they are. Sum over bins of (q - p)·ln(q / p).
    Source: Kullback & Leibler 1951 (J-divergence); Siddiqi 2006, Credit Risk Scorecards, ch. 14 for the use.
    >>> round(psi(np.array([50, 50]), np.array([40, 60])).value, 6)
    0.040547
    """
    (p, _), (q, n) = _shares(reference), _shares(current)
    used = (reference > 0) | (current > 0)
    parts = np.where(used, (q - p) * np.log(q / p), 0.0)
    return Psi(float(parts.sum()), n, np.where(used, parts, np.nan))


def _shares(counts: np.ndarray) -> tuple[np.ndarray, int]:
    n = int(counts.sum())
    require_rows(n, "rows")
    return np.maximum(counts, 0.5) / n, n


@computed
def jensen_shannon(reference: np.ndarray, current: np.ndarray) -> Value | NotComputed:
    """Jensen–Shannon distance, base 2: 0 = same shares, 1 = nothing in common.

    reference, current  (bins,) counts of the same bins; missing is one of them
    Source: Lin 1991, eq. 4.1; the distance is its square root (Endres & Schindelin 2003).
    """
    before, n = int(reference.sum()), int(current.sum())
    require_rows(before, "rows in the reference")
    require_rows(n, "rows")
    p, q = reference / before, current / n
    middle = (p + q) / 2
    divergence = (special().rel_entr(p, middle).sum() + special().rel_entr(q, middle).sum()) / (2 * np.log(2))
    # Rounding may leave equal shares a hair below 0.
    return Value(float(max(divergence, 0.0) ** 0.5), n)


def total_variation(reference: np.ndarray, current: np.ndarray) -> Value | NotComputed:
    """Half the sum of absolute differences of the shares: the largest difference of any set of bins, 0..1."""
    n = int(current.sum())
    if not n or not reference.sum():
        return NotComputed("0 rows, at least 1 needed", n)
    return Value(float(np.abs(reference / reference.sum() - current / n).sum() / 2), n)


@computed
def chi_square(reference: np.ndarray, current: np.ndarray) -> ChiSquare | NotComputed:
    """Pearson's chi-square of the 2 × bins table, both samples random; bins empty in both are dropped.

    reference, current  (bins,) counts of the same bins; missing is one of them, and so are the pooled other levels
    and the new ones: a column that differs in its missing values alone differs
    Source: Pearson 1900; as scipy.stats.chi2_contingency(correction=False).
    """
    require_rows(int(current.sum()), "rows")
    table = np.stack([reference, current])
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2:
        raise Refused("constant: reference and window hold one and the same level", int(current.sum()))
    require_rows(int(reference.sum()), "rows in the reference")
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    statistic, degrees = float(((table - expected) ** 2 / expected).sum()), table.shape[1] - 1
    return ChiSquare(statistic, int(current.sum()), degrees, float(special().chdtrc(degrees, statistic)))


def rate(part: int, n: int) -> Value | NotComputed:
    """A share with its Wilson interval (missing, new levels, out of range, defaults, approvals)."""
    if n < 1:
        return NotComputed("0 rows, at least 1 needed", 0)
    return Value(part / n, n, None, *wilson(part, n))
