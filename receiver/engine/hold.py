"""The stage that holds alerts back: maintenance → flapping → inhibition → minimum, and the first that holds decides.

What is held back opens no incident and is looked at again when what holds it ends. An alert that fires on is never held
for ever, and an alert that a person was told of is never taken back: only its end may wait, while it flaps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from receiver.engine.correlate import Correlator, Placement
from receiver.engine.effects import LookAgain
from receiver.engine.events import AlertRef, AlertsHeld, AlertsResolved, AnyEvent, FlappingBegan
from receiver.engine.flapping import Flapping, ended_again, fired_again
from receiver.engine.held import History, Hold, Kind, Place, Shelf, Suppression
from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.ingest import Change, Sighting
from receiver.engine.inhibition import Inhibition, inhibited
from receiver.engine.maintenance import Window, in_maintenance
from receiver.engine.minimum import Minimum, below_minimum
from receiver.engine.notification import Notification
from receiver.engine.occurrence import Occurrence
from receiver.engine.policy import step
from receiver.engine.working_set import WorkingSet

NEVER_FIRED = "it was over before we heard that it fired: nobody is told"


@dataclass(frozen=True, slots=True)
class SuppressionRules:
    """The configuration's part; without any of it nothing is held back but by windows that people add at run time."""

    windows: tuple[Window, ...] = ()
    flapping: Flapping | None = None
    minimum: tuple[Minimum, ...] = ()
    inhibition: Inhibition | None = None

    @property
    def remembered(self) -> timedelta:
        """How far back the comings and goings of an alert matter; zero: nobody asks."""
        spans = [rule.within for rule in self.minimum if rule.occurrences is not None]
        spans += [self.flapping.within] if self.flapping else []
        return max(spans, default=timedelta())

    def ask(self, shelf: Shelf) -> bool:
        """Whether anything could be held back at all."""
        return bool(shelf.windows or self.minimum or self.flapping or self.inhibition)


@dataclass(frozen=True, slots=True)
class Stage:
    """What the checks of one notification work on."""

    work: WorkingSet
    rules: SuppressionRules
    now: datetime

    @property
    def shelf(self) -> Shelf:
        return self.work.shelf

    def open_incident(self, incident_id: str) -> Incident | None:
        incident = self.work.home(incident_id)
        return None if incident is None or incident.status is IncidentStatus.RESOLVED else incident

    def ring(self, at: datetime) -> None:
        """Asks to be called again at a time."""
        self.work.outcome.effects.append(LookAgain(at))

    def tell(self, incident_id: str, event: AnyEvent) -> None:
        """Puts an event to an incident, if it is still there."""
        incident = self.work.home(incident_id)
        if incident is not None:
            self.work.decided(incident, step(incident, event, self.now), self.now)

    def tell_end(self, history: History) -> None:
        """The end that was not told while its alert flapped."""
        if history.pending is not None:
            self.tell(history.incident, AlertsResolved((history.pending,)))

    def verdict(self, occurrence: Occurrence) -> Hold | None:
        """Whether an alert that fires is held back now, by the first check that holds it."""
        history = self.shelf.histories.get(occurrence.identity)
        hold = in_maintenance(occurrence, self.shelf.windows) or _while_flapping(history, self)
        if hold is None and self.rules.inhibition is not None:
            hold = inhibited(occurrence, self.rules.inhibition, self.shelf.causes, self.work.home)
        if hold is None:
            hold = below_minimum(occurrence, history.fired if history else (), self.rules.minimum, self.now)
        return hold


def hold_back(
    notification: Notification,
    sightings: Iterable[Sighting],
    passed: list[Sighting],
    work: WorkingSet,
    rules: SuppressionRules,
    correlator: Correlator,
    now: datetime,
) -> tuple[list[Sighting], Counter[str]]:
    """The sightings that go on, and how many were held back by which kind of reason.

    Comes before the new state of the alerts is kept: what was known of them until now is needed.
    """
    stage = Stage(work, rules, now)
    for sighting in sightings:
        if sighting.change is Change.NEVER_FIRED:
            never = Hold(Kind.NEVER_FIRED, "", NEVER_FIRED)
            _shelve(sighting.occurrence, never, correlator.group(notification, sighting.occurrence), stage)
    if not rules.ask(work.shelf):
        return passed, Counter()
    held: list[tuple[Occurrence, Hold]] = []
    kinds: Counter[str] = Counter()
    going_on: list[Sighting] = []
    for sighting in passed:
        if sighting.change in (Change.RESOLVED, Change.EXPIRED):
            hold = _end(sighting.occurrence, stage)
        else:
            _note_firing(sighting.occurrence, stage)
            hold = stage.verdict(sighting.occurrence)
            if hold is not None:
                held.append((sighting.occurrence, hold))
        if hold is None:
            going_on.append(sighting)
        else:
            kinds[hold.kind.value] += 1
    for occurrence, hold in held:
        _shelve(occurrence, hold, correlator.group(notification, occurrence), stage)
    tell_causes(held, stage)
    return going_on, kinds


def _note_firing(occurrence: Occurrence, stage: Stage) -> None:
    """Remembers an alert that came back, as long as a rule asks how often."""
    previous = stage.work.occurrences.get(occurrence.identity)
    if previous is None or not stage.rules.remembered:
        return
    known = stage.shelf.histories.get(occurrence.identity)
    history = fired_again(known, previous, occurrence, stage.now - stage.rules.remembered)
    if history.incident and stage.open_incident(history.incident) is None:
        stage.tell_end(history)
        history = replace(history, incident="", pending=None)  # a person closed it: what comes now is news
    _remember(history, stage)


def _remember(history: History, stage: Stage) -> None:
    if history.incident and stage.rules.flapping is not None:
        history = replace(history, look_at=stage.now + stage.rules.flapping.calm)
        stage.ring(stage.now + stage.rules.flapping.calm)
    stage.shelf.remember(history)
    stage.shelf.changes.forget_before = stage.now - stage.rules.remembered


def _while_flapping(history: History | None, stage: Stage) -> Hold | None:
    if history is None or not history.incident or stage.rules.flapping is None:
        return None
    if stage.open_incident(history.incident) is None:
        return None
    reason = f"flapping: held together on the open incident {history.incident}"
    return Hold(Kind.FLAPPING, history.incident, reason)


def _end(occurrence: Occurrence, stage: Stage) -> Hold | None:
    """What the end of an alert means for what it holds up or held back; only flapping keeps an end from being told."""
    inhibition = stage.rules.inhibition
    if inhibition is not None and occurrence.incident is not None and (node := inhibition.cause_of(occurrence)):
        stage.shelf.leaves(occurrence.id, occurrence.tenant, node)
        incident = stage.work.home(occurrence.incident)
        if incident is not None and incident.settle is not None:
            stage.work.outcome.effects.append(LookAgain(stage.now + incident.settle, by=incident.id))
    history = stage.shelf.histories.get(occurrence.identity)
    if history is None:
        return None
    history = ended_again(history, occurrence, stage.now - stage.rules.remembered)
    hold = _while_flapping(history, stage) if occurrence.incident == history.incident else None
    if hold is not None:
        history = replace(history, pending=AlertRef(occurrence.id, occurrence.name))
    _remember(history, stage)
    return hold


def _shelve(occurrence: Occurrence, hold: Hold, placement: Placement, stage: Stage) -> None:
    stage.shelf.hold(Suppression(occurrence.id, occurrence.identity, hold, stage.now, placement))
    if hold.look_at is not None:
        stage.ring(hold.look_at)


def tell_causes(held: Sequence[tuple[Occurrence, Hold]], stage: Stage) -> None:
    """Says on each cause's timeline what it holds back."""
    if stage.rules.inhibition is None:
        return
    by_cause: dict[tuple[str, str], list[AlertRef]] = {}
    for occurrence, hold in held:
        if hold.kind is Kind.INHIBITED:
            by_cause.setdefault((hold.by, hold.reason), []).append(AlertRef(occurrence.id, occurrence.name))
    for (cause, reason), alerts in by_cause.items():
        stage.tell(cause, AlertsHeld(tuple(alerts), reason, stage.rules.inhibition.settle))


def note_joined(fired: Iterable[Occurrence], work: WorkingSet, rules: SuppressionRules, now: datetime) -> None:
    """After alerts went to their incidents: they stand on their nodes; who came back too often flaps from now on."""
    if rules.inhibition is None and rules.flapping is None:
        return
    stage = Stage(work, rules, now)
    for occurrence in _in_incidents(fired, work):
        incident = occurrence.incident or ""
        if rules.inhibition is not None and (node := rules.inhibition.cause_of(occurrence)):
            stage.shelf.stands(occurrence.id, Place(occurrence.tenant, node, incident))
        history = stage.shelf.histories.get(occurrence.identity)
        if rules.flapping is not None and history is not None and rules.flapping.begins(history, now):
            _begin_flapping(occurrence, replace(history, incident=incident), rules.flapping, stage)


def _in_incidents(fired: Iterable[Occurrence], work: WorkingSet) -> Iterator[Occurrence]:
    for one in fired:
        latest = work.occurrences[one.identity]
        if latest.incident is not None:
            yield latest


def _begin_flapping(occurrence: Occurrence, history: History, rules: Flapping, stage: Stage) -> None:
    alert = AlertRef(occurrence.id, occurrence.name)
    stage.tell(history.incident, FlappingBegan(alert, rules.reason(history, stage.now)))
    _remember(history, stage)
