"""Places for a graph's nodes: in layers from left to right, with few crossings, edges routed between the boxes.

The method is Sugiyama's (1981), each step in its simplest form: layers by longest path, waypoints where an edge
crosses a layer, order by the mean place of the neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from generator.graph.model import Graph, Node, sources

SWEEPS = 12  # more change nothing on graphs of some hundred nodes


@dataclass(frozen=True, slots=True)
class Waypoint:
    """Where an edge passes through a layer."""

    source: Node
    target: Node
    layer: int


Place = Node | Waypoint
Route = tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """What stands in each layer, from top to bottom, and the way of each edge from layer to layer."""

    layers: tuple[tuple[Place, ...], ...]
    routes: tuple[Route, ...]


def layout(graph: Graph) -> Layout:
    """Metrics first, then each recording rule behind all that it reads, alerts last."""
    depth = _depths(graph)
    routes = tuple(_route(source, target, depth) for source, target in graph.edges if depth[source] < depth[target])
    layers: list[list[Place]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for node in graph.nodes:
        layers[depth[node]].append(node)
    for route in routes:
        for step in route[1:-1]:
            assert isinstance(step, Waypoint), "between its ends a route has waypoints alone"
            layers[step.layer].append(step)
    return Layout(tuple(map(tuple, _ordered(layers, routes))), routes)


def _depths(graph: Graph) -> dict[Node, int]:
    """The layer of each node; of rules that read each other in a circle, one reader stands too far left."""
    read = sources(graph.edges)
    depth: dict[Node, int] = {}
    for node in graph.nodes:
        _visit(node, read, depth)
    last = max((depth[node] for node in graph.nodes if node.kind != "alert"), default=-1) + 1
    return {node: last if node.kind == "alert" else depth[node] for node in graph.nodes}


def _visit(start: Node, read: Mapping[Node, Sequence[Node]], depth: dict[Node, int]) -> None:
    """Depth first without recursion: a chain may be longer than Python's stack."""
    stack, opened = [start], set[Node]()
    while stack:
        node = stack[-1]
        waiting = [one for one in read.get(node, ()) if one not in depth and one not in opened]
        opened.add(node)
        if waiting and node not in depth:
            stack += waiting
            continue
        stack.pop()
        depth.setdefault(node, 1 + max((depth.get(one, -1) for one in read.get(node, ())), default=-1))


def _route(source: Node, target: Node, depth: Mapping[Node, int]) -> Route:
    between = (Waypoint(source, target, layer) for layer in range(depth[source] + 1, depth[target]))
    return (source, *between, target)


def _ordered(layers: list[list[Place]], routes: Sequence[Route]) -> list[list[Place]]:
    """The layers sorted by the mean place of each one's neighbours, to the right and back, some times."""
    before: dict[Place, list[Place]] = {}
    after: dict[Place, list[Place]] = {}
    for route in routes:
        for left, right in pairwise(route):
            before.setdefault(right, []).append(left)
            after.setdefault(left, []).append(right)
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        order = range(1, len(layers)) if forward else range(len(layers) - 2, -1, -1)
        for index in order:
            beside = layers[index - 1 if forward else index + 1]
            layers[index] = _sorted(layers[index], beside, before if forward else after)
    return layers


def _sorted(
    layer: Sequence[Place], beside: Sequence[Place], neighbours: Mapping[Place, Sequence[Place]]
) -> list[Place]:
    """By the mean place of the neighbours, as a share of their layer; who has none stays where it is."""
    share = {place: (index + 0.5) / len(beside) for index, place in enumerate(beside)}
    keys: dict[Place, float] = {}
    for index, place in enumerate(layer):
        found = [share[one] for one in neighbours.get(place, ()) if one in share]
        keys[place] = sum(found) / len(found) if found else (index + 0.5) / len(layer)
    return sorted(layer, key=keys.__getitem__)
