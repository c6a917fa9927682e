"""What every figure shares: the result, its table, the layout, and the way to plain JSON."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral, Real
from typing import NamedTuple

import plotly.graph_objects as go

from figures.wording import is_number, number_text

CURRENT, CURRENT_SOFT = "var(--c-cur)", "var(--c-cur-soft)"
REFERENCE, REFERENCE_SOFT = "var(--c-ref)", "var(--c-ref-soft)"
ESTIMATE, ESTIMATE_SOFT = "var(--c-est)", "var(--c-est-soft)"
INK, QUIET, ACCENT = "var(--ink)", "var(--ink-3)", "var(--accent)"
CLEAR = "rgba(0,0,0,0)"


class Cell(NamedTuple):
    text: str
    numeric: bool


@dataclass(frozen=True, slots=True)
class Table:
    """The same data as a figure, for readers and for copying.

    rows    raw values; None where there is none
    digits  decimals of each column, None for a column of words
    """

    headers: tuple[str, ...]
    rows: tuple[tuple, ...]
    digits: tuple[int | None, ...]

    @property
    def heads(self) -> list[Cell]:
        return [Cell(text, digits is not None) for text, digits in zip(self.headers, self.digits, strict=True)]

    @property
    def lines(self) -> Iterator[list[Cell]]:
        for row in self.rows:
            yield [_cell(value, digits) for value, digits in zip(row, self.digits, strict=True)]


def _cell(value, digits: int | None) -> Cell:
    if digits is None:
        return Cell("" if value is None else str(value), False)
    return Cell(number_text(value, digits), True)


@dataclass(frozen=True, slots=True)
class Chart:
    """One figure with everything that a reader without eyes or without script needs.

    figure    {"data", "layout"} for plotly.js, ready for JSON
    sentence  what it shows
    size      height as a class of assay.css: "", small, large, tall
    broad     too wide for a phone: scrolls in its own box there
    newest    its newest windows stand at its right end, where a box that scrolls opens
    """

    figure: dict
    table: Table
    sentence: str
    size: str = ""
    broad: bool = False
    newest: bool = False

    def as_dict(self) -> dict:
        """The same as plain JSON, for the REST API."""
        table = {"headers": list(self.table.headers), "rows": [list(row) for row in self.table.rows]}
        return {"figure": self.figure, "table": plain(table), "sentence": self.sentence}


def draw(traces: Iterable, layout: dict) -> dict:
    """Traces and layout, checked by plotly.py, as plain JSON values without its 7 kB template.

    Raises ValueError where plotly.py does not know a property or its value.
    """
    whole = merged(base_layout(), layout)
    figure = go.Figure(data=list(traces), layout=whole | {"template": "none"}).to_plotly_json()
    figure["layout"].pop("template", None)
    return plain({"data": figure["data"], "layout": figure["layout"]})


def plain(part):
    """Dicts, lists, strings and finite numbers; NaN and infinity become None, which JSON can carry."""
    if isinstance(part, dict):
        return {key: plain(value) for key, value in part.items()}
    if part is None or isinstance(part, str | bool):
        return part
    if isinstance(part, Integral):
        return int(part)
    if isinstance(part, Real):
        return float(part) if math.isfinite(part) else None
    return [plain(value) for value in part]


def merged(base: dict, own: dict) -> dict:
    """`own` over `base`, dict by dict."""
    out = dict(base)
    for key, value in own.items():
        both = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = merged(out[key], value) if both else value
    return out


def base_layout() -> dict:
    return {
        "font": {"family": "var(--bs-body-font-family)", "size": 11, "color": QUIET},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "margin": {"l": 46, "r": 14, "t": 26, "b": 42},
        "showlegend": False,
        "dragmode": False,
        "hovermode": "closest",
        "hoverlabel": {
            "bgcolor": "var(--surface)",
            "bordercolor": "var(--line-2)",
            "font": {"family": "var(--bs-body-font-family)", "size": 12, "color": INK},
        },
        "xaxis": axis(),
        "yaxis": axis(),
    }


def axis() -> dict:
    return {
        "gridcolor": "var(--line)",
        "linecolor": "var(--line-2)",
        "zeroline": False,
        "fixedrange": True,
        "ticks": "",
        "automargin": True,
        "title": {"font": {"size": 11, "color": QUIET}, "standoff": 8},
    }


def words(text: str, **place) -> dict:
    """An annotation without arrow, in quiet ink unless told otherwise."""
    return {"text": text, "showarrow": False, "font": {"color": QUIET, "size": 11}} | place


def in_ink(colour: str, bold: bool = False) -> dict:
    return {"color": colour, "size": 11} | ({"weight": 600} if bold else {})


def y_title(text: str) -> dict:
    """The unit of the upright axis, level, above its figures."""
    return words(text, xref="paper", yref="paper", x=0, y=1, xanchor="left", yanchor="bottom", xshift=-40, yshift=6)


def key(*entries: tuple[str, str, str]) -> dict:
    """Names of what is drawn, in the drawing's colours, above the unit's line; (sign, colour, name) each."""
    text = "   ".join(f'<span style="color:{colour}">{sign}</span> {name}' for sign, colour, name in entries)
    return words(text, xref="paper", yref="paper", x=1, y=1, xanchor="right", yanchor="bottom", yshift=20)


def with_unit(name: str, unit: str) -> str:
    return f"{name}, {unit}" if unit else name


def cut(name: str, most: int = 26) -> str:
    """A long name shortened in its middle, since features differ at their ends."""
    if len(name) <= most:
        return name
    half = (most - 1) // 2
    return f"{name[:half]}…{name[-half:]}"


def apart(heights: Sequence[float], gap: float) -> list[float]:
    """Heights of labels moved up until neighbours are at least `gap` apart; the order stays.

    >>> apart([1.0, 1.1, 5.0], gap=0.5)
    [1.0, 1.5, 5.0]
    """
    order = sorted(range(len(heights)), key=heights.__getitem__)
    moved = list(heights)
    for below, above in pairwise(order):
        moved[above] = max(moved[above], moved[below] + gap)
    return moved


def check_lengths(**columns: Sequence) -> None:
    """Raises ValueError naming the first column that is not as long as the first one."""
    (first, leader), *others = columns.items()
    for name, column in others:
        if len(column) != len(leader):
            raise ValueError(f"{name} must have as many values as {first} ({len(leader)}), got {len(column)}")


def present(values: Iterable) -> list[float]:
    """Only what is a finite number."""
    return [float(value) for value in values if is_number(value)]
