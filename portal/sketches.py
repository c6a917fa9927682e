"""Small drawings inside a table cell, as SVG with classes, without script: a line, two shapes, a cut bar."""

from collections.abc import Mapping, Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from figures.wording import is_number

WIDTH, HEIGHT, EDGE = 64, 18, 2  # a sparkline's own units
SHAPE_WIDTH, SHAPE_HEIGHT = 96, 22


def sparkline(values: Sequence[float | None], spoken: str, state: str) -> SafeString:
    """A line over (n,) values, oldest first, with a dot on the last one that exists."""
    runs = _runs(_spread(values))
    x, y = runs[-1][-1]
    return format_html(
        '<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}'
        '<circle class="end" cx="{}" cy="{}" r="2.2"/></svg>',
        f"spark {state}".strip(),
        WIDTH,
        HEIGHT,
        spoken,
        format_html_join("", '<polyline class="cur" points="{}"/>', ((_points(run),) for run in runs)),
        x,
        y,
    )


def _spread(values: Sequence[float | None]) -> list[tuple[float, float] | None]:
    """Places of the values, None for a gap; a flat line lies in the middle."""
    present = [value for value in values if is_number(value)]
    low, high = min(present), max(present)
    step = (WIDTH - 2 * EDGE) / max(len(values) - 1, 1)
    tall = HEIGHT - 4 * EDGE

    def place(i: int, value: float) -> tuple[float, float]:
        share = (value - low) / (high - low) if high > low else 0.5
        return round(EDGE + i * step, 1), round(2 * EDGE + tall * (1 - share), 1)

    return [place(i, value) if is_number(value) else None for i, value in enumerate(values)]


def _runs(places: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """The unbroken pieces between gaps."""
    runs: list[list[tuple[float, float]]] = [[]]
    for place in places:
        if place is None:
            runs.append([])
        else:
            runs[-1].append(place)
    return [run for run in runs if run]


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in places)


def shape(reference: Sequence[float], current: Sequence[float], label: str) -> SafeString:
    """Shares of two samples over the same (n,) bins, in one scale."""
    top = max(*reference, *current) or 1
    wide = SHAPE_WIDTH / len(reference)
    tall = [round((SHAPE_HEIGHT - 2) * share / top, 1) for share in reference]
    bars = format_html_join(
        "",
        '<rect class="f-ref" x="{}" y="{}" width="{}" height="{}"/>',
        ((round(i * wide + 0.5, 1), round(SHAPE_HEIGHT - h, 1), round(wide - 1, 1), h) for i, h in enumerate(tall)),
    )
    steps = []
    for i, share in enumerate(current):
        y = round(SHAPE_HEIGHT - (SHAPE_HEIGHT - 2) * share / top, 1)
        steps += [(round(i * wide, 1), y), (round((i + 1) * wide, 1), y)]
    spoken = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html(
        '<svg class="shape" viewBox="0 0 {} {}" {}>{}<polyline class="cur" points="{}"/></svg>',
        SHAPE_WIDTH,
        SHAPE_HEIGHT,
        spoken,
        bars,
        _points(steps),
    )


def shares(counts: Mapping[str, int], label: str) -> SafeString:
    """A bar of 100 units cut by counts, with a gap of one unit between the parts."""
    total, x, parts = sum(counts.values()), 0.0, []
    for name, count in counts.items():
        if count:
            wide = 100 * count / total
            parts.append((name, round(x, 1), round(max(wide - 1, 0.5), 1)))
            x += wide
    spoken = f"{label}: " + ", ".join(f"{count} {name}" for name, count in counts.items())
    return format_html(
        '<svg class="shares" viewBox="0 0 100 8" role="img" aria-label="{}">{}</svg>',
        spoken,
        format_html_join("", '<rect class="{}" x="{}" width="{}" height="8"/>', parts),
    )
