"""What one run of the engine works on: what is known of the world, and what the run has decided so far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from receiver.engine.causes.board import Board, Boards
from receiver.engine.effects import Effect
from receiver.engine.events import AnyEvent
from receiver.engine.held import HeldChanges, Shelf
from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.notification import Body
from receiver.engine.occurrence import Occurrence
from receiver.engine.onset import Holds
from receiver.engine.policy import Step


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
    merged: dict[str, str] = field(default_factory=dict)  # incidents, and those that took their alerts over
    refused: list[str] = field(default_factory=list)  # decisions of people that had become impossible, and why
    learned: dict[str, bytes] = field(default_factory=dict)  # what correlation has learned, by tenant

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
    holds: Holds = field(default_factory=Holds)  # each alert's `for`
    boards: Boards = field(default_factory=dict)  # of each tenant, what could explain what comes; lives on

    @classmethod
    def of(cls, occurrences: Iterable[Occurrence], incidents: Iterable[Incident]) -> WorkingSet:
        known = {incident.id: incident for incident in incidents}
        keys = {i.key: i.id for i in known.values() if i.status is not IncidentStatus.RESOLVED}
        return cls({occurrence.identity: occurrence for occurrence in occurrences}, known, keys)

    def home(self, incident_id: str | None) -> Incident | None:
        """The incident that an alert of this one is part of now: where it was merged into another, that."""
        incident = self.incidents.get(incident_id or "")
        while incident is not None and incident.merged_into:
            incident = self.incidents.get(incident.merged_into)
        return incident

    def board(self, tenant: str) -> Board:
        found = self.boards.get(tenant)
        if found is None:
            found = self.boards[tenant] = Board()
        return found

    def recall(self, identities: Iterable[str]) -> tuple[list[Occurrence], list[str]]:
        """The occurrences of these identities that are known, and the identities of the others."""
        found = [(identity, self.occurrences.get(identity)) for identity in identities]
        return [o for _, o in found if o is not None], [identity for identity, o in found if o is None]

    def keep(self, occurrence: Occurrence) -> None:
        """Takes an occurrence in, as part of what its incident has become part of."""
        home = self.home(occurrence.incident)
        if home is not None and home.id != occurrence.incident:
            occurrence = occurrence.in_incident(home.id)
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
        if after.status is not before.status and after.root is not None and after.tenant in self.boards:
            self._tell_board(after, self.boards[after.tenant], now)
        return after

    def _tell_board(self, incident: Incident, board: Board, now: datetime) -> None:
        if incident.merged_into:
            board.goes_into(incident.id, incident.merged_into)
        elif incident.status is not IncidentStatus.RESOLVED:
            board.over.pop(incident.id, None)
