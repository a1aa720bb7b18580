"""The receiver, wired: who gets what, and the one TaskGroup that owns every task."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import structlog
from aiohttp import web

from receiver.config import ReceiverConfig
from receiver.decide import Decider
from receiver.engine.held import EVERYTHING, marker
from receiver.engine.notification import Body
from receiver.jobs.handlers import Handlers
from receiver.jobs.runner import Runner
from receiver.loop import EngineLoop
from receiver.metrics import Metrics
from receiver.notify.channel import Channel
from receiver.prepared import Prepared, rules_of
from receiver.retention import Retention
from receiver.store.clock import DatabaseClock
from receiver.store.database import Database
from receiver.store.figures import figures
from receiver.store.holding import Holding
from receiver.store.inbox import Inbox
from receiver.store.jobs import Jobs
from receiver.store.lease import Lease
from receiver.store.ledger import Ledger
from receiver.store.quarantined import Quarantine
from receiver.store.queries import Queries
from receiver.store.windows import Windows
from receiver.turns import Turns
from receiver.watching import Part, Watching
from receiver.web.api import Api
from receiver.web.authentication import Authentication
from receiver.web.hooks import Hooks
from receiver.web.maintenance import MaintenanceApi
from receiver.web.operations import Lifecycle, Operations
from receiver.web.problems import problems, same_site
from receiver.web.quarantine import QuarantineApi
from receiver.web.uploads import Uploads
from tocsin import __version__
from tocsin.clock import Clock, SystemClock
from tocsin.config import load
from tocsin.errors import StoreUnavailable
from tocsin.guard import Guard
from tocsin.reload import Reloader
from tocsin.serving import Listen, on_hangup, serve, stop_asked, stop_listening
from tocsin.telemetry import Traces, traces

LINGERING_SECONDS = 1.0  # a body that was sent away is read on for so long, so that its sender sees why
REQUESTS_END_SECONDS = 5.0  # for those that have begun when the receiver stops; their bodies are committed, too

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
    metrics: Metrics
    lifecycle: Lifecycle
    watching: Watching
    maintenance: MaintenanceApi
    clock: Clock

    @classmethod
    async def build(
        cls,
        database: Database,
        config: ReceiverConfig,
        clock: Clock,
        channels: Mapping[str, Channel],
        guard: Guard | None = None,
    ) -> Self:
        """Wires the parts together and takes the engine's turn, if it is free.

        Raises:
            TocsinError: a source's token file holds no token.
        """
        authentication = Authentication.read(config.sources)
        metrics, job_due = Metrics(), asyncio.Event()
        metrics.built(__version__)
        metrics.expect_channels(channels)
        inbox = Inbox(database, limit=config.inbox_limit)
        ledger, queries = Ledger(database), Queries(database)
        decider = Decider(ledger, metrics, clock)
        jobs = Jobs(database)
        handlers = Handlers(
            ledger=ledger,
            queries=queries,
            channels=channels,
            clock=clock,
            external_url=config.external_url,
        )
        rules = rules_of(config)
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
            poll_seconds=POLL_SECONDS if database.shared else None,
        )

        async def take(body: Body, alerts: int) -> None:
            await inbox.put(body, alerts)
            metrics.received.inc(alerts)

        watching = Watching.build(
            config,
            database=database,
            take=take,
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
        )
        runner = Runner(
            jobs=jobs, handlers=handlers, decider=decider, metrics=metrics, clock=clock, job_due=job_due, inbox=inbox
        )
        uploads = Uploads(config.bounds)
        hooks = Hooks(inbox, metrics, clock, authentication, uploads)
        maintenance = MaintenanceApi(windows, config.maintenance, clock)
        guarded = (guard or Guard()).middleware(exempt=hooks.asks_for_proof)
        application = web.Application(middlewares=[guarded, problems, same_site])
        application.add_routes(hooks.routes())
        application.add_routes(Api(queries, decider).routes())
        application.add_routes(maintenance.routes())
        application.add_routes(QuarantineApi(Quarantine(database, inbox)).routes())
        lifecycle = Lifecycle()
        operations = Operations(
            queries=queries,
            figures=lambda: figures(database),
            inbox=inbox,
            uploads=uploads,
            metrics=metrics,
            failing=lambda: loop.failing,
            lifecycle=lifecycle,
            clock=clock,
        )
        application.add_routes(operations.routes())
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
            metrics=metrics,
            lifecycle=lifecycle,
            watching=watching,
            maintenance=maintenance,
            clock=clock,
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
        others (`reconcile`, `heartbeats`, `ping`) go on as they were until the next start.
        """
        config = prepared.config
        self.metrics.expect_channels(prepared.channels)
        self.hooks.authentication = prepared.authentication
        self.uploads.bounds = config.bounds
        self.inbox.limit = config.inbox_limit
        self.loop.rules = replace(rules_of(config), heartbeats=self.loop.rules.heartbeats)
        self.handlers.channels = prepared.channels
        self.handlers.external_url = config.external_url.rstrip("/")
        self.retention.settings = config.retention
        self.maintenance.configure(config.maintenance)
        try:
            async with self.inbox.beside(marker(self.clock.now(), by=EVERYTHING)):
                pass
        except StoreUnavailable as error:
            log.warning("what is held back is looked at under the new configuration only later", reason=str(error))


async def run(
    config: ReceiverConfig,
    listen: Listen,
    storage: Path,
    *,
    config_file: Path | None = None,
    guard: Guard | None = None,
    lifecycle: bool = False,
) -> None:
    """Runs a receiver until SIGTERM or SIGINT; SIGHUP reads `config_file` again, and so does `/-/reload` if enabled.

    Raises:
        TocsinError: the store cannot be opened, or the address is taken.
    """
    stopping = stop_asked()
    async with AsyncExitStack() as stack:
        database = await config.database.open(storage)
        stack.push_async_callback(database.close)
        clock = DatabaseClock(database, SystemClock())
        await clock.set()
        guard = guard or Guard()
        receiver = await Receiver.build(database, config, clock, Prepared.of(config).channels, guard)
        recorded = traces("tocsin-receiver", config.tracing, os.environ)
        stack.push_async_callback(asyncio.to_thread, recorded.close)
        receiver.trace(recorded)
        reloader = Reloader(
            lambda: Prepared.of(load(config_file, ReceiverConfig) if config_file else config),
            receiver.take,
            registry=receiver.metrics.registry,
            clock=clock,
        )
        receiver.lifecycle.reload = reloader.reload if lifecycle else None
        on_hangup(reloader.reload_soon)
        server = web.AppRunner(
            receiver.application,
            access_log=None,
            shutdown_timeout=REQUESTS_END_SECONDS,
            lingering_time=LINGERING_SECONDS,
        )
        address = await serve(server, listen, guard.ssl_context())
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(part.run()) for part in (*receiver.parts, clock)]
            try:
                _greet(config, address, database.where, receiver.inbox.depth)
                _warn(config, listen, guard)
                await stopping.wait()
                receiver.lifecycle.stopping = True
                log.info("stopping: no more connections are taken, what has begun may end")
                await stop_listening(server)
                await receiver.uploads.ended(within_seconds=REQUESTS_END_SECONDS)
            finally:
                await server.cleanup()
                for task in running:
                    task.cancel()
    log.info("stopped")


def _greet(config: ReceiverConfig, address: str, store: str, waiting: int) -> None:
    log.info("listening", address=address, store=store, version=__version__, bodies_waiting=waiting)


def _warn(config: ReceiverConfig, listen: Listen, guard: Guard) -> None:
    if not config.steps:
        log.warning("no escalation is configured: incidents are opened and listed, but nobody is told")
    if not listen.loopback and not guard.config.basic_auth_users:
        _warn_beyond_loopback(webhooks_need_tokens=bool(config.sources))


def _warn_beyond_loopback(*, webhooks_need_tokens: bool) -> None:
    if webhooks_need_tokens:
        log.warning(
            "listening beyond loopback: webhooks need a proof, but incidents, actions and metrics do not: "
            "set basic_auth_users in --web.config.file, or put it behind something that asks who calls"
        )
    else:
        log.warning(
            "listening beyond loopback without authentication: "
            "set basic_auth_users in --web.config.file, or put it behind something that asks who calls"
        )
