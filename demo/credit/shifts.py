"""What goes wrong in the demonstration's log, on purpose, from month 7 on. The page names each of these.

A shift changes what the log and the model are given; the customer and the outcome stay real.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from demo.credit.customers import BILLS

CHANNEL = "CHANNEL"
DIRECT, AGGREGATOR = "direct", "aggregator"

Change = Callable[[pd.DataFrame, float, np.random.Generator], pd.DataFrame]


@dataclass(frozen=True)
class Shift:
    """One thing that goes wrong with `feature`. `strength` by month, in the unit that `change` takes."""

    feature: str
    strength: Mapping[str, float]
    what: str
    why: str
    change: Change

    def announced(self) -> dict:
        """JSON for the page."""
        return {
            "feature": self.feature,
            "months": sorted(self.strength),
            "what": self.what,
            "why": self.why,
        }


def scale_limit(rows: pd.DataFrame, factor: float, generator: np.random.Generator) -> pd.DataFrame:
    """Every limit times `factor`, in the bank's steps of 10,000."""
    return rows.assign(LIMIT_BAL=(rows["LIMIT_BAL"] * factor / 10_000).round() * 10_000)


def lose_repayment_status(rows: pd.DataFrame, share: float, generator: np.random.Generator) -> pd.DataFrame:
    """PAY_0 is empty in about that share of the rows."""
    return rows.assign(PAY_0=rows["PAY_0"].mask(generator.random(len(rows)) < share))


def bring_in_aggregator(rows: pd.DataFrame, share: float, generator: np.random.Generator) -> pd.DataFrame:
    """About that share comes through an aggregator, who puts the sum of six bills where one belongs."""
    through = generator.random(len(rows)) < share
    return rows.assign(
        BILL_AMT1=rows["BILL_AMT1"].mask(through, rows[list(BILLS)].sum(axis=1)),
        **{CHANNEL: np.where(through, AGGREGATOR, rows[CHANNEL])},
    )


SHIFTS = (
    Shift(
        feature="LIMIT_BAL",
        strength={
            "2026-05": 1.2,
            "2026-06": 1.4,
            "2026-07": 1.6,
            "2026-08": 1.7,
            "2026-09": 1.7,
            "2026-10": 1.7,
        },
        what="Credit limits are multiplied by 1.2 in May, rising to 1.7 from August.",
        why="The bank raised its limits with inflation; the model was trained on the old ones.",
        change=scale_limit,
    ),
    Shift(
        feature="PAY_0",
        strength={"2026-07": 0.35, "2026-08": 0.35},
        what="The latest repayment status is missing in about 35 % of the rows.",
        why="A feed from the card system broke in July and was repaired at the end of August.",
        change=lose_repayment_status,
    ),
    Shift(
        feature="BILL_AMT1",
        strength={"2026-08": 0.6, "2026-09": 0.6, "2026-10": 0.6},
        what="For about 60 % of the customers the last bill is the sum of their last six.",
        why="They come through a new aggregator, who fills the field differently (segment CHANNEL).",
        change=bring_in_aggregator,
    ),
)


def announced_shifts(shifts: tuple[Shift, ...] = SHIFTS) -> list[dict]:
    """All of them, for the page."""
    return [shift.announced() for shift in shifts]


def shifted(rows: pd.DataFrame, month: str, *, seed: int, shifts: tuple[Shift, ...] = SHIFTS) -> pd.DataFrame:
    """The rows of `month` as its feeds deliver them; the rows given stay as they are."""
    rows = rows.assign(**{CHANNEL: DIRECT})
    for number, shift in enumerate(shifts):
        if month in shift.strength:
            generator = np.random.default_rng([seed, number, int(month.replace("-", ""))])
            rows = shift.change(rows, shift.strength[month], generator)
    return rows
