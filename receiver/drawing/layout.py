"""Places for a graph's nodes: in layers from left to right, with few crossings and edges as straight as they can be.

The method is Sugiyama's (1981): circles are cut, layers are ranked by the longest path, an edge that crosses layers
gets a waypoint in each, layers are sorted by the mean place of neighbours. Heights are the least squares towards the
neighbours' heights with room between them: pool adjacent violators (Ayer and others, 1955).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from receiver.drawing.graph import Graph
from receiver.drawing.ranks import backward, ranks

ORDER_SWEEPS = 24  # more change nothing on graphs of some hundred nodes
HEIGHT_SWEEPS = 16
WAYPOINT_ROOM = 0.4  # of a node's

Waypoint = tuple[str, str, int]  # the edge's ends from left to right, and the layer
Place = str | Waypoint


@dataclass(frozen=True, slots=True)
class Route:
    """The way of an edge from left to right; `reversed` where it leads back."""

    places: tuple[Place, ...]
    reversed: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """`heights` are multiples of a node's room, from 0; `routes` has each edge but loops; `apart` are without edges."""

    layers: tuple[tuple[Place, ...], ...]
    heights: Mapping[Place, float]
    routes: Mapping[tuple[str, str], Route]
    loops: tuple[str, ...]
    apart: tuple[str, ...]


def layout(graph: Graph) -> Layout:
    """The places; the same for the same graph."""
    pairs = [(edge.source, edge.target) for edge in graph.edges]
    joined = {name for pair in pairs for name in pair}
    nodes = [node.id for node in graph.nodes if node.id in joined]
    arrows = [pair for pair in pairs if pair[0] != pair[1]]
    back = backward(nodes, arrows)
    rightward = dict.fromkeys(_turned(pair) if pair in back else pair for pair in arrows)
    rank = ranks(nodes, rightward)
    routes = {pair: _route(pair, pair in back, rank) for pair in arrows}
    layers: list[list[Place]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for node in nodes:
        layers[rank[node]].append(node)
    for place in dict.fromkeys(place for route in routes.values() for place in route.places[1:-1]):
        layers[place[2] if isinstance(place, tuple) else 0].append(place)
    before, after = _neighbours(routes)
    _sort(layers, before, after)
    return Layout(
        tuple(map(tuple, layers)),
        _heights(layers, before, after),
        routes,
        tuple(source for source, target in pairs if source == target),
        tuple(node.id for node in graph.nodes if node.id not in joined),
    )


def _turned(pair: tuple[str, str]) -> tuple[str, str]:
    return pair[1], pair[0]


def _route(pair: tuple[str, str], back: bool, rank: Mapping[str, int]) -> Route:
    left, right = _turned(pair) if back else pair
    between = ((left, right, layer) for layer in range(rank[left] + 1, rank[right]))
    return Route((left, *between, right), back)


Beside = Mapping[Place, Sequence[Place]]


def _neighbours(routes: Mapping[tuple[str, str], Route]) -> tuple[Beside, Beside]:
    """Of each place those in the layer before, and after."""
    before: dict[Place, list[Place]] = {}
    after: dict[Place, list[Place]] = {}
    for step in dict.fromkeys(step for route in routes.values() for step in pairwise(route.places)):
        before.setdefault(step[1], []).append(step[0])
        after.setdefault(step[0], []).append(step[1])
    return before, after


def _sort(layers: list[list[Place]], before: Beside, after: Beside) -> None:
    """Each layer by the mean place of each one's neighbours, to the right and back, some times."""
    for sweep in range(ORDER_SWEEPS):
        forward = sweep % 2 == 0
        for index in range(1, len(layers)) if forward else range(len(layers) - 2, -1, -1):
            beside = layers[index - 1 if forward else index + 1]
            share = {place: (number + 0.5) / len(beside) for number, place in enumerate(beside)}
            neighbours = before if forward else after
            own = {place: (number + 0.5) / len(layers[index]) for number, place in enumerate(layers[index])}
            for place in layers[index]:
                found = [share[one] for one in neighbours.get(place, ())]
                own[place] = sum(found) / len(found) if found else own[place]
            layers[index].sort(key=own.__getitem__)


def _heights(layers: Sequence[Sequence[Place]], before: Beside, after: Beside) -> dict[Place, float]:
    heights: dict[Place, float] = {}
    for layer in layers:
        heights |= _apart(layer, dict.fromkeys(layer, 0.0))
    for sweep in range(HEIGHT_SWEEPS):
        forward = sweep % 2 == 0
        for layer in layers if forward else reversed(layers):
            sides = (before, after) if sweep >= HEIGHT_SWEEPS // 2 else (before if forward else after,)
            wanted = {}
            for place in layer:
                found = [heights[one] for side in sides for one in side.get(place, ())]
                wanted[place] = sum(found) / len(found) if found else heights[place]
            heights |= _apart(layer, wanted)
    least = min(heights.values(), default=0.0)
    return {place: height - least for place, height in heights.items()}


def _apart(layer: Sequence[Place], wanted: Mapping[Place, float]) -> dict[Place, float]:
    """The heights nearest to those wanted, in this order, with room between them."""
    room = [0.0, *((_room(one) + _room(other)) / 2 for one, other in pairwise(layer))]
    offsets = list(accumulate(room))
    blocks: list[tuple[float, int]] = []  # the mean of what its members want without their offsets; how many
    for place, offset in zip(layer, offsets, strict=True):
        mean, count = wanted[place] - offset, 1
        while blocks and blocks[-1][0] > mean:
            other, more = blocks.pop()
            mean, count = (mean * count + other * more) / (count + more), count + more
        blocks.append((mean, count))
    means = [mean for mean, count in blocks for _ in range(count)]
    return {place: mean + offset for place, mean, offset in zip(layer, means, offsets, strict=True)}


def _room(place: Place) -> float:
    return 1.0 if isinstance(place, str) else WAYPOINT_ROOM
