"""One feature's distribution beside its reference: grey bars, and the current sample as a line of steps."""

from collections.abc import Sequence
from itertools import pairwise

import plotly.graph_objects as go

from figures import chart
from figures.chart import Chart, Table
from figures.wording import number_text, percent_text


def bin_labels(edges: Sequence[float], *, missing: bool = False) -> list[str]:
    """Names of the bins that (n - 1,) inner edges cut: "to 10", "10 to 20", "from 20"; `missing` adds its own.

    >>> bin_labels([10, 20])
    ['to 10', '10 to 20', 'from 20']
    """
    texts = [number_text(edge) for edge in edges]
    inner = [f"{low} to {high}" for low, high in pairwise(texts)]
    names = [f"to {texts[0]}", *inner, f"from {texts[-1]}"] if texts else ["all"]
    return [*names, "missing"] if missing else names


def distribution(
    *,
    feature: str,
    labels: Sequence[str],
    reference: Sequence[float],
    current: Sequence[float],
    unit: str = "",
    categorical: bool = False,
    reference_name: str = "Reference",
    current_name: str = "Current",
) -> Chart:
    """Shares of two samples over the same (n,) bins or levels.

    reference, current  (n,) counts or shares; each is scaled to sum to 1
    categorical         levels have no order, so the current line is broken between them
    Raises ValueError when lengths differ, a count is negative, or a sample is empty.
    """
    chart.check_lengths(labels=labels, reference=reference, current=current)
    before, after = _shares(reference, "reference"), _shares(current, "current")
    traces = [_bars(labels, before, reference_name), *_steps(labels, after, current_name, categorical)]
    figure = chart.draw(traces, _layout(feature, unit, labels, reference_name, current_name))
    rows = tuple(
        (label, 100 * was, 100 * now, 100 * (now - was)) for label, was, now in zip(labels, before, after, strict=True)
    )
    heads = (chart.with_unit(feature, unit), f"{reference_name}, %", f"{current_name}, %", "Change, points")
    table = Table(heads, rows, (None, 1, 1, 1))
    return Chart(figure, table, _sentence(labels, before, after, current_name))


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
    outline = go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", connectgaps=False)
    touch = go.Scatter(
        x=list(range(len(shares))),
        y=[100 * share for share in shares],
        mode="markers",
        marker={"size": 12, "color": chart.CLEAR},
        customdata=list(labels),
        hovertemplate=f"%{{customdata}}: {name} %{{y:.1f}} %<extra></extra>",
    )
    return [outline, touch]


def _layout(feature: str, unit: str, labels: Sequence[str], reference_name: str, current_name: str) -> dict:
    names = chart.key(("■", chart.REFERENCE, reference_name), ("━", chart.CURRENT, current_name))
    ticks = {
        "tickvals": list(range(len(labels))),
        "ticktext": [chart.cut(str(label), 14) for label in labels],
        "range": [-0.6, len(labels) - 0.4],
        "showgrid": False,
        "title": {"text": chart.with_unit(feature, unit)},
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
