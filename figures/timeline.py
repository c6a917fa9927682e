"""The plane that a metric over windows is drawn on: bands, marks, gaps, lines, intervals and their labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

import plotly.graph_objects as go

from figures import chart
from figures.wording import is_number, number_text

LONGEST_NAME = 14  # of a line, in the margin at its right end
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
    """

    state: str
    worse: str
    edge: float
    to: float | None
    words: str


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
        Band(state, worse, edge, to, f"{state.capitalize()}, {worse} {number_text(edge, digits)}")
        for state, edge, to in edges
        if edge is not None
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

    def __init__(self, points: Sequence[Point], bands: Sequence[Band], reference: float | None):
        self.points = points
        self.bands = bands
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


def day_of(at: date | datetime) -> datetime:
    if isinstance(at, datetime):
        return at.replace(tzinfo=None)
    return datetime(at.year, at.month, at.day)


def _x(at: date | datetime) -> str:
    return day_of(at).isoformat(timespec="minutes")


def line(points: Sequence[Point], name: str, digits: int, colour: str, dash: str = "solid") -> go.Scatter:
    return go.Scatter(
        x=[_x(point.at) for point in points],
        y=[point.value for point in points],
        customdata=[point.name for point in points],
        mode="lines+markers",
        connectgaps=False,
        line={"color": colour, "width": 1.75, "dash": dash},
        marker={
            "size": 6 if len(points) <= MANY else 3,
            "color": "var(--surface)",
            "line": {"color": colour, "width": 1.75},
        },
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
    mark_shapes, mark_notes = _marks(marks)
    band_shapes, band_notes = _bands(view)
    reference_rule = [] if view.reference is None else [_rule(view.reference, chart.REFERENCE, dash="4px,3px")]
    return {
        "margin": {"r": 132},
        "xaxis": {"type": "date", "range": [_x(view.dates[0] - half), _x(view.dates[-1] + half)], "showgrid": False}
        | ({"title": {"text": window_title}} if window_title else {}),
        "yaxis": {"range": [view.low, view.high], "nticks": 6},
        "shapes": gap_shapes + band_shapes + mark_shapes + reference_rule,
        "annotations": [chart.y_title(title), *band_notes, *gap_notes, *mark_notes, *notes],
    }


def _bands(view: View) -> tuple[list[dict], list[dict]]:
    shapes, notes = [], []
    for band in view.bands:
        shapes += [_ground(band, view), _rule(band.edge, INKS[band.state])]
        notes.append(_band_label(band, view))
    return shapes, notes


def _ground(band: Band, view: View) -> dict:
    to = (view.high if band.worse == "above" else view.low) if band.to is None else band.to
    place = {"xref": "paper", "x0": 0, "x1": 1, "y0": band.edge, "y1": to}
    return {"type": "rect", "layer": "below", "fillcolor": FILLS[band.state], "line": {"width": 0}} | place


def _band_label(band: Band, view: View) -> dict:
    """The label stands inside its band, or on the other side of the threshold where the band is too thin."""
    thin = band.to is not None and abs(band.to - band.edge) < view.line
    above = (band.worse == "above") != thin
    place = {"xref": "paper", "x": 0, "xanchor": "left", "xshift": 6, "y": band.edge}
    anchor = "bottom" if above else "top"
    return chart.words(band.words, yanchor=anchor, font=chart.in_ink(INKS[band.state]), **place)


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


def _marks(marks: Sequence[Mark]) -> tuple[list[dict], list[dict]]:
    shapes = [
        {
            "type": "line",
            "yref": "paper",
            "x0": _x(mark.at),
            "x1": _x(mark.at),
            "y0": 0,
            "y1": 1,
            "line": {"color": chart.QUIET, "width": 1, "dash": "2px,2px"},
        }
        for mark in marks
    ]
    notes = [
        chart.words(mark.words, x=_x(mark.at), y=1, yref="paper", xanchor="center", yanchor="bottom") for mark in marks
    ]
    return shapes, notes


def right_labels(view: View, named: Sequence[tuple[str, Sequence[Point], str]], digits: int) -> list[dict]:
    """Names of the lines at their right ends, moved apart; the reference line gets its own."""
    labels = []
    if view.reference is not None:
        labels.append((view.reference, f"Reference {number_text(view.reference, digits)}", chart.QUIET, False))
    for name, points, colour in named:
        last = last_of(points)
        if last is not None:
            short = f"{name} " if len(name) <= LONGEST_NAME else ""  # the chart's head says it already
            labels.append((last.value, short + number_text(last.value, digits), colour, True))
    heights = chart.apart([label[0] for label in labels], view.line)
    return [
        chart.words(text, xref="paper", x=1, y=height, xanchor="left", xshift=6, font=chart.in_ink(colour, bold=bold))
        for height, (_, text, colour, bold) in zip(heights, labels, strict=True)
    ]


def last_of(points: Sequence[Point]) -> Point | None:
    return next((point for point in reversed(points) if is_number(point.value)), None)
