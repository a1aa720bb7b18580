"""An incident's tree as a graph: an arrow leads from what explains to what it explains."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from receiver.drawing import mermaid, svg
from receiver.drawing.graph import Edge, Graph, Kind, Node
from receiver.engine.causes.tree import Branch, Role, Tree
from receiver.engine.incident import Incident
from receiver.engine.occurrence import one_line
from tocsin import duration

DRAWN: Mapping[str, tuple[Callable[[Graph], str], str]] = {
    "svg": (svg.draw, "image/svg+xml"),
    "mermaid": (mermaid.draw, "text/plain"),
}
KIND: Mapping[Role, Kind] = {
    Role.CAUSE: "cause",
    Role.CONSEQUENCE: "consequence",
    Role.TOGETHER: "plain",
    Role.NOISE: "noise",
}
LONGEST_TITLE = 80


def picture(incident: Incident, tree: Tree) -> Graph:
    """The graph of a tree, each branch a node."""
    nodes: list[Node] = []
    edges: list[Edge] = []
    for branch, above in _walk(tree):
        nodes.append(_node(branch))
        if above is not None:
            edges.append(Edge(above.alert, branch.alert, _how(branch, above)))
    hidden = tree.more_alerts + tree.unread
    if hidden:
        nodes.append(Node("more", f"and {hidden:,} more alerts"))
    return Graph.of(nodes, edges, one_line(f"{incident.id}: {incident.title}", LONGEST_TITLE))


def _walk(tree: Tree) -> Iterator[tuple[Branch, Branch | None]]:
    """Each branch with what it hangs on, from the top on."""
    waiting: list[tuple[Branch, Branch | None]] = [(branch, None) for branch in (*tree.branches, *tree.noise)]
    for branch, above in waiting:  # grows while it is walked
        yield branch, above
        waiting += [(below, branch) for below in branch.branches]


def _node(branch: Branch) -> Node:
    count = f"{branch.alerts:,} × " if branch.alerts > 1 else ""
    where = f"{branch.where}: " if branch.where else ""
    firing = f"{branch.firing:,} firing" if branch.firing else "over"
    more = f"{branch.severity.value}, {firing}, {branch.began_at:%H:%M:%S}"
    return Node(branch.alert, f"{where}{count}{branch.name}", KIND[branch.role], more, one_line(branch.why.reason, 300))


def _how(branch: Branch, above: Branch) -> str:
    """`41s later, 45.5 ×`: how long after what it hangs on, and how much likelier than chance it follows just that."""
    told = later(branch.began_at - above.began_at)
    odds = branch.why.odds if branch.why.follows == above.alert else 0.0
    return f"{told}, {f'{odds:g}' if odds < 1000 else '> 1,000'} ×" if odds else told


def later(lag: timedelta) -> str:
    """`41s later`."""
    seconds = round(lag.total_seconds())
    if seconds == 0:
        return "at once"
    return f"{duration.show(timedelta(seconds=abs(seconds)))} {'later' if seconds > 0 else 'earlier'}"
