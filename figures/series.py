"""A metric over windows, with thresholds, reference, marks, intervals, and gaps where nothing was computed."""

from collections.abc import Sequence
from datetime import datetime

from figures import chart
from figures.chart import Chart, Table
from figures.timeline import Band, Mark, Point, View, day_of, last_of, layout, line, ribbon, right_labels
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
) -> Chart:
    """A metric over (n,) windows in order of time. Rates are drawn as they come; multiply by 100 for per cent.

    Raises ValueError without a window.
    """
    _check(points)
    view = View([*points], bands, reference)
    traces = [*ribbon(points, chart.CURRENT_SOFT), line(points, name, digits, chart.CURRENT)]
    notes = right_labels(view, [(name, points, chart.ACCENT)], digits)
    figure = chart.draw(traces, layout(view, chart.with_unit(name, unit), window_title, marks, notes))
    with_interval = any(is_number(point.low) for point in points)
    return Chart(figure, _table(name, unit, points, digits, with_interval), _sentence(name, points, digits), broad=True)


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
) -> Chart:
    """Discrimination with its intervals: realised from labels, and estimated where labels are not mature yet.

    realised, estimated  windows in order of time; estimated may cover other windows, or none
    Raises ValueError without a realised window.
    """
    _check(realised)
    view = View([*realised, *estimated], bands, reference)
    traces = [*ribbon(realised, chart.CURRENT_SOFT), *ribbon(estimated, chart.ESTIMATE_SOFT)]
    if estimated:
        traces.append(line(estimated, f"{name} estimated", digits, chart.ESTIMATE, dash="5px,3px"))
    traces.append(line(realised, f"{name} realised", digits, chart.CURRENT))
    named = [("Realised", realised, chart.ACCENT), ("Estimated", estimated, chart.ESTIMATE)]
    notes = right_labels(view, named, digits)
    figure = chart.draw(traces, layout(view, name, window_title, marks, notes))
    sentence = _sentence(f"Realised {name}", realised, digits) + _estimate_words(estimated, digits)
    table = _auc_table(name, realised, estimated, digits)
    return Chart(figure, table, f"{sentence} Intervals are {interval}.", broad=True)


def _check(points: Sequence[Point]) -> None:
    if not points:
        raise ValueError("points must hold at least one window, got none; show an empty state instead")


STATE_WORDS = {"watch": ", on watch", "breach": ", in breach", "good": "", "unknown": "", "": ""}


def _sentence(name: str, points: Sequence[Point], digits: int) -> str:
    last = last_of(points)
    missing = [point for point in points if not is_number(point.value)]
    gap = _gap_words(missing, len(points))
    if last is None:
        return f"{name} has no value yet.{gap}"
    before = last_of(points[: points.index(last)])
    text = f"{name} was {number_text(last.value, digits)} for {last.name}{STATE_WORDS.get(last.state, '')}"
    if before is not None:
        text += f"; {number_text(before.value, digits)} for {before.name}"
    return f"{text}.{gap}"


def _gap_words(missing: Sequence[Point], total: int) -> str:
    if not missing:
        return ""
    why = f": {missing[-1].why}" if missing[-1].why else ""
    verb = "was" if len(missing) == 1 else "were"
    return f" {number_text(len(missing))} of {count_text(total, 'window')} {verb} not computed{why}."


def _estimate_words(estimated: Sequence[Point], digits: int) -> str:
    last = last_of(estimated)
    if last is None:
        return ""
    return f" The estimate, which needs no labels, was {number_text(last.value, digits)} for {last.name}."


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
    rows = tuple(
        ((real or guess).name, *_triple(real), *_triple(guess), real.why if real else "")
        for _, (real, guess) in sorted(by_window.items())
    )
    heads = ("Window", f"{name}, realised", "Low", "High", f"{name}, estimated", "Low", "High", "Not computed because")
    return Table(heads, rows, (None, *(digits,) * 6, None))


def _triple(point: Point | None) -> tuple:
    return (point.value, point.low, point.high) if point else (None, None, None)
