"""A directed network in layers, from upstream on the left to downstream on the right. Cycles are found, not gone round.

Layers by longest path over the network whose cycles are each taken as one; order in a layer by the mean place of the
neighbours before, after Sugiyama, Tagawa and Toda (1981).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Edge = tuple[str, str]
SWEEPS = 6
TALLEST = 40  # nodes above each other; a longer layer takes several columns


@dataclass(frozen=True)
class Place:
    column: int
    row: int


@dataclass(frozen=True)
class Layout:
    """cycles: the nodes of each cycle, those that hang together by several as one; looping: edges inside them."""

    places: Mapping[str, Place]
    cycles: Sequence[tuple[str, ...]]
    looping: frozenset[Edge]

    @property
    def columns(self) -> int:
        return max((place.column for place in self.places.values()), default=-1) + 1

    @property
    def rows(self) -> int:
        return max((place.row for place in self.places.values()), default=-1) + 1


def lay_out(nodes: Iterable[str], edges: Iterable[Edge]) -> Layout:
    """Where each node is drawn. The same network is drawn the same way, whatever the order in which it comes."""
    nodes, edges = sorted(set(nodes)), sorted(set(edges))
    groups = strongly_connected(nodes, edges)
    group_of = {node: number for number, group in enumerate(groups) for node in group}
    looping = frozenset(edge for edge in edges if group_of[edge[0]] == group_of[edge[1]])
    layers = _ordered(_layers(nodes, edges, groups, group_of), edges)
    cycles = tuple(group for group in groups if len(group) > 1 or (group[0], group[0]) in looping)
    return Layout(_places(layers), cycles, looping)


def strongly_connected(nodes: Sequence[str], edges: Iterable[Edge]) -> list[tuple[str, ...]]:
    """Nodes that reach each other, together; what is downstream comes first (Tarjan 1972, without recursion)."""
    after: dict[str, list[str]] = {node: [] for node in nodes}
    for start, end in edges:
        after[start].append(end)
    found: list[tuple[str, ...]] = []
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    for root in nodes:
        way = [(root, iter(after[root]))] if root not in index else []
        if way:
            index[root] = low[root] = len(index)
            stack.append(root)
            on_stack.add(root)
        while way:
            node, rest = way[-1]
            following = next((n for n in rest if n not in index or n in on_stack), None)
            if following is None:
                way.pop()
                if way:
                    low[way[-1][0]] = min(low[way[-1][0]], low[node])
                if low[node] == index[node]:
                    found.append(_taken_off(stack, on_stack, node))
            elif following in index:
                low[node] = min(low[node], index[following])
            else:
                index[following] = low[following] = len(index)
                stack.append(following)
                on_stack.add(following)
                way.append((following, iter(after[following])))
    return found


def _taken_off(stack: list[str], on_stack: set[str], last: str) -> tuple[str, ...]:
    group = []
    while not group or group[-1] != last:
        group.append(stack.pop())
        on_stack.discard(group[-1])
    return tuple(sorted(group))


def _layers(nodes, edges, groups, group_of) -> list[list[str]]:
    """Each node in the layer behind its farthest upstream; the nodes of a cycle in one layer."""
    before: dict[int, set[int]] = {number: set() for number in range(len(groups))}
    for start, end in edges:
        if group_of[start] != group_of[end]:
            before[group_of[end]] |= {group_of[start]}
    depth: dict[int, int] = {}
    for number in reversed(range(len(groups))):  # upstream first
        depth[number] = 1 + max((depth[other] for other in before[number]), default=-1)
    layers: list[list[str]] = [[] for _ in range(1 + max(depth.values(), default=-1))]
    for node in nodes:
        layers[depth[group_of[node]]].append(node)
    return layers


def _ordered(layers: list[list[str]], edges: Iterable[Edge]) -> list[list[str]]:
    """Fewer crossings: each layer is sorted by where its neighbours lie, rightwards and back, several times."""
    upstream: dict[str, list[str]] = {}
    downstream: dict[str, list[str]] = {}
    for start, end in edges:
        upstream.setdefault(end, []).append(start)
        downstream.setdefault(start, []).append(end)
    for sweep in range(SWEEPS):
        neighbours = downstream if sweep % 2 else upstream
        height = {node: place / len(layer) for layer in layers for place, node in enumerate(layer)}
        for layer in reversed(layers) if sweep % 2 else layers:
            means = {node: _mean_height(neighbours.get(node, ()), height, height[node]) for node in layer}
            layer.sort(key=lambda node: (means[node], node))
            height |= {node: place / len(layer) for place, node in enumerate(layer)}
    return layers


def _mean_height(neighbours: Sequence[str], height: Mapping[str, float], own: float) -> float:
    return sum(height[node] for node in neighbours) / len(neighbours) if neighbours else own


def _places(layers: list[list[str]]) -> dict[str, Place]:
    """Columns and rows; a layer stands in the middle of the height, a long one in several columns."""
    columns = [layer[start : start + TALLEST] for layer in layers for start in range(0, len(layer), TALLEST)]
    rows = max(map(len, columns), default=0)
    return {
        node: Place(number, (rows - len(column)) // 2 + place)
        for number, column in enumerate(columns)
        for place, node in enumerate(column)
    }


def steps_from(start: str, edges: Iterable[Edge]) -> dict[str, int]:
    """How many lines away each node downstream is, by the shortest way; the start itself is not among them."""
    after: dict[str, list[str]] = {}
    for upstream, downstream in edges:
        after.setdefault(upstream, []).append(downstream)
    steps, outermost = {start: 0}, [start]
    while outermost:
        following = dict.fromkeys(n for node in outermost for n in after.get(node, ()) if n not in steps)
        steps |= dict.fromkeys(following, steps[outermost[0]] + 1)
        outermost = list(following)
    return {node: count for node, count in steps.items() if node != start}
