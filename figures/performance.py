"""How well predicted probabilities meet what happened."""

from collections.abc import Sequence

import plotly.graph_objects as go

from figures import chart
from figures.chart import Chart, Table
from figures.wording import is_number, number_text, percent_text


def calibration(
    *,
    predicted: Sequence[float],
    observed: Sequence[float | None],
    counts: Sequence[int],
    low: Sequence[float | None] | None = None,
    high: Sequence[float | None] | None = None,
    event: str = "events",
) -> Chart:
    """Observed rate against mean predicted probability in (n,) bins; on the grey line they are equal.

    predicted, observed, low, high  fractions 0..1; observed is None in a bin without labels
    counts                          rows with a label in each bin, for weights and the table
    event                           what is counted: "defaults"
    Raises ValueError when lengths differ or no bin has a label.
    """
    low, high = low or [None] * len(predicted), high or [None] * len(predicted)
    chart.check_lengths(predicted=predicted, observed=observed, counts=counts, low=low, high=high)
    bins = [row for row in zip(predicted, observed, low, high, counts, strict=True) if is_number(row[1]) and row[4]]
    if not bins:
        raise ValueError("observed must hold at least one bin with labels, got none; show an empty state instead")
    figure = chart.draw([_line(bins)], _layout(bins, event))
    rows = tuple(
        (i + 1, 100 * p, _hundred(o), _hundred(a), _hundred(b), n)
        for i, (p, o, a, b, n) in enumerate(zip(predicted, observed, low, high, counts, strict=True))
    )
    heads = ("Bin", "Predicted, %", "Observed, %", "Low, %", "High, %", "Rows")
    return Chart(figure, Table(heads, rows, (0, 2, 2, 2, 2, 0)), _sentence(bins, event))


def _hundred(rate: float | None) -> float | None:
    return 100 * rate if is_number(rate) else None


def _line(bins: Sequence[tuple]) -> go.Scatter:
    predicted, observed, low, high, counts = zip(*bins, strict=True)
    most = max(counts)
    reach = [(_reach(o, b), _reach(a, o)) for o, a, b in zip(observed, low, high, strict=True)]
    return go.Scatter(
        x=[100 * p for p in predicted],
        y=[100 * o for o in observed],
        customdata=list(counts),
        mode="lines+markers",
        line={"color": chart.CURRENT, "width": 1.25},
        marker={"color": chart.CURRENT, "size": [5 + 7 * (n / most) ** 0.5 for n in counts]},
        error_y={
            "array": [up for up, _ in reach],
            "arrayminus": [down for _, down in reach],
            "color": chart.CURRENT,
            "thickness": 1,
            "width": 3,
        },
        hovertemplate="predicted %{x:.2f} %, observed %{y:.2f} %, %{customdata:,} rows<extra></extra>",
    )


def _reach(from_: float | None, to: float | None) -> float:
    return 100 * (to - from_) if is_number(from_) and is_number(to) else 0.0


def _layout(bins: Sequence[tuple], event: str) -> dict:
    highest = max(value for row in bins for value in row[:4] if is_number(value))
    top = 100 * highest * 1.08 or 1.0
    diagonal = {"type": "line", "layer": "below", "x0": 0, "y0": 0, "x1": top, "y1": top}
    dashed = {"line": {"color": chart.REFERENCE, "width": 1.25, "dash": "4px,3px"}}
    equal = chart.words("predicted = observed", x=top, y=top, xanchor="right", yanchor="bottom", yshift=6)
    return {
        "margin": {"t": 34},
        "xaxis": {"range": [0, top], "nticks": 7, "title": {"text": "Mean predicted, %"}},
        "yaxis": {"range": [0, top], "nticks": 7},
        "shapes": [diagonal | dashed],
        "annotations": [chart.y_title(f"Observed {event}, %"), equal],
    }


def _sentence(bins: Sequence[tuple], event: str) -> str:
    rows = sum(row[4] for row in bins)
    expected = sum(row[0] * row[4] for row in bins)
    happened = sum(row[1] * row[4] for row in bins)
    worst = max(bins, key=lambda row: abs(row[1] - row[0]))
    ratio = f"{number_text(happened / expected, 2)} times" if expected else "not comparable with"
    return (
        f"Observed {event} are {ratio} the predicted ones over {number_text(rows)} rows; the widest gap is where "
        f"{percent_text(worst[0], 2)} was predicted and {percent_text(worst[1], 2)} observed."
    )
