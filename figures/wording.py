"""How the portal writes figures and spans of time, in pages, in charts and in their tables."""

import math
from datetime import timedelta
from decimal import Decimal
from numbers import Integral, Real

MINUS = "−"
GAP = "\N{NO-BREAK SPACE}"
NOTHING = "–"


def is_number(value: object) -> bool:
    """True for a finite figure, numpy's and Decimal too; a bool is none."""
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        return False
    return math.isfinite(value)


def number_text(value: Real | Decimal | None, digits: int | None = None) -> str:
    """`value` with thousands and a true minus; without `digits`, an integer plain and a float with up to six.

    None, NaN and infinity become a dash, since a page must not show a figure that nobody computed.
    >>> number_text(1284), number_text(-0.2716, 3), number_text(None)
    ('1,284', '−0.272', '–')
    """
    if not is_number(value):
        return NOTHING
    if digits is None:
        text = f"{value:,}" if isinstance(value, Integral | Decimal) else f"{value:,.6g}"
    else:
        text = f"{value:,.{digits}f}"
    if not text.strip("-0.,"):
        text = text.removeprefix("-")  # −0.000 would read as a negative figure
    return text.replace("-", MINUS)


def percent_text(rate: Real | Decimal | None, digits: int = 1) -> str:
    """A fraction 0..1 as per cent.

    >>> percent_text(0.0942).replace(GAP, " ")
    '9.4 %'
    """
    return number_text(rate * 100, digits) + f"{GAP}%" if is_number(rate) else NOTHING


def bytes_text(size: int | None) -> str:
    """A size in bytes in the unit that leaves one to three figures before the point; 1 kB is 1000 B.

    >>> bytes_text(4_100_000).replace(GAP, " ")
    '4.1 MB'
    """
    if not is_number(size):
        return NOTHING
    for unit in ("B", "kB", "MB", "GB"):
        if abs(size) < 999.5:
            return number_text(size, 0 if unit == "B" or abs(size) >= 99.5 else 1) + GAP + unit
        size = size / 1000
    return number_text(size, 1) + f"{GAP}TB"


def duration_text(span: timedelta | Real | None) -> str:
    """A span (timedelta or seconds) in its two largest units, rounded down.

    >>> [duration_text(s).replace(GAP, " ") for s in (0.4, 43, 900, 7500, 200_000)]
    ['under 1 s', '43 s', '15 min', '2 h 5 min', '2 d 7 h']
    """
    seconds = span.total_seconds() if isinstance(span, timedelta) else span
    if not is_number(seconds):
        return NOTHING
    if seconds < 1:
        return f"under{GAP}1{GAP}s"
    left, parts = int(seconds), []
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count or parts:
            parts.append((count, unit))
    return GAP.join(f"{count}{GAP}{unit}" for count, unit in parts[:2] if count)


def count_text(count: int, noun: str, plural: str = "") -> str:
    """A count with its noun, in one or in many.

    >>> count_text(1, "window"), count_text(1200, "window")
    ('1 window', '1,200 windows')
    """
    return f"{number_text(count)} {noun if count == 1 else plural or noun + 's'}"
