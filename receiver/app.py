"""The receiver, wired: who gets what, and the one TaskGroup that owns every task."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import structlog
from aiohttp import web

from receiver.config import ReceiverConfig
from receiver.decide import Decider
from receiver.engine.held import EVERYTHING, marker
from receiver.engine.notification import Body
from receiver.engine.onset import Holds
from receiver.heartbeats import notices
from receiver.jobs.handlers import Handlers
from receiver.jobs.runner import Runner
from receiver.loop import EngineLoop
from receiver.metrics import Metrics
from receiver.notify.channel import Channel
from receiver.onsets.known import KnownHolds
from receiver.prepared import Prepared, reading_of, rules_of
from receiver.retention import Retention
from receiver.store.boards import BoardKeeper
from receiver.store.database import Database
from receiver.store.figures import KeptFigures, figures
from receiver.store.holding import Holding
from receiver.store.inbox import Inbox
from receiver.store.jobs import Jobs
from receiver.store.lease import Lease
from receiver.store.ledger import Ledger
from receiver.store.quarantined import Quarantine
from receiver.store.queries import Queries
from receiver.store.stories import Stories
from receiver.store.windows import Windows
from receiver.turns import Turns
from receiver.watching import Part, Watching
from receiver.web.api import Api
from receiver.web.authentication import Authentication
from receiver.web.decisions import DecisionApi
from receiver.web.hooks import Hooks
from receiver.web.maintenance import MaintenanceApi
from receiver.web.operations import Lifecycle, Operations
from receiver.web.problems import problems, same_site
from receiver.web.quarantine import QuarantineApi
from receiver.web.recording import Recording
from receiver.web.uploads import Uploads
from tocsin import __version__
from tocsin.clock import Clock
from tocsin.door import Connections
from tocsin.errors import StoreUnavailable
from tocsin.guard import Guard
from tocsin.telemetry import Traces

log = structlog.get_logger("receiver")

POLL_SECONDS = 0.1  # between looks for bodies that other replicas took in


@dataclass(frozen=True, slots=True)
class Receiver:
    """Every part of a receiver over one open store."""

    application: web.Application
    inbox: Inbox
    loop: EngineLoop
    runner: Runner
    turns: Turns
    retention: Retention
    hooks: Hooks
    handlers: Handlers
    uploads: Uploads
    connections: Connections
    metrics: Metrics
    lifecycle: Lifecycle
    watching: Watching
    maintenance: MaintenanceApi
    stories: Stories
    decisions: DecisionApi
    clock: Clock
    holds: KnownHolds

    @classmethod
    async def build(
        cls,
        database: Database,
        config: ReceiverConfig,
        clock: Clock,
        channels: Mapping[str, Channel],
        guard: Guard | None = None,
        holds: Holds | None = None,
    ) -> Self:
        """Wires the parts together and takes the engine's turn, if it is free.

        `holds` is what the rule files tell, None: they are read now.

        Raises:
            TocsinError: a source's token file holds no token.
        """
        authentication = Authentication.read(config.sources)
        metrics, job_due = Metrics(), asyncio.Event()
        metrics.built(__version__)
        metrics.expect_channels(channels)
        ledger, queries = Ledger(database), Queries(database)
        inbox = await Inbox.open(database, done=await ledger.position(), limit=config.inbox_limit)
        decider = Decider(ledger, metrics, clock)
        jobs = Jobs(database)
        rules = rules_of(config, holds)
        stories = Stories(queries, reading_of(config, rules))
        handlers = Handlers(
            ledger=ledger,
            stories=stories,
            channels=channels,
            clock=clock,
            external_url=config.external_url,
        )
        holding, windows = Holding(database), Windows(database, inbox)
        if await holding.holds_any():  # under what may be another configuration now
            async with inbox.beside(marker(clock.now(), by=EVERYTHING)):
                pass
        loop = EngineLoop(
            inbox=inbox,
            ledger=ledger,
            rules=rules,
            metrics=metrics,
            clock=clock,
            job_due=job_due,
            holding=holding,
            boards=BoardKeeper(database),
            poll_seconds=POLL_SECONDS if database.shared else None,
        )

        recording = Recording()

        async def take(body: Body, alerts: int) -> None:
            await inbox.put(body, alerts)
            metrics.received.inc(alerts)
            if body.source != notices.SOURCE:  # a replay says by itself what we say of ourselves
                recording.taken(body)

        holds_known = KnownHolds(rules.holds)

        def take_holds(served: Holds) -> None:
            holds_known.served = served
            loop.rules = replace(loop.rules, holds=holds_known.all)
            stories.reading = reading_of(config, loop.rules)

        watching = Watching.build(
            config,
            database=database,
            inbox=inbox,
            take=take,
            take_holds=take_holds,
            engine_failing=lambda: loop.failing,
            registry=metrics.registry,
            clock=clock,
        )
        watching.listen_to(loop)
        turns = Turns(
            database=database,
            lease=Lease(database, holder=f"{platform.node()}:{os.getpid()}"),
            loop=loop,
            watching=watching,
            jobs=jobs,
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
        runner = Runner(
            jobs=jobs, handlers=handlers, decider=decider, metrics=metrics, clock=clock, job_due=job_due, inbox=inbox
        )
        uploads = Uploads(config.bounds)
        hooks = Hooks(inbox, metrics, clock, authentication, uploads)
        hooks.taken = recording.taken
        maintenance = MaintenanceApi(windows, config.maintenance, clock)
        guarded = (guard or Guard()).middleware(exempt=hooks.asks_for_proof)
        connections = Connections(config.max_connections, metrics.turned_away.inc)
        application = web.Application(middlewares=[connections.middleware(), guarded, problems, same_site])
        decisions = DecisionApi(queries, inbox, clock)
        quarantine = QuarantineApi(Quarantine(database, inbox))
        application.on_shutdown.append(recording.end)
        lifecycle = Lifecycle()
        operations = Operations(
            writable=watching.probe.takes_writes,
            figures=KeptFigures(lambda: figures(database, inbox, clock.now())),
            inbox=inbox,
            uploads=uploads,
            metrics=metrics,
            failing=lambda: loop.failing,
            lifecycle=lifecycle,
            clock=clock,
        )
        for part in (hooks, Api(queries, decider, stories), decisions, maintenance, recording, quarantine, operations):
            application.add_routes(part.routes())
        return cls(
            application=application,
            inbox=inbox,
            loop=loop,
            runner=runner,
            turns=turns,
            retention=retention,
            hooks=hooks,
            handlers=handlers,
            uploads=uploads,
            connections=connections,
            metrics=metrics,
            lifecycle=lifecycle,
            watching=watching,
            maintenance=maintenance,
            stories=stories,
            decisions=decisions,
            clock=clock,
            holds=holds_known,
        )

    @property
    def parts(self) -> tuple[Part, ...]:
        """What must run."""
        return (self.inbox, self.turns, self.runner, self.retention)

    def trace(self, traces: Traces) -> None:
        """Records traces from now on: webhook, processing, messages."""
        self.hooks.traces = self.loop.traces = self.handlers.traces = traces

    async def take(self, prepared: Prepared) -> None:
        """Goes on with another configuration: from the next request, batch and message on. Nothing in between is lost.

        Incidents keep the escalation they were opened under; what is held back is looked at again. Those who watch
        others (`reconcile`, `heartbeats`, `ping`, `rules_api`) go on as they were until the next start.
        """
        config = prepared.config
        self.metrics.expect_channels(prepared.channels)
        self.hooks.authentication = prepared.authentication
        self.uploads.bounds = config.bounds
        self.connections.limit = config.max_connections
        self.inbox.limit = config.inbox_limit
        if prepared.holds is not None:
            self.holds.files = prepared.holds
        self.loop.rules = replace(rules_of(config, self.holds.all), heartbeats=self.loop.rules.heartbeats)
        self.handlers.channels = prepared.channels
        self.handlers.external_url = config.external_url.rstrip("/")
        self.retention.settings = config.retention
        self.maintenance.configure(config.maintenance)
        self.stories.reading = reading_of(config, self.loop.rules)
        try:
            async with self.inbox.beside(marker(self.clock.now(), by=EVERYTHING)):
                pass
        except StoreUnavailable as error:
            log.warning("what is held back is looked at under the new configuration only later", reason=str(error))
