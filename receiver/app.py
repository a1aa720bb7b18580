"""The receiver, wired: who gets what, and the one TaskGroup that owns every task."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, replace
from typing import Self

import structlog

from receiver.doors import Doors
from receiver.engine.held import EVERYTHING, marker
from receiver.engine.notification import Body
from receiver.engine.onset import Holds
from receiver.heartbeats import notices
from receiver.jobs.runner import Runner
from receiver.loop import EngineLoop
from receiver.metrics import Metrics
from receiver.onsets.known import KnownHolds
from receiver.prepared import Prepared, reading_of, rules_of
from receiver.remediating import Remediating
from receiver.retention import Retention
from receiver.silences.elsewhere import Elsewhere
from receiver.silences.windows import WindowSilences
from receiver.store.boards import BoardKeeper
from receiver.store.database import Database
from receiver.store.holding import Holding
from receiver.store.inbox import Inbox
from receiver.store.jobs import REMEDIATION_LANE
from receiver.store.lease import Lease
from receiver.store.ledger import Ledger
from receiver.store.open_alerts import OpenAlerts
from receiver.store.windows import Windows
from receiver.telling import Telling
from receiver.turns import Turns
from receiver.watching import Lasting, Part, Watching
from receiver.web.recording import Recording
from receiver.working import Working
from tocsin import __version__
from tocsin.clock import Clock
from tocsin.errors import StoreUnavailable
from tocsin.guard import Guard
from tocsin.telemetry import Traces

log = structlog.get_logger("receiver")

POLL_SECONDS = 0.1  # between looks for bodies that other replicas took in


@dataclass(frozen=True, slots=True)
class Receiver:
    """Every part of a receiver over one open store."""

    inbox: Inbox
    loop: EngineLoop
    working: Working
    turns: Turns
    retention: Retention
    watching: Watching
    doors: Doors
    metrics: Metrics
    clock: Clock
    holds: KnownHolds

    @classmethod
    async def build(cls, database: Database, prepared: Prepared, clock: Clock, guard: Guard | None = None) -> Self:
        """Wires the parts together and takes the engine's turn, if it is free.

        Raises:
            TocsinError: a key of ours cannot be read.
        """
        config = prepared.config
        metrics = Metrics()
        metrics.built(__version__)
        metrics.expect_channels(prepared.channels)
        metrics.expect_people(prepared.directory.zones)
        ledger, rules = Ledger(database), rules_of(config, prepared.holds)
        inbox = await Inbox.open(database, done=await ledger.position(), limit=config.inbox_limit)
        holds_known, holding = KnownHolds(rules.holds), Holding(database)
        windows, recording = Windows(database, inbox), Recording()
        here = config.remediation is None or not config.remediation.separate_worker
        working = await Working.build(
            database,
            prepared,
            rules,
            ledger=ledger,
            metrics=metrics,
            clock=clock,
            lanes=lambda lane: here or lane != REMEDIATION_LANE,
            inbox=inbox,
        )
        if await holding.holds_any():  # under what may be another configuration now
            async with inbox.beside(marker(clock.now(), by=EVERYTHING)):
                pass
        loop = EngineLoop(
            inbox=inbox,
            ledger=ledger,
            rules=rules,
            metrics=metrics,
            clock=clock,
            job_due=working.job_due,
            holding=holding,
            boards=BoardKeeper(database),
            poll_seconds=POLL_SECONDS if database.shared else None,
        )

        async def take(body: Body, alerts: int) -> None:
            await inbox.put(body, alerts)
            metrics.received.inc(alerts)
            if body.source != notices.SOURCE:  # a replay says by itself what we say of ourselves
                recording.taken(body)

        def take_holds(served: Holds) -> None:
            holds_known.served = served
            loop.rules = replace(loop.rules, holds=holds_known.all)
            working.stories.reading = reading_of(config, loop.rules)

        watching = Watching.build(
            config,
            database=database,
            inbox=inbox,
            take=take,
            take_holds=take_holds,
            engine_failing=lambda: loop.failing,
            registry=metrics.registry,
            clock=clock,
            saw=Elsewhere(OpenAlerts(database), working.decider).polled,
            windows=WindowSilences(
                configured=config.maintenance,
                stored=windows.all,
                sources=config.alertmanagers,
                tenant_label=config.tenant_label,
                clock=clock,
            ),
        )
        watching.listen_to(loop)
        turns = Turns(
            database=database,
            lease=Lease(database, holder=f"{platform.node()}:{os.getpid()}"),
            loop=loop,
            watching=watching,
            jobs=working.jobs,
            inbox=inbox,
            metrics=metrics,
        )
        await turns.begin()
        retention = Retention(
            database=database,
            settings=config.retention,
            metrics=metrics,
            clock=clock,
            ours=lambda: turns.epoch > 0,
            gone=ledger.forget,
        )
        doors = await Doors.build(
            database,
            prepared,
            guard or Guard(),
            inbox=inbox,
            recording=recording,
            ledger=ledger,
            working=working,
            probe=watching.probe,
            windows=windows,
            metrics=metrics,
            failing=lambda: loop.failing,
            tenant_label=lambda: loop.rules.tenant_label,
            clock=clock,
        )
        return cls(
            inbox=inbox,
            loop=loop,
            working=working,
            turns=turns,
            retention=retention,
            watching=watching,
            doors=doors,
            metrics=metrics,
            clock=clock,
            holds=holds_known,
        )

    @property
    def runner(self) -> Runner:
        """What does the jobs."""
        return self.working.runner

    @property
    def telling(self) -> Telling:
        """Who is told."""
        return self.working.telling

    @property
    def remediating(self) -> Remediating:
        """What runbooks there are."""
        return self.working.remediating

    @property
    def parts(self) -> tuple[Part, ...]:
        """What must run."""
        return (self.inbox, self.turns, self.runner, self.retention, Lasting(self.doors.slack))

    async def close(self) -> None:
        """Lets go of what channels and runbooks keep."""
        await self.working.close()

    def trace(self, traces: Traces) -> None:
        """Records traces from now on: webhook, processing, messages."""
        self.doors.hooks.traces = self.loop.traces = self.telling.handlers.traces = traces

    async def take(self, prepared: Prepared) -> None:
        """Goes on with another configuration: from the next request, batch and message on. Nothing in between is lost.

        Incidents keep the escalation they were opened under; what is held back is looked at again. Those who watch
        others (`reconcile`, `heartbeats`, `ping`, `rules_api`) go on as they were until the next start.
        """
        config = prepared.config
        self.metrics.expect_channels(prepared.channels)
        self.metrics.expect_people(prepared.directory.zones)
        self.inbox.limit = config.inbox_limit
        if prepared.holds is not None:
            self.holds.files = prepared.holds
        self.loop.rules = replace(rules_of(config, self.holds.all), heartbeats=self.loop.rules.heartbeats)
        self.doors.take(prepared)
        self.watching.windows.sources = config.alertmanagers
        self.watching.windows.configured = config.maintenance
        self.retention.settings = config.retention
        await self.working.take(prepared, self.loop.rules)
        try:
            async with self.inbox.beside(marker(self.clock.now(), by=EVERYTHING)):
                pass
        except StoreUnavailable as error:
            log.warning("what is held back is looked at under the new configuration only later", reason=str(error))
