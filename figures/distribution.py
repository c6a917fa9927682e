"""One feature's distribution beside its reference: grey bars, and the current sample as a line of steps."""

import textwrap
from collections.abc import Sequence

import plotly.graph_objects as go

from figures import chart
from figures.chart import Chart, Table
from figures.wording import number_text, percent_text

MOST_NARROW = 7  # bins or levels whose labels have room on a phone


def bin_labels(edges: Sequence[float], *, missing: bool = False, whole: bool = False) -> list[str]:
    """Names of the bins that (n - 1,) inner edges cut: "to 10", "10 to 20", "from 20"; `missing` adds its own.

    An edge belongs to the bin below it. With `whole`, values are whole numbers and the names are the values:
    >>> bin_labels([10, 20])
    ['to 10', '10 to 20', 'from 20']
    >>> bin_labels([-1, 0, 2], whole=True)
    ['to −1', '0', '1 to 2', 'from 3']
    """
    if not len(edges):
        return ["all", "missing"] if missing else ["all"]
    texts = [number_text(edge) for edge in edges]
    starts = [number_text(edge + 1) for edge in edges] if whole else texts
    inner = [low if low == high else f"{low} to {high}" for low, high in zip(starts, texts[1:], strict=False)]
    names = [f"to {texts[0]}", *inner, f"from {starts[-1]}"]
    return [*names, "missing"] if missing else names


def distribution(
    *,
    feature: str,
    labels: Sequence[str],
    reference: Sequence[float],
    current: Sequence[float],
    unit: str = "",
    meaning: str = "",
    categorical: bool = False,
    reference_name: str = "Reference",
    current_name: str = "Current",
) -> Chart:
    """Shares of two samples over the same (n,) bins or levels.

    reference, current  (n,) counts or shares; each is scaled to sum to 1
    meaning             what the feature is, for the axis; else its name
    categorical         levels have no order, so the current line is broken between them
    Raises ValueError when lengths differ, a count is negative, or a sample is empty.
    """
    chart.check_lengths(labels=labels, reference=reference, current=current)
    before, after = _shares(reference, "reference"), _shares(current, "current")
    traces = [_bars(labels, before, reference_name), *_steps(labels, after, current_name, categorical)]
    title = meaning or chart.with_unit(feature, unit)
    figure = chart.draw(traces, _layout(title, labels, categorical, reference_name, current_name))
    rows = tuple(
        (label, 100 * was, 100 * now, 100 * (now - was)) for label, was, now in zip(labels, before, after, strict=True)
    )
    heads = (chart.with_unit(feature, unit), f"{reference_name}, %", f"{current_name}, %", "Change, points")
    table = Table(heads, rows, (None, 1, 1, 1))
    return Chart(figure, table, _sentence(labels, before, after, current_name), broad=len(labels) > MOST_NARROW)


def _shares(sample: Sequence[float], name: str) -> list[float]:
    values = [float(value) for value in sample]
    if min(values, default=0) < 0:
        raise ValueError(f"{name} must hold counts or shares of at least 0, got {min(values)}")
    total = sum(values)
    if not total > 0:
        raise ValueError(f"{name} must hold at least one row, got a sum of {total}")
    return [value / total for value in values]


def _bars(labels: Sequence[str], shares: Sequence[float], name: str) -> go.Bar:
    return go.Bar(
        x=list(range(len(shares))),
        y=[100 * share for share in shares],
        width=0.9,
        customdata=list(labels),
        marker={"color": chart.REFERENCE_SOFT, "line": {"width": 0}},
        hovertemplate=f"%{{customdata}}: {name} %{{y:.1f}} %<extra></extra>",
    )


def _steps(labels: Sequence[str], shares: Sequence[float], name: str, broken: bool) -> list[go.Scatter]:
    """The outline as a line, and points without ink that answer the mouse in the middle of each bin."""
    x, y = [], []
    for place, share in enumerate(shares):
        half = 0.45 if broken else 0.5
        x += [place - half, place + half, *([None] if broken else [])]
        y += [100 * share, 100 * share, *([None] if broken else [])]
    line = {"color": chart.CURRENT, "width": 2.5 if broken else 1.75}
    outline = go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", connectgaps=False, cliponaxis=False)
    touch = go.Scatter(
        x=list(range(len(shares))),
        y=[100 * share for share in shares],
        mode="markers",
        marker={"size": 12, "color": chart.CLEAR},
        customdata=list(labels),
        hovertemplate=f"%{{customdata}}: {name} %{{y:.1f}} %<extra></extra>",
    )
    return [outline, touch]


def _tick(label: str, categorical: bool) -> str:
    """A label under its bar, on lines of its own: a bin with every digit, a level shortened where it is long."""
    if categorical:
        return "<br>".join(chart.cut(part, 14) for part in textwrap.wrap(label, 11, break_long_words=False)[:3])
    return label.replace(" to ", "<br>to ")


def _layout(title: str, labels: Sequence[str], categorical: bool, reference_name: str, current_name: str) -> dict:
    names = chart.key(("■", chart.REFERENCE, reference_name), ("━", chart.CURRENT, current_name))
    ticks = {
        "tickvals": list(range(len(labels))),
        "ticktext": [_tick(str(label), categorical) for label in labels],
        "tickangle": 0,
        "range": [-0.6, len(labels) - 0.4],
        "showgrid": False,
        "title": {"text": title},
    }
    return {
        "margin": {"t": 42},
        "xaxis": ticks,
        "yaxis": {"rangemode": "tozero", "nticks": 6},
        "annotations": [chart.y_title("Share of rows, %"), names],
    }


def _sentence(labels: Sequence[str], before: Sequence[float], after: Sequence[float], name: str) -> str:
    changes = [now - was for was, now in zip(before, after, strict=True)]
    most = max(range(len(changes)), key=lambda i: abs(changes[i]))
    if abs(changes[most]) < 0.0005:
        return f"{name} has the same shares as the reference in every bin."
    verb = "rose" if changes[most] > 0 else "fell"
    return (
        f"Rows in “{labels[most]}” {verb} from {percent_text(before[most])} to {percent_text(after[most])}, "
        "the largest change."
    )
