"""Circles in a directed graph: which nodes depend on themselves by way of others."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from receiver.drawing.knots import knots

Edges = Mapping[str, Sequence[str]]


def circles(edges: Edges) -> list[tuple[str, ...]]:
    """One shortest circle for each knot of nodes that all lead to one another, sorted; loops are none."""
    return [_shortest(edges, knot) for knot in knots(edges)]


def _shortest(edges: Edges, knot: frozenset[str]) -> tuple[str, ...]:
    """From the knot's first name back to it."""
    start = min(knot)
    came: dict[str, str] = {}
    waiting = deque([start])
    while waiting:
        node = waiting.popleft()
        for name in edges.get(node, ()):
            if name == start and node != start:
                way = [node]
                while way[-1] != start:
                    way.append(came[way[-1]])
                return tuple(reversed(way))
            if name in knot and name != start and name not in came:
                came[name] = node
                waiting.append(name)
    raise AssertionError("within a knot each node leads back to itself")
