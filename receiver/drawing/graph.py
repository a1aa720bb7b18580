"""What is drawn: nodes with a text and a kind, edges with a text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["plain", "cause", "consequence", "noise"]
KINDS: Mapping[Kind, str] = {  # and what a legend calls them
    "plain": "service",
    "cause": "likely cause",
    "consequence": "consequence",
    "noise": "noise",
}


@dataclass(frozen=True, slots=True)
class Node:
    """A box. `id` tells it apart; `text` stands in it, `more` on a second line, `title` where the pointer rests."""

    id: str
    text: str
    kind: Kind = "plain"
    more: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow between the nodes of these ids; `text` stands beside it: `41 s, 83 %`."""

    source: str
    target: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """Edges may lead in circles, to their own source, and there may be none; each pair has one at most."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    title: str = ""

    @classmethod
    def of(cls, nodes: Iterable[Node], edges: Iterable[Edge], title: str = "") -> Graph:
        """The graph with each node and each pair once, and with nodes for ids that only edges name."""
        known = {node.id: node for node in nodes}
        pairs = {(edge.source, edge.target): edge for edge in edges}
        for pair in pairs:
            for name in pair:
                known.setdefault(name, Node(name, name))
        return cls(tuple(known.values()), tuple(pairs.values()), title)


def declared(edges: Mapping[str, Sequence[str]], title: str = "") -> Graph:
    """The graph of callers and what they depend on, by name."""
    names = sorted({*edges, *(name for found in edges.values() for name in found)})
    arrows = [Edge(caller, name) for caller in sorted(edges) for name in sorted(set(edges[caller]))]
    return Graph.of((Node(name, name) for name in names), arrows, title)
