"""The customers: 30,000 card holders of a Taiwanese bank in 2005 (demo/data/NOTICE.md), as they are."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

DATA = Path(__file__).parents[1] / "data" / "taiwan_credit.parquet"
SEED = 20261101
TRAINING_SHARE, VALIDATION_SHARE = 0.3, 0.2

OUTCOME = "DEFAULT"
PROTECTED = ("SEX", "MARRIAGE", "AGE")
PAYMENTS = ("PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6")
BILLS = tuple(f"BILL_AMT{n}" for n in range(1, 7))
PAID = tuple(f"PAY_AMT{n}" for n in range(1, 7))
NUMBERS = ("LIMIT_BAL", *PAYMENTS, *BILLS, *PAID)
CATEGORIES = ("EDUCATION",)
FEATURES = (*NUMBERS, *CATEGORIES)


def months_before(n: int) -> str:
    """The month of the n-th column of a series, counted back from the first."""
    return "1 month before September" if n == 2 else f"{n - 1} months before September"


MEANINGS = {
    "LIMIT_BAL": "Credit limit, New Taiwan dollars",
    "EDUCATION": "1 graduate school, 2 university, 3 high school, 4 other; 0, 5 and 6 undocumented",
    "PAY_0": "Repayment status in September: -2 no use, -1 paid in full, 0 revolving, n months late",
    **{f"PAY_{n}": f"Repayment status {months_before(n)}" for n in range(2, 7)},
    "BILL_AMT1": "Bill of September, New Taiwan dollars",
    **{f"BILL_AMT{n}": f"Bill {months_before(n)}" for n in range(2, 7)},
    "PAY_AMT1": "Paid in September, New Taiwan dollars",
    **{f"PAY_AMT{n}": f"Paid {months_before(n)}" for n in range(2, 7)},
}


@dataclass(frozen=True)
class Split:
    """Three disjoint sets of customers.

    training    what the models learn from
    validation  what monitoring is held against: the models have not seen it, so its scores are honest
    production  who meets the models month by month
    """

    training: pd.DataFrame
    validation: pd.DataFrame
    production: pd.DataFrame


def load_customers(path: Path = DATA) -> pd.DataFrame:
    """One row a customer; numbers as float64, since a feed may break and leave them empty."""
    types = dict.fromkeys(NUMBERS, "float64") | dict.fromkeys(CATEGORIES, "int64")
    return pd.read_parquet(path).astype(types)


def split_customers(customers: pd.DataFrame, *, seed: int = SEED) -> Split:
    """Deal the customers into three sets with the same share of defaults in each."""
    order = np.random.default_rng(seed).permutation(len(customers))
    shuffled = customers.iloc[order]
    rank = shuffled.groupby(OUTCOME).cumcount() / shuffled.groupby(OUTCOME)["ID"].transform("size")
    first, second = TRAINING_SHARE, TRAINING_SHARE + VALIDATION_SHARE
    parts = (rank < first, (rank >= first) & (rank < second), rank >= second)
    return Split(*(shuffled[part].sort_values("ID").reset_index(drop=True) for part in parts))


def deal_into_months(customers: pd.DataFrame, months: tuple[str, ...], *, seed: int) -> pd.Series:
    """A month for each customer, such that every month has the same mix.

    Customers are ordered by outcome, repayment status and limit; of each `len(months)` neighbours every month
    gets one. Without that, the smaller months would drift by chance alone.
    """
    ordered = customers.sort_values([OUTCOME, "PAY_0", "LIMIT_BAL", "BILL_AMT1", "ID"]).index
    generator = np.random.default_rng(seed)
    hands = -(-len(ordered) // len(months))
    dealt = np.concatenate([generator.permutation(len(months)) for _ in range(hands)])[: len(ordered)]
    return pd.Series(np.array(months)[dealt], index=ordered).reindex(customers.index)
