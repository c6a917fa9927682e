"""A metric over windows, with thresholds, reference, marks, intervals, and gaps where nothing was computed."""

from collections.abc import Sequence
from datetime import date, datetime

from figures import chart
from figures.chart import Chart, Table
from figures.timeline import (
    Band,
    Mark,
    Point,
    View,
    bracket,
    day_of,
    last_of,
    layout,
    line,
    ribbon,
    right_labels,
    short_name,
)
from figures.wording import count_text, is_number, number_text


def metric_series(
    *,
    name: str,
    points: Sequence[Point],
    unit: str = "",
    digits: int = 3,
    bands: Sequence[Band] = (),
    reference: float | None = None,
    marks: Sequence[Mark] = (),
    window_title: str = "",
    chosen: date | None = None,
) -> Chart:
    """A metric over (n,) windows in order of time. Rates are drawn as they come; multiply by 100 for per cent.

    chosen  start of the window that the page is about, which is marked and spoken of; else the newest
    Raises ValueError without a window.
    """
    _check(points)
    view = View([*points], bands, reference, chosen)
    traces = [*ribbon(points, chart.CURRENT_SOFT), line(points, name, digits, chart.CURRENT, chosen=chosen)]
    notes = right_labels(view, [(name, points, chart.ACCENT)], digits)
    figure = chart.draw(traces, layout(view, chart.with_unit(name, unit), window_title, marks, notes))
    with_interval = any(is_number(point.low) for point in points)
    sentence = _sentence(name, unit, points, digits, bands, chosen) + _mark_words(marks)
    return Chart(figure, _table(name, unit, points, digits, with_interval), sentence, broad=True, newest=True)


def auc_series(
    *,
    realised: Sequence[Point],
    estimated: Sequence[Point] = (),
    name: str = "AUC",
    digits: int = 3,
    bands: Sequence[Band] = (),
    reference: float | None = None,
    marks: Sequence[Mark] = (),
    window_title: str = "",
    interval: str = "95 %",
    chosen: date | None = None,
) -> Chart:
    """Discrimination with its intervals: realised from outcomes, and estimated where they are not known yet.

    realised, estimated  windows in order of time; estimated may cover other windows, or none
    chosen               start of the window that the page is about; else the newest
    Raises ValueError without a realised window.
    """
    _check(realised)
    view = View([*realised, *estimated], bands, reference, chosen)
    traces = [*ribbon(realised, chart.CURRENT_SOFT), *ribbon(estimated, chart.ESTIMATE_SOFT)]
    if estimated:
        traces.append(line(estimated, f"{name} estimated", digits, chart.ESTIMATE, dash="5px,3px", chosen=chosen))
    traces.append(line(realised, f"{name} realised", digits, chart.CURRENT, chosen=chosen))
    named = [("Realised", realised, chart.ACCENT), ("Estimated", estimated, chart.ESTIMATE)]
    notes = right_labels(view, named, digits)
    figure = chart.draw(traces, with_immature(layout(view, name, window_title, marks, notes), realised, view))
    sentence = _sentence(f"Realised {name}", "", realised, digits, bands, chosen)
    sentence += _estimate_words(estimated, digits, chosen) + _mark_words(marks)
    table = _auc_table(name, realised, estimated, digits)
    return Chart(figure, table, f"{sentence} Intervals are {interval}.", size="large", broad=True, newest=True)


MOST_NAMED = 4
BRACKET = 56  # px below the plot, where a bracket hangs


def _check(points: Sequence[Point]) -> None:
    if not points:
        raise ValueError("points must hold at least one window, got none; show an empty state instead")


STATE_WORDS = {"watch": ", on watch", "breach": ", in breach", "good": "", "unknown": "", "": ""}


def _sentence(
    name: str, unit: str, points: Sequence[Point], digits: int, bands: Sequence[Band], chosen: date | None
) -> str:
    """What it was in the chosen window, how that stands, and which windows crossed the breach threshold."""
    gap = _gap_words([point for point in points if not is_number(point.value)], len(points))
    last = last_of(points)
    if last is None:
        return f"{name} has no value yet.{gap}"
    point = next((p for p in points if chosen and day_of(p.at) == day_of(chosen)), last)
    if not is_number(point.value):
        point = last_of(points[: points.index(point)]) or last
    value = " ".join(filter(None, (number_text(point.value, digits), unit)))
    text = f"{name} was {value} {_in(point)}{_judged(point, bands)}{_crossings(point, points, bands)}"
    return f"{text}.{gap}"


def _in(point: Point) -> str:
    """A month one is in; a stretch of days a figure is for."""
    return f"for {point.name}" if point.name[:1].isdigit() else f"in {point.name}"


def _judged(point: Point, bands: Sequence[Band]) -> str:
    worst = _worst(point, bands)
    if worst:
        return f", {worst.worse} the {worst.state} threshold of {worst.limit}"
    return ", within its thresholds" if bands else STATE_WORDS.get(point.state, "")


def _worst(point: Point, bands: Sequence[Band]) -> Band | None:
    """The worst threshold that the point has crossed."""
    crossed = [band for band in bands if is_number(point.value) and band.holds(point.value)]
    return next((band for band in crossed if band.state == "breach"), crossed[0] if crossed else None)


def _crossings(point: Point, points: Sequence[Point], bands: Sequence[Band]) -> str:
    """Which windows crossed the threshold of a breach."""
    worst = {id(p): _worst(p, bands) for p in points}
    crossed = [p for p in points if (band := worst[id(p)]) and band.state == "breach"]
    if not crossed:
        return ""
    own = worst[id(point)]
    what = "it" if own and own.state == "breach" else f"the breach threshold of {worst[id(crossed[-1])].limit}"
    return f"; it crossed {what} in {len(crossed)} of {count_text(len(points), 'window')} ({_named(crossed, points)})"


def _named(some: Sequence[Point], points: Sequence[Point]) -> str:
    """Windows by name: first and last of a long run, else each, else the newest few."""
    names = [short_name(point.name) for point in some]
    first = points.index(some[0])
    if len(some) > 2 and list(points[first : first + len(some)]) == list(some):
        return f"{names[0]} to {names[-1]}"
    hidden = len(names) - MOST_NAMED
    return ", ".join(names) if hidden <= 0 else f"{', '.join(names[-MOST_NAMED:])} and {hidden} before"


def _gap_words(missing: Sequence[Point], total: int) -> str:
    if not missing:
        return ""
    why = f": {missing[-1].why}" if missing[-1].why else ""
    verb = "was" if len(missing) == 1 else "were"
    return f" {number_text(len(missing))} of {count_text(total, 'window')} {verb} not computed{why}."


def _estimate_words(estimated: Sequence[Point], digits: int, chosen: date | None) -> str:
    known = [point for point in estimated if is_number(point.value)]
    if not known:
        return ""
    point = next((p for p in known if chosen and day_of(p.at) == day_of(chosen)), known[-1])
    return f" The estimate, which needs no outcomes, was {number_text(point.value, digits)} {_in(point)}."


def _mark_words(marks: Sequence[Mark]) -> str:
    if not marks:
        return ""
    named = "; ".join(f"{mark.words}, {mark.at:%b %Y}" for mark in marks)
    return f" Dotted: {named}."


def with_immature(drawn: dict, realised: Sequence[Point], view: View) -> dict:
    """The layout with a bracket under the newest windows whose outcomes are not known yet."""
    last = last_of(realised)
    late = [p for p in realised if last is None or day_of(p.at) > day_of(last.at)]
    if not late:
        return drawn
    ends = late[0], late[-1]
    span = " to ".join(dict.fromkeys(short_name(point.name) for point in ends))
    shapes, notes = bracket(view, [point.at for point in ends], f"outcomes not known: {span}")
    margin = drawn["margin"] | {"b": BRACKET}
    return drawn | {"margin": margin, "shapes": drawn["shapes"] + shapes, "annotations": drawn["annotations"] + notes}


def _table(name: str, unit: str, points: Sequence[Point], digits: int, with_interval: bool) -> Table:
    spans = ((point.low, point.high) if with_interval else () for point in points)
    rows = tuple(
        (point.name, point.value, *span, point.state.capitalize(), point.why)
        for point, span in zip(points, spans, strict=True)
    )
    ends = (("Low", "High"), (digits, digits)) if with_interval else ((), ())
    heads = ("Window", chart.with_unit(name, unit), *ends[0], "State", "Not computed because")
    return Table(heads, rows, (None, digits, *ends[1], None, None))


def _auc_table(name: str, realised: Sequence[Point], estimated: Sequence[Point], digits: int) -> Table:
    by_window: dict[datetime, list[Point | None]] = {}
    for place, points in enumerate((realised, estimated)):
        for point in points:
            by_window.setdefault(day_of(point.at), [None, None])[place] = point
    with_interval = any(is_number(point.low) for point in estimated)
    rows = tuple(
        ((real or guess).name, *_triple(real), *_triple(guess)[: 3 if with_interval else 1], real.why if real else "")
        for _, (real, guess) in sorted(by_window.items())
    )
    ends = ("Low", "High") if with_interval else ()
    heads = ("Window", f"{name}, realised", "Low", "High", f"{name}, estimated", *ends, "Not computed because")
    return Table(heads, rows, (None, *(digits,) * (len(heads) - 2), None))


def _triple(point: Point | None) -> tuple:
    return (point.value, point.low, point.high) if point else (None, None, None)
