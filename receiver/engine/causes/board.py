"""Which incidents could still explain what comes, found by place: an index that can be rebuilt at any time.

The board is changed while a batch is decided; whoever cannot commit the batch forgets the board, and it is read anew.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from receiver.engine.causes.learned import Learned, encode
from receiver.engine.causes.likelihood import EARLIEST, LATEST, Rates
from receiver.engine.events import Root
from receiver.engine.incident import Incident

KEPT_FOR = LATEST + 1800.0  # seconds after its onset; alerts arrive up to half an hour late (`for`, group_interval)
if TYPE_CHECKING:
    from receiver.engine.correlate import Placement

MOST_AT_A_PLACE = 32  # the newest; a place with more is none
SAVE_EVERY = 60.0
RATES_FOR = 5.0  # seconds
RATES_FOR_ALERTS = 100
ANSWERS_FOR_ALERTS = 20_000
MOST_ANSWERS = 20_000
MOST_OPEN = 5_000  # of a tenant; the oldest explain nothing any more

OVER_FOR = 120.0  # seconds after its end it explains what began meanwhile

Pair = tuple[str, str]
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where an incident could have consequences: at its root's place, or one step on, where its root's node took a
    service along (`carried`)."""

    incident: str
    root: Root
    node: str
    onset: float  # Unix seconds, of the root
    carried: bool = False


@dataclass(slots=True)
class Board:
    """One tenant's incidents that could explain something, and what is learned of its alerts."""

    learned: Learned = field(default_factory=Learned)
    roots: dict[str, Root] = field(default_factory=dict)  # by incident, the one opened first first
    into: dict[str, str] = field(default_factory=dict)  # of those that were merged; their anchors stand for the other
    alone: set[str] = field(default_factory=set)  # of those that nothing has followed yet
    over: dict[str, float] = field(default_factory=dict)  # of those that have ended, when; Unix seconds
    nodes: dict[str, list[Anchor]] = field(default_factory=dict)
    pairs: dict[Pair, list[Anchor]] = field(default_factory=dict)
    placeless: list[Anchor] = field(default_factory=list)  # of roots that name no node of the topology
    hosted: dict[Pair, dict[str, None]] = field(default_factory=dict)  # nodes of the graph seen at a pair
    openings: deque[float] = field(default_factory=deque)  # when incidents were opened of late; for storms
    storm: str = ""  # the incident that stands for a storm now
    folded: Counter[tuple[str, str]] = field(default_factory=Counter)  # into it, by service and alert name
    saved_at: float = 0.0
    changed: bool = False
    answers: dict[Hashable, Placement] = field(default_factory=dict)  # what was decided upon the board as it stands
    _rates: Rates | None = None
    _since: int = 0  # alerts that these rates have served

    @classmethod
    def of(cls, incidents: Iterable[Incident], learned: Learned) -> Board:
        """As the store knows it."""
        board = cls(learned)
        for incident in sorted(incidents, key=lambda one: (one.opened_at, one.id)):
            if incident.storm:
                board.storm = incident.id
            if incident.root is not None:
                board.opens(incident.id, incident.root)
                if incident.alerts > 1 or incident.merged_into:
                    board.alone.discard(incident.id)
                if incident.merged_into:
                    board.into[incident.id] = incident.merged_into
        return board

    def opens(self, incident: str, root: Root) -> list[Anchor]:
        """An incident begins at its root; gives the anchors of it, those of services that its node takes along too."""
        onset = root.onset.timestamp()
        self.answers.clear()
        self.roots[incident] = root
        self.alone.add(incident)
        self.over.pop(incident, None)
        if len(self.roots) > MOST_OPEN:
            self.leaves(next(iter(self.roots)))
        anchor = Anchor(incident, root, root.node, onset)
        for pair in root.shared:
            _add(self.pairs, pair, anchor)
        if root.node:
            _add(self.nodes, root.node, anchor)
            return [anchor]
        self.placeless = [*self.placeless[-MOST_AT_A_PLACE:], anchor] if root.shared else self.placeless
        carried = {node for pair in root.shared for node in self.hosted.get(pair, ())}
        return [anchor, *(self.carries(anchor, node) for node in sorted(carried))]

    def carries(self, anchor: Anchor, node: str) -> Anchor:
        """The root's place took a node of the graph along: what depends on that could be a consequence too."""
        self.answers.clear()
        further = Anchor(anchor.incident, anchor.root, node, anchor.onset, carried=True)
        _add(self.nodes, node, further)
        return further

    def stands(self, incident: str, node: str) -> bool:
        """Whether the incident has an anchor at a node."""
        return any(self.home(anchor.incident) == incident for anchor in self.nodes.get(node, ()))

    def hosts(self, node: str, shared: Iterable[Pair]) -> None:
        """An alert named a node of the graph and where it runs."""
        for pair in shared:
            seen = self.hosted.setdefault(pair, {})
            seen.pop(node, None)
            seen[node] = None
            if len(seen) > MOST_AT_A_PLACE:
                del seen[next(iter(seen))]
        while len(self.hosted) > MOST_OPEN:
            del self.hosted[next(iter(self.hosted))]

    def at(self, node: str, onset: float) -> list[Anchor]:
        """What began at a node of the graph and could explain what began at that time."""
        found = self.nodes.get(node)
        return [anchor for anchor in found if self.could_explain(anchor, onset)] if found else []

    def sharing(self, pair: Pair, onset: float) -> list[Anchor]:
        """What began where a label has this value; nothing, if too many did: the value is not rare."""
        found = [anchor for anchor in self.pairs.get(pair, ()) if self.could_explain(anchor, onset)]
        return found if len(found) <= MOST_AT_A_PLACE // 2 else []

    def could_explain(self, anchor: Anchor, onset: float) -> bool:
        """Whether its incident still stands, or stood when that began."""
        if anchor.incident not in self.roots:
            return False
        ended = self.over.get(self.home(anchor.incident))
        return EARLIEST < onset - anchor.onset < LATEST and (ended is None or onset < ended + OVER_FOR)

    def nearby(self, distances: Mapping[str, object]) -> Iterable[str]:
        """Of the nodes that can be reached, those where something began, in a fixed order."""
        if len(distances) <= len(self.nodes):
            return (node for node in distances if node in self.nodes)
        return (node for node in self.nodes if node in distances)

    def goes_into(self, incident: str, other: str) -> None:
        """It was merged; its anchors stand for the other."""
        self.answers.clear()
        self.into[incident] = other

    def rates(self, places: int, now: float) -> Rates:
        """What is learned, as of this second or of the last so many alerts, whichever is newer.

        Many alerts at one time, as after an outage of ours, must not be judged by what was known before the first.
        """
        self._since += 1
        rates = self._rates
        old = rates is None or not 0.0 <= now - rates.at < RATES_FOR
        if old or self._since > ANSWERS_FOR_ALERTS:
            self._since = 0
            self.answers.clear()
        if rates is None or old or self._since % RATES_FOR_ALERTS == 0:
            rates = self._rates = Rates(self.learned, places, now)
        return rates

    def answered(self, clue: Hashable, placement: Placement) -> None:
        """Alerts that say the same go the same way, as long as the board stands as it does."""
        if len(self.answers) < MOST_ANSWERS:
            self.answers[clue] = placement

    def joined(self, incident: str, now: float) -> None:
        """Something followed it, or it followed something."""
        if incident in self.alone:
            self.alone.discard(incident)
            self.learned.note_joined(self.roots[incident].alert.name, now)

    def home(self, incident: str) -> str:
        """The incident that this one is part of."""
        while incident in self.into:
            incident = self.into[incident]
        return incident

    def ends(self, incident: str, now: float) -> None:
        """It is over; what began before its end it still explains."""
        if incident in self.roots:
            self.over[incident] = now
            self.answers.clear()

    def leaves(self, incident: str) -> None:
        """It explains nothing any more: merged, declared noise, or too old."""
        self.answers.clear()
        self.roots.pop(incident, None)
        self.over.pop(incident, None)
        self.into.pop(incident, None)
        self.alone.discard(incident)

    def standing(self, now: float) -> list[str]:
        """The incidents that could explain something as of now; the others leave."""
        for incident in [name for name, root in self.roots.items() if now - root.onset.timestamp() > KEPT_FOR]:
            self.leaves(incident)
        _sweep(self.nodes, self.roots)
        _sweep(self.pairs, self.roots)
        self.placeless = [anchor for anchor in self.placeless if anchor.incident in self.roots]
        return [*self.roots, self.storm] if self.storm else list(self.roots)

    def due(self, now: float) -> bytes | None:
        """What is learned, when it is time to store it."""
        if not self.changed or now - self.saved_at < SAVE_EVERY:
            return None
        self.saved_at, self.changed = now, False
        return encode(self.learned)


def _sweep(index: dict[K, list[Anchor]], standing: Collection[str]) -> None:
    """Forgets places whose incidents have all left, once they are many."""
    if len(index) <= 4 * len(standing) + 100:
        return
    for key in [key for key, found in index.items() if all(anchor.incident not in standing for anchor in found)]:
        del index[key]


def _add(index: dict[K, list[Anchor]], key: K, anchor: Anchor) -> None:
    found = index.setdefault(key, [])
    found.append(anchor)
    if len(found) > MOST_AT_A_PLACE:
        del found[0]


Boards = dict[str, Board]  # by tenant
