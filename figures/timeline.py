"""The plane that a metric over windows is drawn on: bands, marks, gaps, lines, intervals and their labels."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

import plotly.graph_objects as go

from figures import chart
from figures.wording import is_number, number_text

LONGEST_NAME = 14  # of a line, in the margin at its right end
LETTER = 6  # px, of a label's letter at its widest
NARROWEST = 420  # px, of the plot: a broad chart scrolls rather than getting narrower
MOST_TICKS = 12
MARK_ROW = 14  # px between two rows of labels above the plot
MANY = 40  # windows, beyond which their points would touch
LABEL_SHARE = 0.07  # the height of a line of text, as a share of the plot's
INKS = {"watch": "var(--watch)", "breach": "var(--breach)"}
FILLS = {"watch": "var(--c-watch)", "breach": "var(--c-breach)"}


@dataclass(frozen=True, slots=True)
class Point:
    """One window of one metric.

    at        start of the window
    value     None when it was not computed; then `why` says why
    low, high ends of its interval, if it has one
    label     the window's name ("Oct 2026"); the date if empty
    state     good, watch, breach, unknown or empty
    """

    at: date | datetime
    value: float | None
    low: float | None = None
    high: float | None = None
    label: str = ""
    state: str = ""
    why: str = ""

    @property
    def name(self) -> str:
        return self.label or f"{self.at.day} {self.at:%b %Y}"


@dataclass(frozen=True, slots=True)
class Band:
    """The range from a threshold to the next worse one.

    state  watch or breach
    worse  "above" or "below": the side of `edge` on which the band lies
    to     where the next band starts; None is an open end
    limit  `edge` as the page writes it
    """

    state: str
    worse: str
    edge: float
    to: float | None
    words: str
    limit: str

    def holds(self, value: float) -> bool:
        """Whether a value has crossed the threshold; one that lies on it has."""
        return value >= self.edge if self.worse == "above" else value <= self.edge


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened: "4.1.0 live"."""

    at: date | datetime
    words: str


def bands_beyond(worse: str, *, watch: float | None = None, breach: float | None = None, digits: int = 2) -> list[Band]:
    """Bands of a metric that is worse "above" or "below" its thresholds; either threshold may be missing.

    Raises ValueError for another `worse`, or a breach threshold on the better side of watch.
    """
    if worse not in {"above", "below"}:
        raise ValueError(f"worse must be 'above' or 'below', got {worse!r}")
    if watch is not None and breach is not None and (breach < watch if worse == "above" else breach > watch):
        raise ValueError(f"breach must lie {worse} watch, got watch {watch} and breach {breach}")
    edges = (("watch", watch, breach), ("breach", breach, None))
    return [
        Band(state, worse, edge, to, f"{state.capitalize()}, {worse} {limit}", limit)
        for state, edge, to in edges
        if edge is not None
        for limit in [number_text(edge, digits)]
    ]


def bands_outside(
    *, watch: tuple[float, float] | None = None, breach: tuple[float, float] | None = None, digits: int = 2
) -> list[Band]:
    """Bands of a metric that should stay between two values, such as observed over expected."""
    low_breach, high_breach = breach or (None, None)
    low_watch, high_watch = watch or (None, None)
    below = bands_beyond("below", watch=low_watch, breach=low_breach, digits=digits)
    return below + bands_beyond("above", watch=high_watch, breach=high_breach, digits=digits)


class View:
    """The part of the plane that a series needs: the windows' dates and a range that shows every threshold."""

    def __init__(
        self,
        points: Sequence[Point],
        bands: Sequence[Band],
        reference: float | None,
        chosen: date | None = None,
    ):
        self.points = points
        self.bands = bands
        self.chosen = day_of(chosen) if chosen else None
        self.reference = reference if is_number(reference) else None
        self.dates = sorted({day_of(point.at) for point in points})
        gaps = sorted(b - a for a, b in pairwise(self.dates))
        self.step = gaps[len(gaps) // 2] if gaps else timedelta(days=30)
        self.low, self.high = self._range()

    def _range(self) -> tuple[float, float]:
        ends = [band.edge for band in self.bands]
        own = [value for point in self.points for value in (point.value, point.low, point.high)]
        seen = chart.present([*own, *ends, self.reference]) or [0.0, 1.0]
        low, high = min(seen), max(seen)
        pad = (high - low) * 0.12 or abs(high) * 0.1 or 0.1
        floor = 0.0 if low >= 0 and low - pad < 0 else low - pad  # nothing that cannot be negative starts below 0
        return floor, high + pad

    @property
    def line(self) -> float:
        """The height of a line of text in the metric's own units."""
        return (self.high - self.low) * LABEL_SHARE

    @property
    def decimals(self) -> int:
        """What the upright axis needs, so that every tick has as many."""
        return min(max(math.ceil(-math.log10((self.high - self.low) / 6)), 0), 4)

    def share_of(self, at: date | datetime) -> float:
        """Where a moment lies between the left end (0) and the right end (1)."""
        half = self.step / 2
        return (day_of(at) - self.dates[0] + half) / (self.dates[-1] - self.dates[0] + 2 * half)


def day_of(at: date | datetime) -> datetime:
    if isinstance(at, datetime):
        return at.replace(tzinfo=None)
    return datetime(at.year, at.month, at.day)


def _x(at: date | datetime) -> str:
    return day_of(at).isoformat(timespec="minutes")


def line(
    points: Sequence[Point], name: str, digits: int, colour: str, dash: str = "solid", chosen: date | None = None
) -> go.Scatter:
    """One line with a point a window; the chosen window's is filled."""
    inside = [colour if chosen and day_of(point.at) == day_of(chosen) else "var(--surface)" for point in points]
    return go.Scatter(
        x=[_x(point.at) for point in points],
        y=[point.value for point in points],
        customdata=[point.name for point in points],
        mode="lines+markers",
        connectgaps=False,
        line={"color": colour, "width": 1.75, "dash": dash},
        marker={
            "size": 6 if len(points) <= MANY else 3,
            "color": inside,
            "line": {"color": colour, "width": 1.75},
        },
        cliponaxis=False,
        hovertemplate=f"%{{customdata}}: {name} %{{y:.{digits}f}}<extra></extra>",
    )


def ribbon(points: Sequence[Point], fill: str) -> list[go.Scatter]:
    """The intervals as one area for each run of windows that have them."""
    areas, run = [], []
    for point in [*points, None]:
        if point is not None and is_number(point.low) and is_number(point.high):
            run.append(point)
            continue
        if run:
            areas.append(_area(run, fill))
        run = []
    return areas


def _area(run: Sequence[Point], fill: str) -> go.Scatter:
    days = [_x(point.at) for point in run]
    return go.Scatter(
        x=days + days[::-1],
        y=[point.high for point in run] + [point.low for point in run][::-1],
        mode="lines",
        line={"width": 0, "color": fill},
        fill="toself",
        fillcolor=fill,
        hoverinfo="skip",
    )


def layout(view: View, title: str, window_title: str, marks: Sequence[Mark], notes: list[dict]) -> dict:
    half = view.step / 2
    gap_shapes, gap_notes = _gaps(view)
    mark_shapes, mark_notes, rows = _marks(marks, view)
    band_shapes, band_notes = _bands(view)
    reference_rule = [] if view.reference is None else [_rule(view.reference, chart.REFERENCE, dash="4px,3px")]
    return {
        "margin": {"r": 132, "t": 26 + MARK_ROW * max(rows - 1, 0), "b": 42 if window_title else 28},
        "xaxis": {"type": "date", "range": [_x(view.dates[0] - half), _x(view.dates[-1] + half)], "showgrid": False}
        | _ticks(view)
        | ({"title": {"text": window_title}} if window_title else {}),
        "yaxis": {"range": [view.low, view.high], "nticks": 6, "tickformat": f".{view.decimals}f"},
        "shapes": gap_shapes + band_shapes + _chosen(view) + mark_shapes + reference_rule,
        "annotations": [chart.y_title(title), *band_notes, *gap_notes, *mark_notes, *notes],
    }


def _bands(view: View) -> tuple[list[dict], list[dict]]:
    shapes, notes = [], []
    for band in view.bands:
        shapes += [_ground(band, view), _rule(band.edge, INKS[band.state])]
    for worse in ("above", "below"):
        notes += _band_labels([band for band in view.bands if band.worse == worse], view)
    return shapes, notes


def _ticks(view: View) -> dict:
    """The newest window and every k-th before it, so that the one that matters most is never without its name."""
    every = -(-len(view.dates) // MOST_TICKS)
    shown = view.dates[::-1][::every][::-1]
    before = [None, *shown]
    texts = [_tick(at, earlier, view) for earlier, at in zip(before, shown, strict=False)]
    return {"tickvals": [_x(at) for at in shown], "ticktext": texts, "tickangle": 0}


def _tick(at: datetime, before: datetime | None, view: View) -> str:
    """A month, or a day; with its year where that is another than the tick's before."""
    is_month = view.step >= timedelta(days=28)
    text = f"{at:%b}" if is_month else f"{at.day} {at:%b}"
    if before is None or before.year != at.year:
        text += f" {at:%y}" if is_month else f"<br>{at:%Y}"
    return f"<b>{text}</b>" if at == view.chosen else text


def _chosen(view: View) -> list[dict]:
    """A soft ground behind the window that the page is about, where that is not the newest."""
    if view.chosen is None or view.chosen == view.dates[-1]:
        return []
    ends = {"x0": _x(view.chosen - view.step / 2), "x1": _x(view.chosen + view.step / 2)}
    place = {"type": "rect", "layer": "below", "yref": "paper", "y0": 0, "y1": 1, "line": {"width": 0}}
    return [place | ends | {"fillcolor": "var(--c-cur-soft)"}]


def _ground(band: Band, view: View) -> dict:
    to = (view.high if band.worse == "above" else view.low) if band.to is None else band.to
    place = {"xref": "paper", "x0": 0, "x1": 1, "y0": band.edge, "y1": to}
    return {"type": "rect", "layer": "below", "fillcolor": FILLS[band.state], "line": {"width": 0}} | place


def _band_labels(bands: Sequence[Band], view: View) -> list[dict]:
    """Each label stands inside its band; where that is too thin for a line, both beyond it, one over the other."""
    if not bands:
        return []
    side, anchor = (1, "bottom") if bands[0].worse == "above" else (-1, "top")
    heights: list[float] = []
    for band in bands:
        is_thin = band.to is not None and abs(band.to - band.edge) < view.line
        height = side * (band.to if is_thin else band.edge)
        heights.append(max(height, heights[-1] + view.line) if heights else height)
    limit = max(side * view.low, side * view.high) - view.line
    over = max(heights[-1] - limit, 0)
    place = {"xref": "paper", "x": 0, "xanchor": "left", "xshift": 6, "yanchor": anchor}
    return [
        chart.words(band.words, y=side * (height - over), font=chart.in_ink(INKS[band.state]), **place)
        for band, height in zip(bands, heights, strict=True)
    ]


def _rule(height: float, colour: str, dash: str = "solid") -> dict:
    place = {"xref": "paper", "x0": 0, "x1": 1, "y0": height, "y1": height}
    return {"type": "line", "layer": "above", "line": {"color": colour, "width": 1, "dash": dash}} | place


def _gaps(view: View) -> tuple[list[dict], list[dict]]:
    """A sunk ground behind each run of windows without any value, named once."""
    computed = {day_of(point.at) for point in view.points if is_number(point.value)}
    half, shapes, notes, run = view.step / 2, [], [], []
    for at in [*view.dates, None]:
        if at is not None and at not in computed:
            run.append(at)
            continue
        if run:
            place = {"xref": "x", "yref": "paper", "x0": _x(run[0] - half), "x1": _x(run[-1] + half)}
            shapes.append(
                {"type": "rect", "layer": "below", "fillcolor": "var(--sunk)", "line": {"width": 0}, "y0": 0, "y1": 1}
                | place
            )
            middle = run[0] + (run[-1] - run[0]) / 2
            notes.append(chart.words("not<br>computed", x=_x(middle), y=0, yref="paper", yanchor="bottom"))
        run = []
    return shapes, notes


def _marks(marks: Sequence[Mark], view: View) -> tuple[list[dict], list[dict], int]:
    """Lines, their labels in as many rows as they need not to cover each other, and how many rows that is."""
    shapes, notes, taken = [], [], []
    for mark in sorted(marks, key=lambda mark: day_of(mark.at)):
        place = {"type": "line", "yref": "paper", "x0": _x(mark.at), "x1": _x(mark.at), "y0": 0, "y1": 1}
        shapes.append(place | {"line": {"color": chart.QUIET, "width": 1, "dash": "2px,2px"}})
        middle, half = view.share_of(mark.at) * NARROWEST, len(mark.words) * LETTER / 2
        row = next((i for i, end in enumerate(taken) if end < middle - half), len(taken))
        taken[row : row + 1] = [middle + half]
        label = {"x": _x(mark.at), "y": 1, "yref": "paper", "xanchor": "center", "yanchor": "bottom"}
        notes.append(chart.words(mark.words, yshift=MARK_ROW * row, **label))
    return shapes, notes, len(taken)


def bracket(view: View, ends: Sequence[date | datetime], text: str) -> tuple[list[dict], list[dict]]:
    """A line under the axis over some windows, and what they have in common."""
    left, right = (_x(day_of(at) + side * view.step * 0.4) for at, side in zip(ends, (-1, 1), strict=True))
    place = {"type": "line", "yref": "paper", "x0": left, "x1": right, "y0": 0, "y1": 0, "yanchor": 0}
    shift = {"ysizemode": "pixel", "y0": -24, "y1": -24, "line": {"color": chart.QUIET, "width": 1}}
    label = {"x": right, "y": 0, "yref": "paper", "xanchor": "right", "yanchor": "top", "yshift": -26}
    return [place | shift], [chart.words(text, **label)]


def right_labels(view: View, named: Sequence[tuple[str, Sequence[Point], str]], digits: int) -> list[dict]:
    """Names of the lines at their right ends, moved apart; the reference line gets its own."""
    labels = []
    if view.reference is not None:
        labels.append((view.reference, f"Reference {number_text(view.reference, digits)}", chart.QUIET, False))
    for name, points, colour in named:
        last = last_of(points)
        if last is not None:
            short = f"{name} " if len(name) <= LONGEST_NAME else ""  # the chart's head says it already
            late = "" if day_of(last.at) == view.dates[-1] else f", {short_name(last.name)}"
            labels.append((last.value, short + number_text(last.value, digits) + late, colour, True))
    heights = chart.apart([label[0] for label in labels], view.line)
    return [
        chart.words(text, xref="paper", x=1, y=height, xanchor="left", xshift=6, font=chart.in_ink(colour, bold=bold))
        for height, (_, text, colour, bold) in zip(heights, labels, strict=True)
    ]


def last_of(points: Sequence[Point]) -> Point | None:
    return next((point for point in reversed(points) if is_number(point.value)), None)


def short_name(name: str) -> str:
    """A month without its year, where the chart names the year already.

    >>> short_name("Oct 2026"), short_name("3 Oct 2026")
    ('Oct', '3 Oct 2026')
    """
    return name.partition(" ")[0] if re.fullmatch(r"[A-Z][a-z]{2} \d{4}", name) else name
