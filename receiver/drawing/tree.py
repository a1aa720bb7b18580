"""The graph as an indented tree for a terminal: who calls whom, circles marked, nothing told twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from receiver.drawing.graph import Graph, Node
from receiver.drawing.words import shortened

CIRCLE = "↺ circle"
ABOVE = "… see above"
LONGEST = 100


def draw(graph: Graph) -> str:
    """A line a node and edge. A node's dependencies stand under its first mention; later ones point there."""
    if not graph.nodes:
        return "nothing\n"
    nodes = {node.id: node for node in graph.nodes}
    below: dict[str, list[tuple[str, str]]] = {}
    for edge in graph.edges:
        below.setdefault(edge.source, []).append((edge.target, edge.text))
    told: set[str] = set()
    lines: list[str] = []
    for start in _starts(graph):
        if start not in told:
            lines += _under(start, nodes, below, told)
    return "\n".join(lines) + "\n"


def _starts(graph: Graph) -> Sequence[str]:
    """What nothing leads to, first; within a circle that nothing leads into, what the fewest lead to."""
    entered = Counter(edge.target for edge in graph.edges if edge.source != edge.target)
    return sorted((node.id for node in graph.nodes), key=lambda name: entered[name])


def _under(
    start: str, nodes: Mapping[str, Node], below: Mapping[str, Sequence[tuple[str, str]]], told: set[str]
) -> Iterator[str]:
    """The lines of a tree, without recursion: a chain may be longer than Python's stack."""
    told.add(start)
    yield _named(nodes[start])
    walk = [(start, "", iter(_last_known(below.get(start, ()))))]
    within = {start}
    while walk:
        node, indent, rest = walk[-1]
        step = next(rest, None)
        if step is None:
            walk.pop()
            within.discard(node)
            continue
        (name, text), last = step
        mark = ""
        if name in within:
            mark = f"  {CIRCLE}"
        elif name in told and name in below:
            mark = f"  {ABOVE}"
        yield f"{indent}{'└─ ' if last else '├─ '}{_named(nodes[name])}{f'  ({text})' if text else ''}{mark}"
        if name not in told:
            told.add(name)
            within.add(name)
            walk.append((name, indent + ("   " if last else "│  "), iter(_last_known(below.get(name, ())))))


def _last_known(items: Sequence[tuple[str, str]]) -> Iterator[tuple[tuple[str, str], bool]]:
    """Each item, and whether it is the last."""
    for index, item in enumerate(items):
        yield item, index == len(items) - 1


def _named(node: Node) -> str:
    return shortened(node.text, LONGEST) + (f"  {shortened(node.more, LONGEST)}" if node.more else "")
