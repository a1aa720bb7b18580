"""What the engine remembers between batches, so that the store is asked only about what is new.

It holds copies of what is committed, never more: a batch works on a set of its own, and what it decided comes in here
after its commit. Anything may be forgotten at any time; then the store is asked.
"""

from __future__ import annotations

from collections.abc import Iterable

from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.occurrence import Occurrence
from receiver.engine.recent import Recent
from receiver.engine.working_set import Outcome, WorkingSet

OCCURRENCES = 300_000  # at about 1 KiB each
INCIDENTS = 100_000


class Memory:
    """The latest occurrence of an identity, and incidents, as the store has them."""

    def __init__(self, occurrences: int = OCCURRENCES, incidents: int = INCIDENTS) -> None:
        self._occurrences: Recent[str, Occurrence] = Recent(occurrences)
        self._incidents: Recent[str, Incident] = Recent(incidents)
        self._open: Recent[str, str] = Recent(incidents)  # key to incident

    def recall(self, identities: Iterable[str]) -> tuple[list[Occurrence], list[str]]:
        """The occurrences of these identities that are known, and the identities of the others."""
        known: list[Occurrence] = []
        unknown: list[str] = []
        for identity in identities:
            occurrence = self._occurrences.get(identity)
            if occurrence is None:
                unknown.append(identity)
            else:
                known.append(occurrence)
        return known, unknown

    def incidents(self, ids: Iterable[str]) -> tuple[list[Incident], list[str]]:
        """The incidents that are known, and the ids of the others."""
        found = {incident_id: self._incidents.get(incident_id) for incident_id in ids}
        return [i for i in found.values() if i is not None], [name for name, i in found.items() if i is None]

    def open_incidents(self, keys: Iterable[str]) -> tuple[list[Incident], list[str]]:
        """The open incidents of these keys that are known, and the other keys."""
        known: list[Incident] = []
        unknown: list[str] = []
        for key in keys:
            incident = self._incidents.get(self._open.get(key) or "")
            if incident is None or incident.status is IncidentStatus.RESOLVED:
                unknown.append(key)
            else:
                known.append(incident)
        return known, unknown

    def learn(self, occurrences: Iterable[Occurrence], incidents: Iterable[Incident]) -> None:
        """Takes in what is committed. Of an incident the newer version counts: decisions end in any order."""
        self._occurrences.keep_all({occurrence.identity: occurrence for occurrence in occurrences})
        for incident in incidents:
            known = self._incidents.get(incident.id)
            if known is None or known.version < incident.version:
                self._incidents.keep(incident.id, incident)
                self._index(incident)

    def _index(self, incident: Incident) -> None:
        if incident.status is not IncidentStatus.RESOLVED:
            self._open.keep(incident.key, incident.id)
        elif self._open.get(incident.key) == incident.id:
            self._open.forget(incident.key)

    def learn_work(self, work: WorkingSet) -> None:
        """Takes in what a batch has committed: of each identity what the batch knew last."""
        latest = [work.occurrences[occurrence.identity] for occurrence in work.outcome.occurrences.values()]
        self.learn(latest, work.outcome.incidents.values())

    def forget(self, outcome: Outcome) -> None:
        """Forgets what a decision was about that rested on a state which has changed."""
        for occurrence in outcome.occurrences.values():
            self._occurrences.forget(occurrence.identity)
        for incident in outcome.incidents.values():
            self._incidents.forget(incident.id)
            self._open.forget(incident.key)

    def clear(self) -> None:
        self._occurrences.clear()
        self._incidents.clear()
        self._open.clear()
