"""What one fault explains is one incident: an alert joins what explains it best, or opens an incident of its own.

Source of the method: simulated storms with a hidden truth (bench/correlation.py), docs/adr/0031.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from receiver.engine.causes import words
from receiver.engine.causes.adopting import adoptions
from receiver.engine.causes.board import Board
from receiver.engine.causes.clue import Clue, Link, Relation
from receiver.engine.causes.likelihood import BACK_LATEST, ENOUGH, Rates
from receiver.engine.causes.linking import mentioned, strongest
from receiver.engine.causes.settings import CorrelationSettings
from receiver.engine.correlate import Adoption, ByGroup, Fired, Placed, Placement
from receiver.engine.events import AlertRef, Root
from receiver.engine.notification import Notification
from receiver.engine.occurrence import Occurrence, new_id
from receiver.engine.onset import Holds, onset
from receiver.engine.topology import Topology
from receiver.engine.working_set import WorkingSet

ALIKE = 5.0  # seconds: alerts of one name and place that began so close are decided once


@dataclass(frozen=True)
class ByCauses:
    """Directed topology, time and what was learned; alerts that name no place go by their Alertmanager group."""

    topology: Topology
    labels: tuple[str, ...] = CorrelationSettings().labels
    _by_group: ByGroup = field(default_factory=ByGroup)

    def keys(self, notification: Notification, tenants: set[str]) -> set[str]:
        return self._by_group.keys(notification, tenants)

    def group(self, notification: Notification, occurrence: Occurrence) -> Placement:
        return self._by_group.group(notification, occurrence)

    def place(
        self, notification: Notification, fired: Iterable[Fired], work: WorkingSet, now: datetime
    ) -> Iterator[Placed]:
        others = ((back, self.group(notification, occurrence), occurrence) for occurrence, back in fired)
        return self._place_all(others, work, now)

    def again(self, held: Iterable[Placed], work: WorkingSet, now: datetime) -> Iterator[Placed]:
        return self._place_all(((None, group, occurrence) for group, occurrence in held), work, now)

    def _place_all(
        self, waiting: Iterable[tuple[Placement | None, Placement, Occurrence]], work: WorkingSet, now: datetime
    ) -> Iterator[Placed]:
        """What began first comes first: it may explain the others. Alerts that say the same are decided once."""
        clues = [(self.clue(occurrence, work.holds), back, group, occurrence) for back, group, occurrence in waiting]
        clues.sort(key=lambda one: (one[0].onset, one[3].identity))
        at = now.timestamp()
        for clue, back, group, occurrence in clues:
            if not clue.node and not clue.shared:
                yield back or group, occurrence
                continue
            board = work.board(occurrence.tenant)
            rates = board.rates(len(self.topology.nodes), at)
            known = tuple([pair for pair in clue.shared if pair in board.pairs])  # what others know nothing of is alike
            same = (clue.name, clue.node, known, clue.onset // ALIKE, back)
            if clue.node and clue.shared:
                board.hosts(clue.node, clue.shared)
            placement = board.answers.get(same)
            if placement is None:
                placement = self._place(clue, occurrence, back, board, rates)
                if placement.root is None:
                    board.answered(same, replace(placement, adopts=()) if placement.adopts else placement)
            yield replace(placement, besides=group.besides) if group.besides else placement, occurrence

    def clue(self, occurrence: Occurrence, holds: Holds) -> Clue:
        labels = occurrence.labels
        shared = tuple([(label, labels[label]) for label in self.labels if labels.get(label)])
        node = labels.get(self.topology.label, "")
        if not node:  # the graph may name machines, too: what runs on one depends on it
            node = next((value for _, value in shared if value in self.topology.nodes), "")
        began = onset(labels, occurrence.annotations, occurrence.starts_at, holds)
        said = occurrence.annotations
        text = said.get("description") or said.get("summary") or ""
        return Clue(occurrence.name, node, shared, began.timestamp(), text)

    def _place(
        self, clue: Clue, occurrence: Occurrence, back: Placement | None, board: Board, rates: Rates
    ) -> Placement:
        board.changed = True
        odds = rates.odds(clue.name)
        link = strongest(clue, board, odds, self.topology)
        if clue.text and (link is None or link.odds < ENOUGH):
            link = mentioned(clue, board, odds) or link
        quiet = clue.onset - occurrence.not_before.timestamp() if occurrence.not_before else 0.0
        if back is not None and quiet <= BACK_LATEST and (link is None or link.odds < odds.returns(quiet)):
            return back
        if link is None or link.odds < ENOUGH:
            return self._open(clue, occurrence, board, rates)
        return self._follow(clue, link, board, rates)

    def _open(self, clue: Clue, occurrence: Occurrence, board: Board, rates: Rates) -> Placement:
        """Nothing explains it: it begins an incident, which may explain what has come before it."""
        incident = new_id("incident", occurrence.id)
        alert = AlertRef(occurrence.id, occurrence.name)
        root = Root(alert, datetime.fromtimestamp(clue.onset, UTC), clue.node, clue.shared)
        board.learned.note_opened(clue.name, rates.at)
        adopts = tuple(adoptions(board.opens(incident, root), board, rates, self.topology))
        reason = words.alone(clue.name, rates.habit(clue.name))
        return Placement(incident, reason, incident, root, adopts=adopts)

    def _follow(self, clue: Clue, link: Link, board: Board, rates: Rates) -> Placement:
        anchor = link.anchor
        incident = board.home(anchor.incident)
        board.learned.note_followed(clue.name, anchor.root.alert.name, rates.at)
        board.joined(incident, rates.at)
        adopts: tuple[Adoption, ...] = ()
        if link.relation == Relation.DEPENDS:
            board.learned.note_travel(clue.onset - anchor.onset, len(link.way))
        elif link.takes_along and clue.node and not board.stands(incident, clue.node):
            adopts = tuple(adoptions([board.carries(anchor, clue.node)], board, rates, self.topology))
        return Placement(
            key=incident,
            reason=words.follows(clue, link, rates.habit(clue.name)),
            incident=incident,
            follows=anchor.root.alert.id,
            odds=round(link.odds, 1),
            adopts=adopts,
        )


def correlator_of(settings: CorrelationSettings, topology: Topology) -> ByGroup | ByCauses:
    """The correlator that a configuration asks for."""
    by_causes = settings.by == "causes" or (settings.by is None and bool(topology.edges))
    return ByCauses(topology, settings.labels) if by_causes else ByGroup()
