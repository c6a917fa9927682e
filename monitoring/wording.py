"""What people read for a metric: its name, its unit, its decimals. One wording for pages, trail and files."""

from __future__ import annotations

import re
from typing import NamedTuple

from figures.wording import number_text


class MetricWords(NamedTuple):
    """What a page calls a metric, its unit, its decimals, and what a stored value is multiplied by."""

    name: str
    unit: str = ""
    digits: int = 3
    scale: float = 1

    def text(self, value: float | None) -> str:
        return number_text(value * self.scale if value is not None else None, self.digits)

    def with_unit(self, value: float | None) -> str:
        """The value as a sentence has it: 0.372 nats, 7.6 %."""
        return f"{self.text(value)} {self.unit}".rstrip()

    def as_limit(self, value: float | None) -> str:
        """A threshold after a value that has named the unit: 0.250, but 5.0 %."""
        return self.with_unit(value) if self.unit == "%" else self.text(value)


def _rate(name: str, digits: int = 1, unit: str = "%") -> MetricWords:
    return MetricWords(name, unit, digits, 100)


METRICS = {
    "auc": MetricWords("AUC, realised"),
    "estimated_auc": MetricWords("AUC, estimated"),
    "auc_change": MetricWords("Change of AUC"),
    "gini": MetricWords("Gini"),
    "ks_separation": MetricWords("KS of bad and good"),
    "brier": MetricWords("Brier score", digits=4),
    "estimated_brier": MetricWords("Brier score, estimated", digits=4),
    "log_loss": MetricWords("Log-loss", digits=4),
    "calibration_error": MetricWords("Calibration error", digits=4),
    "observed_to_expected": MetricWords("Observed / expected", digits=2),
    "score_psi": MetricWords("PSI of the score", "nats"),
    "score_ks": MetricWords("KS of the score"),
    "score_jensen_shannon": MetricWords("Jensen–Shannon of the score"),
    "score_wasserstein": MetricWords("Wasserstein of the score", "sd"),
    "score_mean": MetricWords("Mean score", digits=4),
    "psi": MetricWords("PSI", "nats"),
    "ks": MetricWords("KS"),
    "jensen_shannon": MetricWords("Jensen–Shannon"),
    "wasserstein": MetricWords("Wasserstein", "sd"),
    "total_variation": MetricWords("Total variation"),
    "chi_square": MetricWords("Chi-square", digits=2),
    "chi_square_p": MetricWords("Chi-square, p"),
    "mean": MetricWords("Mean", digits=2),
    "missing_rate": _rate("Missing share"),
    "missing_rate_change": _rate("Change of missing share", 2, "points"),
    "new_level_rate": _rate("Share of unseen categories"),
    "out_of_range_rate": _rate("Share of unseen values"),
    "labelled_rate": _rate("Outcome known"),
    "default_rate": _rate("Default rate"),
    "estimated_default_rate": _rate("Default rate, estimated"),
    "approval_rate": _rate("Approved"),
    "approved_default_rate": _rate("Default rate of approved"),
    "rescoring_mismatch": _rate("Share of scores that differ from the log"),
}


def words_of(metric: str) -> MetricWords:
    """The page's words for a metric; a cut-off is part of the name: precision@0.35."""
    name, _, cut_off = metric.partition("@")
    known = METRICS.get(name)
    if not cut_off:
        return known or MetricWords(name.replace("_", " ").capitalize())
    is_count = name.split("_")[-1] in ("positive", "negative")
    return MetricWords(f"{name.replace('_', ' ').capitalize()} at {cut_off}", "", 0 if is_count else 3)


def name_of(metric: str) -> str:
    return words_of(metric).name


def said(metric: str, column: str = "") -> str:
    """What is measured, of what: "PSI of BILL_AMT1", "PSI of the score"."""
    return f"{name_of(metric)} of {column}" if column else name_of(metric)


UNREADABLE = re.compile(r"(?P<file>\S+) cannot be read as (?P<format>\w+): .*", re.DOTALL)
FORMATS = {"parquet": "Parquet", "csv": "CSV"}


def refusal_said(reason: str) -> str:
    """Why a run was refused, without the words of a library that read the file."""
    found = UNREADABLE.fullmatch(reason)
    if not found:
        return reason
    return f"{found['file']} is not a whole {FORMATS.get(found['format'], found['format'])} file."


def outcome_said(reason: str) -> str:
    """Why a figure of a window is missing, in a few words."""
    return "outcomes not known yet" if "outcome" in reason else reason
