"""Keeps Alertmanager silent about an incident for as long as its policy wants that, and no longer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from receiver.engine.events import (
    AnyEvent,
)
from receiver.engine.incident import Incident
from receiver.engine.occurrence import Occurrence
from receiver.engine.policy import Step
from receiver.engine.silence_events import SilenceFailed, SilenceRemoved, SilencesLooked, SilenceWritten
from receiver.jobs.back_off import back_off
from receiver.jobs.handlers import Again
from receiver.reconcile.settings import ReconcileSettings
from receiver.silences.narrow import candidates, narrow
from receiver.silences.wire import (
    AUTHOR,
    Peer,
    Peers,
    Wanted,
    about_incident,
    comment,
    first_answer,
    in_words,
    on_the_wire,
    ours,
    real_peers,
)
from tocsin.amapi import GettableAlert, GettableSilence
from tocsin.clock import Clock
from tocsin.errors import ApiUnavailable, TocsinError
from tocsin.labels import matches
from tocsin.model import Labels

log = structlog.get_logger("receiver.silences")

LASTS = timedelta(hours=1)  # what is kept up lasts so long if nobody keeps it up any more
LOOK_EVERY = timedelta(minutes=30)
AT_LEAST = timedelta(minutes=40)  # what has less left is prolonged: a look that comes late finds it there
MOST_ATTEMPTS = 15  # with the back-off, about half an hour
MOST = 200  # silences of one incident in one Alertmanager
MOST_ALERTS = 5_000  # of an incident that are looked at, those that began first


class Members(Protocol):
    """Reads an incident's alerts (store/stories.py)."""

    async def members(self, incident: str, most: int = ...) -> list[Occurrence]: ...


class Records(Protocol):
    """Records what happened to an incident (decide.py)."""

    async def decide(self, incident_id: str, event: AnyEvent) -> Step: ...


class Silences:
    """Compares what should be with what is; what it changes is recorded on the incident.

    `sources` and `external_url` are replaced when the configuration is read again.
    """

    def __init__(
        self,
        *,
        members: Members,
        records: Records,
        sources: Mapping[str, ReconcileSettings],
        clock: Clock,
        external_url: str = "",
        peers: Peers = real_peers,
    ) -> None:
        self.sources = sources
        self.external_url = external_url
        self._members = members
        self._records = records
        self._clock = clock
        self._peers = peers

    async def __call__(self, incident: Incident, attempt: int) -> AnyEvent | Again | None:
        """Another try while an Alertmanager is away, the next look while silences are wanted, then nothing more."""
        alerts = await self._members.members(incident.id, MOST_ALERTS)
        by_source: dict[str, list[Labels]] = {one.source: [] for one in alerts if one.source in self.sources}
        by_source |= {silence.source: [] for silence in incident.silences}
        for one in alerts:
            if one.ends_at is None and one.source in by_source:
                by_source[one.source].append(one.labels)
        away, failed = {}, {}
        for source, labels in sorted(by_source.items()):
            try:
                await self._sync(incident, source, labels)
            except ApiUnavailable as error:
                away[source] = str(error)
            except TocsinError as error:
                failed[source] = str(error)
        if away and attempt < MOST_ATTEMPTS:
            return Again(back_off(attempt), "; ".join(away.values()))
        for source, reason in (away | failed).items():
            log.error("silences are not as they should be", incident=incident.id, source=source, reason=reason)
            await self._records.decide(incident.id, SilenceFailed(source, _given_up(incident, source, reason)))
        return SilencesLooked(self._clock.now() + LOOK_EVERY) if incident.wants_silence else None

    async def _sync(self, incident: Incident, source: str, firing: Sequence[Labels]) -> None:
        settings = self.sources.get(source)
        if settings is None:
            raise TocsinError(f"sources.{source}.reconcile is no longer configured, so its Alertmanager is not known")
        async with self._peers(settings) as peers:
            peer, known = await first_answer(peers)
            mine = {one.id: one for one in ours(known, about_incident(incident.id))}
            refused = await self._ended_there(incident, source, mine)
            wanted = await self._wanted(incident, peer, firing)
            kept = set()
            for one in wanted[:MOST]:
                if in_words(one.matchers) not in refused:
                    kept |= await self._write(incident, source, peer, one, mine)
            await self._remove(incident, source, peer, [one for one in mine.values() if one.id not in kept])
            if len(wanted) > MOST:
                raise TocsinError(f"{len(wanted):,} silences would be needed; the first {MOST} are written")

    async def _ended_there(
        self, incident: Incident, source: str, mine: Mapping[str, GettableSilence]
    ) -> set[tuple[str, ...]]:
        """The matchers of silences that somebody ended in Alertmanager: they are not written again."""
        refused = set()
        for one in incident.silences:
            if one.source != source:
                continue
            there = mine.get(one.id)
            if one.ended or (there is not None and there.ended_by_hand and incident.wants_silence):
                refused.add(one.matchers)
            if not one.ended and (there is None or not there.holds):
                by_hand = there is not None and there.ended_by_hand
                reason = "somebody ended it in Alertmanager" if by_hand else "Alertmanager no longer has it"
                await self._records.decide(
                    incident.id, SilenceRemoved(source, one.id, reason, by_hand and incident.wants_silence)
                )
        return refused

    async def _wanted(self, incident: Incident, peer: Peer, firing: Sequence[Labels]) -> list[Wanted]:
        now = self._clock.now()
        until = _until(incident, now)
        if until is None or until <= now or not firing:
            return []
        around: list[Labels] = []
        broad = candidates(firing)

        def collect(alert: GettableAlert) -> None:
            if any(matches(matchers, alert.labels) for matchers in broad):
                around.append(alert.labels)

        await peer.visit_alerts(collect)
        who, at_least = incident.acknowledged_by, None if until == incident.snoozed_until else AT_LEAST
        said = f"snoozed by {who} until {until:%Y-%m-%d %H:%M} UTC" if at_least is None else f"acknowledged by {who}"
        link = f"{self.external_url}/api/v1/incidents/{incident.id}" if self.external_url else ""
        text = comment(about_incident(incident.id), incident.title, said, link)
        return [
            Wanted(on_the_wire(matchers), until, AUTHOR + who, text, at_least) for matchers in narrow(firing, around)
        ]

    async def _write(
        self, incident: Incident, source: str, peer: Peer, wanted: Wanted, mine: Mapping[str, GettableSilence]
    ) -> set[str]:
        """Writes or prolongs a silence where that is needed; the ids that are kept, or replaced by this one."""
        now = self._clock.now()
        same = (one for one in mine.values() if one.holds and set(one.matchers) == set(wanted.matchers))
        before = max(same, key=lambda one: one.ends_at, default=None)
        name, until = (before.id, before.ends_at) if before is not None else ("", wanted.until)
        if before is None or not wanted.suffices(before, now):
            name, until = await peer.write_silence(wanted.as_written(before, now)), wanted.until
        told = {one.id: one.until for one in incident.silences if not one.ended}
        kept = wanted.at_least is not None
        if name not in told or (not kept and abs(told[name] - until) >= timedelta(seconds=1)):
            words = in_words(wanted.matchers)
            await self._records.decide(incident.id, SilenceWritten(source, name, until, words, kept))
        if before is not None and before.id != name and before.id in told:
            await self._records.decide(incident.id, SilenceRemoved(source, before.id, f"{name} takes its place"))
        return {name} if before is None else {name, before.id}

    async def _remove(self, incident: Incident, source: str, peer: Peer, over: Sequence[GettableSilence]) -> None:
        for one in over:
            if not one.holds:
                continue
            await peer.end_silence(one.id)
            reason = "its alerts are others now" if incident.wants_silence else _why_over(incident)
            await self._records.decide(incident.id, SilenceRemoved(source, one.id, reason))


def _until(incident: Incident, now: datetime) -> datetime | None:
    if not incident.wants_silence:
        return None
    if incident.snoozed_until is not None and "snooze" in incident.plan.silence:
        return incident.snoozed_until
    return now + LASTS


def _why_over(incident: Incident) -> str:
    return "the incident is over" if incident.resolved_at is not None else "nobody has the incident any more"


def _given_up(incident: Incident, source: str, reason: str) -> str:
    """With what that means."""
    if incident.wants_silence:
        return f"{reason}; another try every {LOOK_EVERY // timedelta(minutes=1)} minutes"
    ends = max((one.until for one in incident.silences if one.source == source), default=None)
    by_itself = f"; what is there ends by itself, by {ends + LASTS:%Y-%m-%d %H:%M} UTC" if ends else ""
    return reason + by_itself
