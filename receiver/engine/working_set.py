"""What one run of the engine works on: what is known of the world, and what the run has decided so far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from receiver.engine.held import HeldChanges, Shelf
from receiver.engine.incident import AnyEvent, Incident, IncidentStatus
from receiver.engine.notification import Body
from receiver.engine.occurrence import Occurrence
from receiver.engine.policy import Effect, Step


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with its place in an incident's history: the version it makes, counted from 1."""

    incident: str
    version: int
    at: datetime
    event: AnyEvent


@dataclass(slots=True)
class Outcome:
    """Everything that must be committed together, or not at all."""

    occurrences: dict[str, Occurrence] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    events: list[Recorded] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    quarantined: list[tuple[Body, str]] = field(default_factory=list)
    held: HeldChanges = field(default_factory=HeldChanges)
    signs: dict[str, datetime] = field(default_factory=dict)  # of each heartbeat that was heard, when

    def record(self, before: Incident, step: Step, now: datetime) -> None:
        """Adds a decision about an incident."""
        for offset, event in enumerate(step.events, start=1):
            self.events.append(Recorded(before.id, before.version + offset, now, event))
        self.effects += step.effects
        if step.events:
            self.incidents[step.incident.id] = step.incident


@dataclass(slots=True)
class WorkingSet:
    """The occurrences and incidents that a batch can touch; lives for one batch and belongs to it alone.

    `occurrences` holds, by identity, the open occurrence or else the one that ended last.
    """

    occurrences: dict[str, Occurrence] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    open_by_key: dict[str, str] = field(default_factory=dict)
    outcome: Outcome = field(default_factory=Outcome)
    shelf: Shelf = field(default_factory=Shelf)  # what is held back, and by what; its changes are in the outcome

    @classmethod
    def of(cls, occurrences: Iterable[Occurrence], incidents: Iterable[Incident]) -> WorkingSet:
        known = {incident.id: incident for incident in incidents}
        keys = {i.key: i.id for i in known.values() if i.status is not IncidentStatus.RESOLVED}
        return cls({occurrence.identity: occurrence for occurrence in occurrences}, known, keys)

    def recall(self, identities: Iterable[str]) -> tuple[list[Occurrence], list[str]]:
        """The occurrences of these identities that are known, and the identities of the others."""
        found = [(identity, self.occurrences.get(identity)) for identity in identities]
        return [o for _, o in found if o is not None], [identity for identity, o in found if o is None]

    def keep(self, occurrence: Occurrence) -> None:
        self.occurrences[occurrence.identity] = occurrence
        self.outcome.occurrences[occurrence.id] = occurrence

    def decided(self, before: Incident, step: Step, now: datetime) -> Incident:
        """Takes a decision in and gives the incident after it."""
        self.outcome.record(before, step, now)
        after = step.incident
        self.incidents[after.id] = after
        if after.status is IncidentStatus.RESOLVED:
            self.open_by_key.pop(after.key, None)
        else:
            self.open_by_key[after.key] = after.id
        return after
