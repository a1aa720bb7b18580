"""What explains an alert best, of all that stands on the board."""

from __future__ import annotations

import re

from receiver.engine.causes.board import Anchor, Board
from receiver.engine.causes.clue import Clue, Link, Relation
from receiver.engine.causes.likelihood import Odds
from receiver.engine.topology import Topology

HOPS = 5
MENTION = 0.5
MOST_TEXT = 1_000  # characters

_WORD = re.compile(r"[\w.-]*\w")


def strongest(clue: Clue, board: Board, odds: Odds, topology: Topology) -> Link | None:
    """The link with the best odds; None: nothing stands where it could explain this."""
    best: tuple[float, Anchor | None, Relation, tuple[str, ...]] = (0.0, None, Relation.HERE, ())
    onset = clue.onset
    if clue.node:
        for anchor in board.at(clue.node, onset):
            found = depends(anchor, odds, 0, onset)
            if found > best[0]:
                best = (found, anchor, Relation.HERE, ())
        ways = topology.dependencies(clue.node, HOPS)
        for node in board.nearby(ways):
            for anchor in board.at(node, onset):
                found = depends(anchor, odds, len(ways[node]), onset)
                if found > best[0]:
                    best = (found, anchor, Relation.DEPENDS, ways[node])
        for anchor in board.placeless:
            if board.could_explain(anchor, onset) and not elsewhere(anchor, clue):
                found = odds.anywhere(anchor.root.alert.name, onset - anchor.onset)
                if found > best[0]:
                    best = (found, anchor, Relation.NEARBY, ())
    for pair in clue.shared:
        for anchor in board.sharing(pair, onset):
            found = odds.same_place(onset - anchor.onset)
            if found > best[0]:
                best = (found, anchor, Relation.SHARES, pair)
    return _link(clue, best)


def mentioned(clue: Clue, board: Board, odds: Odds) -> Link | None:
    """What began on a node that an alert's text names: as if it depended on it, and counted half."""
    best: tuple[float, Anchor | None, Relation, tuple[str, ...]] = (0.0, None, Relation.MENTIONS, ())
    for word in sorted(set(_WORD.findall(clue.text[:MOST_TEXT])) - {clue.node}):
        for anchor in board.at(word, clue.onset):
            found = MENTION * depends(anchor, odds, 1, clue.onset)
            if found > best[0] and not anchor.carried:
                best = (found, anchor, Relation.MENTIONS, (word,))
    return _link(clue, best)


def against(anchor: Anchor, clue: Clue, odds: Odds, topology: Topology) -> Link | None:
    """How one anchor explains what another incident began with; None: not at all."""
    best: tuple[float, Anchor | None, Relation, tuple[str, ...]] = (0.0, None, Relation.HERE, ())
    onset = clue.onset
    if anchor.node and clue.node:
        way = () if anchor.node == clue.node else topology.dependencies(clue.node, HOPS).get(anchor.node)
        if way is not None:
            relation = Relation.DEPENDS if way else Relation.HERE
            best = max(best, (depends(anchor, odds, len(way), onset), anchor, relation, way), key=lambda one: one[0])
    if not anchor.carried:
        for pair in anchor.root.shared:
            if pair in clue.shared:
                same = odds.same_place(onset - anchor.onset)
                best = max(best, (same, anchor, Relation.SHARES, pair), key=lambda one: one[0])
        if not anchor.node and clue.node and not elsewhere(anchor, clue):
            near = odds.anywhere(anchor.root.alert.name, onset - anchor.onset)
            best = max(best, (near, anchor, Relation.NEARBY, ()), key=lambda one: one[0])
    return _link(clue, best)


def elsewhere(anchor: Anchor, clue: Clue) -> bool:
    """Whether an alert names another node, pod or shard than the one that the anchor began with."""
    named = dict(clue.shared)
    return any(named.get(label, value) != value for label, value in anchor.root.shared)


def depends(anchor: Anchor, odds: Odds, hops: int, onset: float) -> float:
    """The odds of an alert so many hops from an anchor."""
    lag = onset - anchor.onset
    return odds.carried(hops, lag) if anchor.carried else odds.depends(anchor.root.alert.name, hops, lag)


def _link(clue: Clue, best: tuple[float, Anchor | None, Relation, tuple[str, ...]]) -> Link | None:
    odds, anchor, relation, way = best
    if anchor is None:
        return None
    if anchor.carried:
        return Link(anchor, odds, Relation.CARRIED, (clue.node, *way))
    return Link(anchor, odds, relation, way)
