"""Knots: nodes of a directed graph that all lead to one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def knots(edges: Mapping[str, Sequence[str]]) -> list[frozenset[str]]:
    """Strongly connected components of two nodes or more (Kosaraju's two walks, without recursion)."""
    back: dict[str, list[str]] = {}
    for caller, names in edges.items():
        for name in names:
            back.setdefault(name, []).append(caller)
    finished: list[str] = []
    seen: set[str] = set()
    for start in sorted(edges):
        walk = [(start, iter(edges[start]))] if start not in seen else []
        seen.add(start)
        while walk:
            rest = walk[-1][1]
            following = next((name for name in rest if name not in seen), None)
            if following is None:
                finished.append(walk.pop()[0])
            else:
                seen.add(following)
                walk.append((following, iter(edges.get(following, ()))))
    taken: set[str] = set()
    found = []
    for root in reversed(finished):
        if root in taken:
            continue
        taken.add(root)
        knot, waiting = {root}, [root]
        while waiting:
            for name in back.get(waiting.pop(), ()):
                if name not in taken:
                    taken.add(name)
                    knot.add(name)
                    waiting.append(name)
        if len(knot) > 1:
            found.append(frozenset(knot))
    return sorted(found, key=min)
