"""Asks the Alertmanagers of a source in the background; what it finds goes into the inbox, as a body of that source."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence, Set
from datetime import datetime
from functools import partial
from typing import Protocol

import aiohttp
import structlog
from prometheus_client import CollectorRegistry, Counter

from receiver.engine.ingest import DEFAULT_TENANT, identities
from receiver.engine.notification import Body, Notification
from receiver.engine.occurrence import identity_of
from receiver.reconcile.bodies import Group, adopted_bodies, expired_bodies
from receiver.reconcile.judge import Answer, Judgement, Memory, Terms, judge
from receiver.reconcile.settings import ReconcileSettings
from receiver.store.open_alerts import OpenAlerts
from tocsin.amapi import Alertmanager, GettableAlert, GettableSilence, Status, from_each
from tocsin.clock import Clock
from tocsin.errors import TocsinError
from tocsin.model import Labels

log = structlog.get_logger("receiver.reconcile")

NEXT_AFTER_SECONDS = 5.0  # between polls, however often truncated bodies ask for one
MOST_GROUPS = 1000  # truncated ones that are remembered

Saw = Callable[[str, Sequence[Answer]], Awaitable[None]]  # is told what the peers of a source answered
Take = Callable[[Body, int], Awaitable[None]]  # commits a body, with the number of its alerts, to the inbox


class Peer(Protocol):
    """What is asked of an Alertmanager."""

    url: str

    async def status(self) -> Status: ...
    async def receivers(self) -> list[str]: ...
    async def visit_alerts(self, visit: Callable[[GettableAlert], None]) -> None: ...
    async def silences(self) -> list[GettableSilence]: ...


class ReconcileMetrics:
    """How often peers were asked, and what came of it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.polls = Counter(
            "tocsin_receiver_reconcile_polls",
            "Comparisons of open alerts with Alertmanager's API; outcome incomplete: a peer could not tell, so nothing "
            "may expire.",
            ["source", "outcome"],
            registry=registry,
        )
        self.alerts = Counter(
            "tocsin_receiver_reconciled_alerts",
            "Alerts on which Alertmanager's API and the webhooks differed: expired (Alertmanager no longer knows them) "
            "or adopted (no webhook told of them).",
            ["source", "verdict"],
            registry=registry,
        )

    def expect(self, source: str) -> None:
        """Starts a source's counts at 0."""
        for outcome in ("complete", "incomplete"):
            self.polls.labels(source, outcome)
        for verdict in ("expired", "adopted"):
            self.alerts.labels(source, verdict)


class Reconciler:
    """Compares one source's open alerts with what its Alertmanagers know."""

    def __init__(
        self,
        *,
        source: str,
        settings: ReconcileSettings,
        tenant_label: str,
        ours: Callable[[Labels], bool],
        open_alerts: OpenAlerts,
        take: Take,
        metrics: ReconcileMetrics,
        clock: Clock,
        saw: Saw | None = None,
    ) -> None:
        self.source = source
        self._saw = saw
        self._settings = settings
        self._terms = Terms(settings.receiver, settings.missing_for, settings.settled_after, ours)
        self._tenant_label = tenant_label
        self._open = open_alerts
        self._take = take
        self._metrics = metrics
        self._clock = clock
        self._memory = Memory()
        self._heard: set[str] = set()
        self._groups: dict[str, Group] = {}
        self._asked = asyncio.Event()
        self._waits = ""
        metrics.expect(source)

    def processed(self, notifications: Iterable[Notification]) -> None:
        """Learns what the engine has just taken in: who was heard of, and which groups came truncated."""
        for notification in notifications:
            if notification.source != self.source:
                continue
            if notification.truncated:
                self._remember(Group(notification.group_key, notification.group_labels))
            if self._memory.missing:
                named = zip(identities(notification, self._tenant_label), notification.alerts, strict=True)
                self._heard.update(identity for identity, alert in named if alert.firing)

    def _remember(self, group: Group) -> None:
        self._groups.pop(group.key, None)
        self._groups[group.key] = group
        if len(self._groups) > MOST_GROUPS:
            del self._groups[next(iter(self._groups))]
        self._asked.set()

    async def run(self) -> None:
        """Asks every so often, and at once about groups that came truncated; until cancelled."""
        settings = self._settings
        async with aiohttp.ClientSession() as session:
            peers = [Alertmanager(session, str(url), settings.access) for url in settings.alertmanagers]
            while True:
                await self._try(peers)
                await asyncio.sleep(min(NEXT_AFTER_SECONDS, settings.every.total_seconds()))
                try:
                    async with asyncio.timeout(max(0.0, settings.every.total_seconds() - NEXT_AFTER_SECONDS)):
                        await self._asked.wait()
                except TimeoutError:
                    pass

    async def _try(self, peers: Sequence[Peer]) -> None:
        try:
            await self.poll(peers)
        except TocsinError as error:
            self._say(str(error))

    async def poll(self, peers: Sequence[Peer]) -> Judgement:
        """Asks every peer once, judges, and puts what follows into the inbox.

        Raises:
            StoreUnavailable: the store cannot be read, or the inbox takes nothing.
        """
        self._asked.clear()
        known = await self._open.of(self.source)
        answers = [
            answer if isinstance(answer, Answer) else Answer(peer.url, str(answer))
            for peer, answer in zip(peers, await from_each(peers, partial(self._ask, known)), strict=True)
        ]
        groups = tuple(self._groups.values())
        now, memory, (heard, self._heard) = self._clock.now(), self._memory, (self._heard, set())
        judgement = await asyncio.to_thread(
            judge,
            known,
            answers,
            now,
            memory=memory,
            terms=self._terms,
            heard=heard,
            cut_off=lambda labels: any(group.holds(labels) for group in groups),
        )
        self._memory = judgement.memory
        await self._act(judgement, groups, now)
        self._metrics.polls.labels(self.source, "incomplete" if judgement.waits else "complete").inc()
        self._say(judgement.waits)
        if self._saw is not None:
            await self._saw(self.source, answers)
        return judgement

    async def _ask(self, known: Set[str], peer: Peer) -> Answer:
        status, receivers = await peer.status(), await peer.receivers()
        knows: set[str] = set()
        news: dict[str, GettableAlert] = {}
        silenced: dict[str, Sequence[str]] = {}

        def sort(alert: GettableAlert) -> None:
            """By who it is, as the engine finds it for a body of this source."""
            tenant = alert.labels.get(self._tenant_label) or DEFAULT_TENANT
            identity = identity_of(self.source, tenant, alert.labels)
            knows.add(identity)
            if identity not in known:
                news[identity] = alert
            elif alert.status.silenced_by:
                silenced[identity] = alert.status.silenced_by

        await peer.visit_alerts(sort)
        silences = [one for one in await peer.silences() if one.holds] if silenced else []
        return Answer(peer.url, "", status.uptime, receivers, knows, news, silenced, silences)

    async def _act(self, judgement: Judgement, groups: Sequence[Group], now: datetime) -> None:
        if judgement.expired:
            gone = await self._open.labels(judgement.expired)
            await self._put("expired", len(gone), expired_bodies(self.source, gone, judgement.reason, now))
        if judgement.adopted:
            bodies = adopted_bodies(self.source, judgement.adopted, groups, now)
            await self._put("adopted", len(judgement.adopted), bodies)

    async def _put(self, verdict: str, count: int, bodies: Iterable[tuple[Body, int]]) -> None:
        log.info("alerts are put right by Alertmanager's API", source=self.source, verdict=verdict, alerts=count)
        for body, alerts in bodies:
            await self._take(body, alerts)
        self._metrics.alerts.labels(self.source, verdict).inc(count)

    def _say(self, waits: str) -> None:
        """An unchanged obstacle is told once."""
        if waits and waits != self._waits:
            log.warning("no alert can expire for now", source=self.source, reason=waits)
        elif self._waits and not waits:
            log.info("every Alertmanager can tell again", source=self.source)
        self._waits = waits
