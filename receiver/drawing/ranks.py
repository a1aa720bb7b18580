"""In which layer each node stands: right of all that leads to it, as far as circles allow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from receiver.drawing.knots import knots

Pair = tuple[str, str]


def backward(nodes: Sequence[str], pairs: Collection[Pair]) -> set[Pair]:
    """Edges without which there is no circle; `pairs` have no loops.

    All lie within a knot. It is entered where others lead into it, or where the fewest of its own edges lead to, and
    walked in breadth: what leads to a node met before leads back. (A walk in depth cuts fewer edges, but makes one long
    chain of a large knot, which no picture can hold.)
    """
    after = _after(pairs)
    found: set[Pair] = set()
    for knot in knots(after):
        outside = Counter(target for source, target in pairs if target in knot and source not in knot)
        inside = Counter(target for source, target in pairs if target in knot and source in knot)
        known = [node for node in nodes if node in knot]
        entries = [node for node in known if outside[node]] or [min(known, key=lambda node: inside[node])]
        order = _in_breadth(entries, knot, after)
        found |= {
            (source, target)
            for source in knot
            for target in after[source]
            if target in knot and order[target] < order[source]
        }
    return found


def _in_breadth(entries: Sequence[str], knot: Collection[str], after: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The number of each node of a knot in the order of a walk."""
    order = {node: number for number, node in enumerate(entries)}
    waiting = list(entries)
    for node in waiting:  # grows while it is walked
        for target in after[node]:
            if target in knot and target not in order:
                order[target] = len(order)
                waiting.append(target)
    return order


def ranks(nodes: Sequence[str], pairs: Collection[Pair]) -> dict[str, int]:
    """The layer of each node by the longest way to it; `pairs` have no circle.

    What nothing leads to stands one layer before the first that it leads to, not far off.
    """
    after = _after(pairs)
    missing = dict.fromkeys(nodes, 0)
    for _, target in pairs:
        missing[target] += 1
    starts = [node for node in nodes if not missing[node]]
    rank = dict.fromkeys(nodes, 0)
    ready = list(starts)
    for node in ready:  # grows while it is walked
        for target in after.get(node, ()):
            rank[target] = max(rank[target], rank[node] + 1)
            missing[target] -= 1
            if not missing[target]:
                ready.append(target)
    for node in starts:
        rank[node] = min((rank[target] for target in after.get(node, ())), default=1) - 1
    return rank


def _after(pairs: Collection[Pair]) -> Mapping[str, Sequence[str]]:
    after: dict[str, list[str]] = {}
    for source, target in pairs:
        after.setdefault(source, []).append(target)
    return after
