"""What comes late may explain what came before it: open incidents become part of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from receiver.engine.causes import words
from receiver.engine.causes.board import Anchor, Board
from receiver.engine.causes.clue import Clue
from receiver.engine.causes.likelihood import ENOUGH, Rates
from receiver.engine.causes.linking import HOPS, against
from receiver.engine.correlate import Adoption
from receiver.engine.topology import Topology


def adoptions(anchors: Iterable[Anchor], board: Board, rates: Rates, topology: Topology) -> Iterator[Adoption]:
    """The incidents that new anchors explain, taken off the board. A service taken along may explain more."""
    waiting = list(anchors)
    for anchor in waiting:
        for other in _reached_by(anchor, board, topology):
            home = board.home(anchor.incident)
            if other.carried or other.incident in board.into or other.incident == home:
                continue
            if not board.could_explain(anchor, other.onset):
                continue
            root = other.root
            clue = Clue(root.alert.name, root.node, root.shared, other.onset)
            link = against(anchor, clue, rates.odds(clue.name), topology)
            if link is None or link.odds < ENOUGH:
                continue
            board.joined(other.incident, rates.at)
            board.joined(home, rates.at)
            board.goes_into(other.incident, home)
            board.learned.note_adopted(clue.name, rates.at)
            board.learned.note_followed(clue.name, anchor.root.alert.name, rates.at)
            reason = words.follows(clue, link, rates.habit(clue.name))
            yield Adoption(other.incident, anchor.root.alert.id, reason, round(link.odds, 1))
            if link.takes_along and root.node:
                waiting.append(board.carries(anchor, root.node))


def _reached_by(anchor: Anchor, board: Board, topology: Topology) -> list[Anchor]:
    """Roots where an anchor could have consequences."""
    found: list[Anchor] = []
    if anchor.node:
        found += board.nodes.get(anchor.node, ())
        callers = topology.callers(anchor.node, HOPS)
        for node in sorted(node for node in board.nodes if node in callers):
            found += board.nodes[node]
    if not anchor.carried:
        for pair in anchor.root.shared:
            found += board.pairs.get(pair, ())
        if not anchor.node:
            found += [one for standing in board.nodes.values() for one in standing]
    return found
