"""What drives a score: mean absolute SHAP values, and the spread of single ones."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from figures import chart
from figures.chart import Chart, Table
from figures.wording import count_text, number_text

POINTS = 400  # of one feature: the shape is there, the page stays light and can be checked for access in seconds
MOST_POINTS = 1000  # of one feature; more add ink and no shape
SLOTS = 60  # slices of the axis inside which points are stacked
SPREAD = 0.4  # half the height of a row of points, in rows


def shap_importance(
    *,
    current: Mapping[str, float],
    reference: Mapping[str, float] | None = None,
    unit: str = "",
    top: int = 10,
    current_name: str = "Current",
    reference_name: str = "Reference",
) -> Chart:
    """Mean |SHAP| by feature, largest first, beside the reference and with both ranks.

    current, reference  feature to mean absolute SHAP value, in `unit` ("log-odds")
    Raises ValueError without a feature.
    """
    if not current:
        raise ValueError("current must hold at least one feature, got none; show an empty state instead")
    ranks, ranks_before = _ranks(current), _ranks(reference or {})
    shown = list(ranks)[:top]
    traces = [_importance_bars(shown, current, chart.CURRENT, current_name, shift=-0.16, width=0.42)]
    if reference:
        traces.append(_importance_bars(shown, reference, chart.REFERENCE_SOFT, reference_name, shift=0.2, width=0.22))
    figure = chart.draw(traces, _importance_layout(shown, current, ranks, ranks_before, unit, current_name))
    table = _importance_table(ranks, ranks_before, current, reference, unit, current_name, reference_name)
    sentence = _importance_sentence(ranks, ranks_before, shown, current_name, reference_name)
    return Chart(figure, table, sentence, size=_size(len(shown)))


def _ranks(means: Mapping[str, float]) -> dict[str, int]:
    """Feature to rank, from 1, largest mean first; equal means by name, so that the order is the same each time."""
    ordered = sorted(means, key=lambda name: (-means[name], name))
    return {name: place for place, name in enumerate(ordered, start=1)}


def _size(rows: int) -> str:
    return "small" if rows <= 5 else "" if rows <= 8 else "tall"  # as tall as the swarm that stands beside it


def _importance_bars(
    shown: Sequence[str], means: Mapping[str, float], colour: str, name: str, *, shift: float, width: float
) -> go.Bar:
    return go.Bar(
        orientation="h",
        x=[means.get(feature) for feature in shown],
        y=[place + shift for place in range(len(shown))],
        width=width,
        customdata=list(shown),
        marker={"color": colour, "line": {"width": 0}},
        hovertemplate=f"%{{customdata}}: {name} %{{x:.4f}}<extra></extra>",
    )


def _importance_layout(
    shown: Sequence[str],
    current: Mapping[str, float],
    ranks: Mapping[str, int],
    ranks_before: Mapping[str, int],
    unit: str,
    current_name: str,
) -> dict:
    notes = [
        _column(current_name, 52, -0.85, chart.in_ink(chart.QUIET)),
        _column("Rank", 118, -0.85, chart.in_ink(chart.QUIET)),
    ]
    for place, feature in enumerate(shown):
        moved = ranks_before.get(feature, ranks[feature]) != ranks[feature]
        rank = f"{ranks[feature]} was {ranks_before[feature]}" if moved else str(ranks[feature])
        notes.append(_column(number_text(current[feature], 3), 52, place, chart.in_ink(chart.QUIET)))
        notes.append(_column(rank, 118, place, chart.in_ink(chart.INK if moved else chart.QUIET, bold=moved)))
    return {
        "margin": {"r": 124, "t": 8},
        "barmode": "overlay",
        "xaxis": {
            "rangemode": "tozero",
            "nticks": 4,
            "tickangle": 0,
            "title": {"text": chart.with_unit("Mean |SHAP|", unit)},
        },
        "yaxis": _feature_axis(shown) | {"range": [len(shown) - 0.4, -1.2]},
        "annotations": notes,
    }


def _column(text: str, right: int, place: float, font: dict) -> dict:
    """A text right-aligned `right` px beyond the plot, at the height of a feature's row."""
    return chart.words(text, xref="paper", x=1, y=place, xanchor="right", xshift=right, font=font)


def _feature_axis(shown: Sequence[str]) -> dict:
    return {
        "tickvals": list(range(len(shown))),
        "ticktext": [chart.cut(name, 22) for name in shown],
        "showgrid": False,
        "ticks": "outside",
        "ticklen": 6,
        "tickcolor": chart.CLEAR,
        "range": [len(shown) - 0.4, -0.6],
    }


def _importance_table(
    ranks: Mapping[str, int],
    ranks_before: Mapping[str, int],
    current: Mapping[str, float],
    reference: Mapping[str, float] | None,
    unit: str,
    current_name: str,
    reference_name: str,
) -> Table:
    title = chart.with_unit("mean |SHAP|", unit)
    if not reference:
        rows = tuple((name, rank, current[name]) for name, rank in ranks.items())
        return Table(("Feature", "Rank", title), rows, (None, 0, 4))
    rows = tuple(
        (name, rank, current[name], ranks_before.get(name), reference.get(name)) for name, rank in ranks.items()
    )
    heads = ("Feature", f"{current_name}, rank", f"{current_name}, {title}")
    heads += (f"{reference_name}, rank", f"{reference_name}, {title}")
    return Table(heads, rows, (None, 0, 4, 0, 4))


def _importance_sentence(
    ranks: Mapping[str, int],
    ranks_before: Mapping[str, int],
    shown: Sequence[str],
    current_name: str,
    reference_name: str,
) -> str:
    text = f"{shown[0]} matters most."
    if ranks_before:
        text += f" {current_name} in teal, {reference_name} in grey."
        moved = {name: ranks_before[name] - ranks[name] for name in shown if ranks_before.get(name)}
        most = max(moved, key=lambda name: abs(moved[name]), default=None)
        if most is not None and moved[most]:
            text += f" {most} moved from rank {ranks_before[most]} to {ranks[most]}."
    hidden = len(ranks) - len(shown)
    return text + (f" {count_text(hidden, 'smaller feature')} only in the table." if hidden else "")


def beeswarm(
    *,
    shap_values: ArrayLike,
    feature_values: ArrayLike,
    names: Sequence[str],
    words: ArrayLike | None = None,
    unit: str = "",
    top: int = 10,
    most_points: int = POINTS,
) -> Chart:
    """Every row's SHAP value by feature, coloured by the feature's own value; largest mean |SHAP| first.

    shap_values     (n, p) in `unit`
    feature_values  (n, p) numbers; NaN is missing and drawn in grey; give categories as codes
    names           (p,)
    words           (n, p) what a point says of its feature's value ("20 to 35"); None: the value itself
    most_points     of one feature, at most 1,000; other rows are thinned out evenly, the same for each feature
    Points are stacked, not shaken, so the same numbers give the same picture.
    Raises ValueError when shapes differ or there is no row.
    """
    values, features = np.asarray(shap_values, dtype=float), np.asarray(feature_values, dtype=float)
    if values.ndim != 2 or values.shape != features.shape or values.shape[1] != len(names):
        raise ValueError(
            f"shap_values and feature_values must both be (n, {len(names)}), got {values.shape} and {features.shape}"
        )
    if not len(values):
        raise ValueError("shap_values must hold at least one row, got none; show an empty state instead")
    means = np.abs(values).mean(axis=0)
    order = np.argsort(-means, kind="stable")[:top]
    rows = _thin(len(values), min(most_points, MOST_POINTS))
    shown = np.ix_(rows, order)
    told = _three_figures(features[shown]) if words is None else np.asarray(words)[shown]
    traces = _swarm(values[shown], features[shown], told)
    figure = chart.draw(traces, _swarm_layout([names[i] for i in order], unit))
    table = _swarm_table(values, features, names, np.argsort(-means, kind="stable"), unit)
    sentence = _swarm_sentence(names[order[0]], len(rows), len(values))
    return Chart(figure, table, sentence, size="large" if len(order) <= 8 else "tall")


def _thin(rows: int, most: int) -> NDArray[np.intp]:
    return np.arange(rows) if rows <= most else np.linspace(0, rows - 1, most).astype(np.intp)


def _swarm(values: NDArray, features: NDArray, told: NDArray) -> list[go.Scatter]:
    low, high = values.min(), values.max()
    place = np.arange(values.shape[1]) + np.column_stack([_stack(column, low, high) for column in values.T])
    colour = np.column_stack([_scaled(column) for column in features.T])
    missing = np.isnan(features)
    known = _dots(values[~missing], place[~missing], told[~missing], colour[~missing])
    if not missing.any():
        return [known]
    return [known, _dots(values[missing], place[missing], None, None)]


def _dots(x: NDArray, y: NDArray, told: NDArray | None, colour: NDArray | None) -> go.Scatter:
    marker = {"size": 4, "color": chart.REFERENCE}
    value = "missing"
    if colour is not None:
        scale = [[0, "var(--c-low)"], [0.5, "var(--c-mid)"], [1, "var(--c-high)"]]
        marker |= {"color": colour.round(2), "cmin": 0, "cmax": 1, "colorscale": scale, "opacity": 0.8}
        value = "%{customdata}"
    return go.Scatter(
        x=_three_figures(x),
        y=y.round(2),
        mode="markers",
        marker=marker,
        customdata=told,
        hovertemplate=f"{value}, SHAP %{{x}}<extra></extra>",
    )


def _three_figures(values: NDArray) -> NDArray:
    """Rounded to three significant figures each: more cannot be seen, and makes the page a third larger."""
    scale = 10.0 ** (2 - np.floor(np.log10(np.abs(np.where(values == 0, 1, values)))))
    return np.round(values * scale) / scale


def _stack(column: NDArray, low: float, high: float) -> NDArray:
    """Offsets, in rows, that stack (n,) points around their line by how many lie in the same slice."""
    slot = ((column - low) / ((high - low) or 1) * (SLOTS - 1)).astype(int)
    fill = np.bincount(slot, minlength=SLOTS)
    order = np.argsort(slot, kind="stable")
    starts = np.cumsum(fill) - fill
    turn = np.empty(len(column))
    turn[order] = np.arange(len(column)) - starts[slot[order]]
    side = np.where(turn % 2 == 0, 1, -1) * np.ceil(turn / 2)  # 0, −1, 1, −2, 2 from the line outwards
    return SPREAD * side / max(fill.max() / 2, 8)


def _scaled(column: NDArray) -> NDArray:
    """A feature's values as 0..1 between its 5th and 95th percentile, so that one outlier hides nothing."""
    known = column[~np.isnan(column)]
    if not len(known):
        return np.full(len(column), 0.5)
    low, high = np.percentile(known, [5, 95])
    if high <= low:
        low, high = known.min(), known.max()
    return np.full(len(column), 0.5) if high <= low else np.clip((column - low) / (high - low), 0, 1)


def _swarm_layout(names: Sequence[str], unit: str) -> dict:
    zero = {"type": "line", "layer": "below", "yref": "paper", "x0": 0, "x1": 0, "y0": 0, "y1": 1}
    key = chart.key(
        ("●", "var(--c-low)", "low"),
        ("●", "var(--c-mid)", "middle"),
        ("●", "var(--c-high)", "high value of the feature"),
    )
    return {
        "margin": {"t": 38},
        "xaxis": {"nticks": 7, "tickangle": 0, "title": {"text": chart.with_unit("SHAP value", unit)}},
        "yaxis": _feature_axis(names),
        "shapes": [zero | {"line": {"color": chart.QUIET, "width": 1.5}}],
        "annotations": [key],
    }


def _swarm_table(values: NDArray, features: NDArray, names: Sequence[str], order: NDArray, unit: str) -> Table:
    """A summary of each feature: thousands of points are no table."""
    rows = []
    for i in order:
        low, middle, high = np.percentile(values[:, i], [5, 50, 95])
        rows.append(
            (names[i], float(np.abs(values[:, i]).mean()), low, middle, high, _effect(values[:, i], features[:, i]))
        )
    heads = ("Feature", chart.with_unit("Mean |SHAP|", unit), "5th percentile", "Median", "95th percentile")
    return Table((*heads, "A higher value"), tuple(rows), (None, 4, 3, 3, 3, None))


def _effect(values: NDArray, feature: NDArray) -> str:
    known = ~np.isnan(feature)
    if known.sum() < 3 or np.ptp(feature[known]) == 0 or np.ptp(values[known]) == 0:
        return "has no effect to see"
    slope = np.corrcoef(values[known], feature[known])[0, 1]
    return "raises the output" if slope > 0.3 else "lowers the output" if slope < -0.3 else "does both"


def _swarm_sentence(first: str, shown: int, total: int) -> str:
    drawn = f"{number_text(shown)} of {number_text(total)} rows" if shown < total else count_text(total, "row")
    return (
        f"Each point is one row: {drawn}. Right of the line a feature raises the model’s output, left of it lowers it. "
        f"{first} matters most."
    )
