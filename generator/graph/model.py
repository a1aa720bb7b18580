"""The graph itself: alerts, recording rules and metrics, and which reads which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from promql_parser import Expr, Matcher, MatchOp, VectorSelector

from generator.rule import Rule
from tocsin import promql

Kind = Literal["metric", "record", "alert"]


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """A name in the graph; rules that share kind and name are one node."""

    kind: Kind
    name: str


@dataclass(frozen=True, slots=True)
class Graph:
    """`edges` lead from what is read to who reads it; both are sorted."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[Node, Node], ...]


def graph(rules: Sequence[Rule]) -> Graph:
    """What the rules' expressions read. A name that a rule records is that rule, else a metric."""
    recorded = {rule.name for rule in rules if rule.kind == "record"}
    nodes: set[Node] = set()
    edges: set[tuple[Node, Node]] = set()
    for rule in rules:
        reader = Node(rule.kind, rule.name)
        nodes.add(reader)
        for name in read_names(rule.expr.tree):
            source = Node("record" if name in recorded else "metric", name)
            nodes.add(source)
            if source != reader:  # a rule that reads its own past
                edges.add((source, reader))
    return Graph(tuple(sorted(nodes)), tuple(sorted(edges)))


def read_names(tree: Expr) -> Iterator[str]:
    """The metric of each selector; a selector without one stands for itself."""
    for node in promql.walk(tree):
        if isinstance(node, VectorSelector):
            yield _name(node)


def _name(selector: VectorSelector) -> str:
    if selector.name:
        return selector.name
    matchers: list[Matcher] = sorted(selector.matchers.matchers, key=lambda one: str(one.name))  # as they are printed
    named = next((one.value for one in matchers if one.name == "__name__" and one.op == MatchOp.Equal), None)
    return named or f"{{{', '.join(map(str, matchers))}}}"


def sources(edges: Iterable[tuple[Node, Node]]) -> dict[Node, list[Node]]:
    """What each node reads, in the edges' order."""
    read: dict[Node, list[Node]] = {}
    for source, reader in edges:
        read.setdefault(reader, []).append(source)
    return read
