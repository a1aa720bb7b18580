"""Silences that others made in Alertmanager, shown on the incidents whose alerts they match."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from receiver.engine.events import (
    AnyEvent,
)
from receiver.engine.incident import Incident
from receiver.engine.occurrence import one_line
from receiver.engine.policy import Step
from receiver.engine.silence_events import ForeignSilence, SilencesSeen
from receiver.reconcile.judge import Answer
from receiver.silences.wire import about_incident
from tocsin.amapi import GettableSilence

LONGEST = 200  # characters of what others wrote
MOST = 20  # silences of one incident that are shown


class Open(Protocol):
    """Reads what is open (store/open_alerts.py)."""

    async def incidents(self, identities: Collection[str]) -> Mapping[str, set[str]]: ...
    async def with_foreign_silences(self) -> list[Incident]: ...


class Records(Protocol):
    """Records what happened to an incident (decide.py)."""

    async def decide(self, incident_id: str, event: AnyEvent) -> Step: ...


class Elsewhere:
    """Takes what the reconciler's poll saw anyway, and records what is news."""

    def __init__(self, open_alerts: Open, records: Records) -> None:
        self._open = open_alerts
        self._records = records
        self._shown: dict[str, set[str]] | None = None  # incidents by source

    async def polled(self, source: str, answers: Sequence[Answer]) -> None:
        """Looks at what the peers of a source said; nothing changes while none of them answers.

        Raises:
            StoreUnavailable: it is looked at again with the next poll.
        """
        if all(answer.problem for answer in answers):
            return
        shown = (await self._remembered()).setdefault(source, set())
        by_id = {silence.id: silence for answer in answers for silence in answer.silences}
        silenced: dict[str, set[str]] = {}
        for answer in answers:
            for identity, ids in answer.silenced.items():
                silenced.setdefault(identity, set()).update(ids)
        now: dict[str, set[str]] = {incident: set() for incident in shown}
        for incident, identities in (await self._open.incidents(silenced)).items():
            now[incident] = {name for identity in identities for name in silenced[identity]}
        for incident, names in sorted(now.items()):
            seen = [by_id[name] for name in names if name in by_id]
            foreign = [one for one in seen if not one.comment.startswith(about_incident(incident))]
            told = tuple(sorted(_told(source, one) for one in foreign)[:MOST])
            if told or incident in shown:
                await self._records.decide(incident, SilencesSeen(source, told))
            shown.add(incident) if told else shown.discard(incident)

    async def _remembered(self) -> dict[str, set[str]]:
        """Where silences are shown already; after a start the store tells."""
        if self._shown is None:
            found: dict[str, set[str]] = {}
            for incident in await self._open.with_foreign_silences():
                for silence in incident.silenced_by:
                    found.setdefault(silence.source, set()).add(incident.id)
            self._shown = found
        return self._shown


def _told(source: str, silence: GettableSilence) -> ForeignSilence:
    by, why = one_line(silence.created_by, LONGEST), one_line(silence.comment, LONGEST)
    return ForeignSilence(source, silence.id, by, why, silence.ends_at)
