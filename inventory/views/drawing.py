"""The network as a drawing: places from the layers, words from the records. The template makes SVG of it, no script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.urls import reverse

from inventory.measures.layers import Layout, lay_out
from inventory.models import Asset, Dependency, Model
from inventory.models.dependency import node_of
from inventory.services.network import Network, flow_of

WIDE, TALL = 176, 24  # of a node's box
ACROSS, DOWN = 236, 32  # from one column, and row, to the next
EDGE = 12
LETTERS = 25  # of a name that fit into a box


@dataclass(frozen=True)
class Box:
    node: str
    x: int
    y: int
    label: str
    title: str
    url: str
    css: str


def drawing_of(network: Network, here: str = "") -> dict:
    """What templates/inventory/network_drawing.html needs.

    here  a node that is marked
    """
    flows = {line.pk: flow_of(line) or _as_it_points(line) for line in network.lines}
    layout = lay_out(network.nodes, flows.values())
    travelling = lay_out(network.nodes, network.flow())  # a challenger closes no cycle
    boxes = {node: _box(node, record, layout, here) for node, record in network.nodes.items()}
    return {
        "boxes": sorted(boxes.values(), key=lambda box: (box.x, box.y)),
        "lines": [_line(line, flows[line.pk], boxes, travelling) for line in network.lines],
        "width": layout.columns * ACROSS - (ACROSS - WIDE) + 2 * EDGE,
        "height": layout.rows * DOWN - (DOWN - TALL) + 2 * EDGE,
        "wide": WIDE,
        "tall": TALL,
        "cycles": [[network.nodes[node] for node in cycle] for cycle in travelling.cycles],
    }


def _as_it_points(line: Dependency) -> tuple[str, str]:
    return node_of(line.source), node_of(line.target)


def _box(node: str, record: Model | Asset, layout: Layout, here: str) -> Box:
    place = layout.places[node]
    name = str(record)
    is_model = isinstance(record, Model)
    kind = f"Tier {record.tier}" if is_model and record.tier else "No tier" if is_model else record.get_kind_display()
    css = f"model t{record.tier or 0}" if is_model else "asset"
    return Box(
        node=node,
        x=EDGE + place.column * ACROSS,
        y=EDGE + place.row * DOWN,
        label=name if len(name) <= LETTERS else f"{name[: LETTERS - 1].rstrip()}…",
        title=f"{name}, {kind.lower()}",
        url=url_of(record),
        css=f"{css} here" if node == here else css,
    )


def url_of(record: Model | Asset) -> str:
    if isinstance(record, Model):
        return reverse("model-network", args=[record.ref])
    return reverse("asset", args=[record.pk])


def _line(line: Dependency, flow: tuple[str, str], boxes: Mapping[str, Box], travelling: Layout) -> dict:
    start, end = (boxes[node] for node in flow)
    is_looping = flow in travelling.looping and flow_of(line) is not None
    return {
        "path": _curve(start, end),
        "css": f"{line.kind}{' cycle' if is_looping else ''}",
        "title": str(line),
    }


def _curve(start: Box, end: Box) -> str:
    """From the right edge of a box to the left edge of another; back over the top where it runs against the layers."""
    x1, y1, x2, y2 = start.x + WIDE, start.y + TALL // 2, end.x, end.y + TALL // 2
    if end.x > start.x:
        bend = min((x2 - x1) // 2 + 12, 90)
        return f"M{x1},{y1} C{x1 + bend},{y1} {x2 - bend},{y2} {x2},{y2}"
    right = end.x + WIDE
    return f"M{x1},{y1} C{x1 + 34},{y1} {right + 34},{y2} {right},{y2}"


def around(network: Network, node: str, nodes: Iterable[str]) -> Network:
    """The part of a network that some nodes, and one more, make."""
    kept = {node, *nodes} & network.nodes.keys()
    lines = [line for line in network.lines if set(_as_it_points(line)) <= kept]
    return Network({name: network.nodes[name] for name in kept}, lines)
