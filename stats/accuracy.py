"""How far probabilities and calls lie from what happened: Brier, log-loss, confusion counts at a cut-off."""

from dataclasses import dataclass

from stats.drift import rate
from stats.results import NotComputed, Value, computed, require_rows
from stats.state import BAD, GOOD, ScoreCounts

NO_OUTCOME = "known outcomes"


@computed
def brier(score: ScoreCounts) -> Value | NotComputed:
    """Mean squared difference of score and outcome: ∑s² - 2·∑s·y + ∑y over n.

    Exact up to the rounding of the sums, about 1e-16 at a value near 0, where it is kept from falling below.

    Source: Brier 1950; checked against sklearn.metrics.brier_score_loss.
    """
    require_rows(score.labelled, NO_OUTCOME)
    squared = score.squares[GOOD:].sum() - 2 * score.sums[BAD].sum() + score.counts[BAD].sum()
    return Value(max(float(squared / score.labelled), 0.0), score.labelled)


@computed
def log_loss(score: ScoreCounts) -> Value | NotComputed:
    """Mean negative log-likelihood of the outcomes, in nats; scores are clipped to [2⁻⁵², 1 - 2⁻⁵²].

    Source: Good 1952; clipping and value as sklearn.metrics.log_loss.
    """
    require_rows(score.labelled, NO_OUTCOME)
    return Value(float(score.log_loss.sum() / score.labelled), score.labelled)


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts at one cut-off; a row is called when score >= cut-off, positive means bad. Exact.

    Estimated counts (stats.estimate) are fractions of rows.
    """

    cut_off: float
    true_positive: float
    false_positive: float
    true_negative: float
    false_negative: float

    @property
    def n(self) -> int:
        return round(self.true_positive + self.false_positive + self.true_negative + self.false_negative)


def confusion(score: ScoreCounts, cut_off: float, cut: int) -> Confusion:
    """`cut` is the position of the edge just under the cut-off (ScoreBins.cut_off_cuts)."""
    below, above = score.counts[:, : cut + 1].sum(axis=1), score.counts[:, cut + 1 :].sum(axis=1)
    return Confusion(cut_off, int(above[BAD]), int(above[GOOD]), int(below[GOOD]), int(below[BAD]))


def precision(table: Confusion) -> Value | NotComputed:
    """Share of called rows that went bad, Wilson interval."""
    called = table.true_positive + table.false_positive
    if called < 1:
        return NotComputed(f"no row with a known outcome is called at cut-off {table.cut_off:g}", 0)
    return rate(table.true_positive, called)


def recall(table: Confusion) -> Value | NotComputed:
    """Share of bad rows that were called, Wilson interval."""
    bad = table.true_positive + table.false_negative
    if bad < 1:
        return NotComputed("one class: no known outcome is bad", table.n)
    return rate(table.true_positive, bad)


def accuracy(table: Confusion) -> Value | NotComputed:
    """Share of rows called right, Wilson interval."""
    return rate(table.true_positive + table.true_negative, table.n)
