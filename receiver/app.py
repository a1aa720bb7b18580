"""The receiver, wired: who gets what, and the one TaskGroup that owns every task."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import structlog
from aiohttp import web

from receiver.config import ReceiverConfig
from receiver.decide import Decider
from receiver.engine.correlate import ByGroup
from receiver.engine.held import EVERYTHING, marker
from receiver.engine.notification import Body
from receiver.engine.pipeline import Rules
from receiver.jobs.handlers import Handlers
from receiver.jobs.runner import Runner
from receiver.loop import EngineLoop
from receiver.metrics import Metrics
from receiver.notify.channel import Channel
from receiver.notify.text import Writer
from receiver.store.database import Database
from receiver.store.holding import Holding
from receiver.store.inbox import Inbox
from receiver.store.jobs import Jobs
from receiver.store.ledger import Ledger
from receiver.store.quarantined import Quarantine
from receiver.store.queries import Queries
from receiver.store.windows import Windows
from receiver.watching import Part, Watching
from receiver.web.api import Api
from receiver.web.authentication import Authentication
from receiver.web.hooks import Hooks
from receiver.web.maintenance import MaintenanceApi
from receiver.web.operations import Operations
from receiver.web.problems import problems, same_site
from receiver.web.quarantine import QuarantineApi
from tocsin import __version__
from tocsin.clock import Clock, SystemClock
from tocsin.serving import Listen, serve, stop_asked

log = structlog.get_logger("receiver")


@dataclass(frozen=True, slots=True)
class Receiver:
    """Every part of a receiver over one open store."""

    application: web.Application
    inbox: Inbox
    loop: EngineLoop
    runner: Runner
    watching: Watching

    @classmethod
    async def build(
        cls, database: Database, config: ReceiverConfig, clock: Clock, channels: Mapping[str, Channel]
    ) -> Self:
        """Wires the parts together and takes the engine's turn.

        Raises:
            TocsinError: a source's token file holds no token.
        """
        authentication = Authentication.read(config.sources)
        metrics, job_due = Metrics(), asyncio.Event()
        metrics.expect_channels(channels)
        inbox = Inbox(database, limit=config.inbox_limit)
        ledger, queries = Ledger(database), Queries(database)
        decider = Decider(ledger, metrics, clock)
        epoch = await ledger.take_turn()
        jobs = Jobs(database, epoch)
        await jobs.free()
        await inbox.count()
        handlers = Handlers(
            ledger=ledger,
            queries=queries,
            channels=channels,
            clock=clock,
            external_url=config.external_url,
        )
        rules = Rules(
            ByGroup(),
            config.steps,
            config.tenant_label,
            config.suppression,
            config.reopen_within,
            config.expected_heartbeats,
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
            epoch=epoch,
            job_due=job_due,
            holding=holding,
        )
        runner = Runner(
            jobs=jobs, handlers=handlers, decider=decider, metrics=metrics, clock=clock, job_due=job_due, inbox=inbox
        )
        application = web.Application(middlewares=[problems, same_site], client_max_size=config.max_body_bytes)
        hooks = Hooks(inbox, metrics, clock, authentication, max_body_bytes=config.max_body_bytes)
        application.add_routes(hooks.routes())
        application.add_routes(Api(queries, decider).routes())
        application.add_routes(MaintenanceApi(windows, config.maintenance, clock).routes())
        application.add_routes(QuarantineApi(Quarantine(database, inbox)).routes())
        application.add_routes(Operations(queries, inbox, metrics, lambda: loop.failing).routes())

        async def take(body: Body, alerts: int) -> None:
            await inbox.put(body, alerts)
            metrics.received.inc(alerts)

        watching = Watching.build(
            config,
            database=database,
            epoch=epoch,
            take=take,
            engine_failing=lambda: loop.failing,
            registry=metrics.registry,
            clock=clock,
        )
        watching.listen_to(loop)
        return cls(application, inbox, loop, runner, watching)

    @property
    def parts(self) -> tuple[Part, ...]:
        """What must run."""
        return (self.inbox, self.loop, self.runner, *self.watching.parts)


async def run(config: ReceiverConfig, listen: Listen, storage: Path) -> None:
    """Runs a receiver until SIGTERM or SIGINT.

    Raises:
        TocsinError: the store cannot be opened, or the address is taken.
    """
    stopping = stop_asked()
    async with AsyncExitStack() as stack:
        database = await Database.open(storage)
        stack.push_async_callback(database.close)
        writer = Writer()
        channels = {name: settings.build(writer) for name, settings in config.channels.items()}
        receiver = await Receiver.build(database, config, SystemClock(), channels)
        server = web.AppRunner(receiver.application, access_log=None, shutdown_timeout=5)
        address = await serve(server, listen)
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(part.run()) for part in receiver.parts]
            try:
                _greet(config, address, storage, receiver.inbox.depth)
                _warn(config, listen)
                await stopping.wait()
                log.info("stopping: no more bodies are taken in, what is being sent may end")
            finally:
                await server.cleanup()
                for task in running:
                    task.cancel()
    log.info("stopped")


def _greet(config: ReceiverConfig, address: str, storage: Path, waiting: int) -> None:
    log.info("listening", address=address, storage=str(storage), version=__version__, bodies_waiting=waiting)


def _warn(config: ReceiverConfig, listen: Listen) -> None:
    if not config.steps:
        log.warning("no escalation is configured: incidents are opened and listed, but nobody is told")
    if not listen.loopback:
        _warn_beyond_loopback(webhooks_need_tokens=bool(config.sources))


def _warn_beyond_loopback(*, webhooks_need_tokens: bool) -> None:
    if webhooks_need_tokens:
        log.warning(
            "listening beyond loopback: webhooks need a token, but incidents, actions and metrics do not: "
            "put it behind something that asks who calls"
        )
    else:
        log.warning("listening beyond loopback without authentication: put it behind something that asks who calls")
