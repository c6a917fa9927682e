"""What people read for a metric: its name, its unit, its decimals. One wording for pages, trail and files."""

from __future__ import annotations

import re
from typing import NamedTuple

from figures.wording import number_text
from stats.catalogue import metric_named


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


def words_of(metric: str) -> MetricWords:
    """The page's words for a metric; a name that no metric has any more is spelt out."""
    known = metric_named(metric)
    if known is None:
        return MetricWords(metric.replace("_", " ").capitalize())
    return MetricWords(known.words, known.unit, known.digits, known.scale)


def name_of(metric: str) -> str:
    return words_of(metric).name


def said(metric: str, column: str = "", segment: str = "") -> str:
    """What is measured, of what: "PSI of BILL_AMT1", "PSI of the score in REGION=north"."""
    return name_of(metric) + (f" of {column}" if column else "") + (f" in {segment}" if segment else "")


NO_ROWS = "no rows"
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
