"""The exporter, wired: who gets what, and the one TaskGroup that owns every task."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import structlog
from aiohttp import web

from exporter.api import Api
from exporter.api_feedback import FeedbackApi
from exporter.assembly import Assembly, unseen, workers_of
from exporter.config import ExporterConfig
from exporter.feedback.book import Book
from exporter.fitting import Workers
from exporter.metrics import Metrics
from exporter.progress import ProgressLine
from exporter.reading import Progress
from exporter.replaying.desk import Desk
from exporter.roster import WHOLE, Roster
from exporter.rules.book import RuleBook
from exporter.rules.derive import RuleQuery
from exporter.servers import Servers
from exporter.sharding import Shard
from exporter.storage import warn_if_unwritable
from exporter.watch import Watch
from exporter.web import Pages
from tocsin import __version__
from tocsin.clock import Clock, SystemClock
from tocsin.config import load
from tocsin.guard import Guard
from tocsin.promapi import Prometheus
from tocsin.reload import Reloader
from tocsin.serving import Listen, on_hangup, serve, stop_asked

log = structlog.get_logger("exporter")


@dataclass(frozen=True, slots=True)
class Exporter:
    """Every part of an exporter that asks one Prometheus."""

    application: web.Application
    roster: Roster
    rules: RuleBook
    workers: Workers

    @classmethod
    def build(
        cls,
        config: ExporterConfig,
        prometheus: Prometheus,
        clock: Clock,
        *,
        metrics: Metrics | None = None,
        storage: Path | None = None,
        guard: Guard | None = None,
        reload: Callable[[], Awaitable[str]] | None = None,
        book: Book | None = None,
        progress: Callable[[str], Progress] = unseen,
        shard: Shard = WHOLE,
    ) -> Self:
        """Wires the parts together; `progress` is asked once for each query.

        Without `storage` nothing is kept; without a `book` nobody's feedback is taken or heard.
        """
        measured, guarded, workers = metrics or Metrics(), guard or Guard(), workers_of(config)
        assembly = Assembly(measured, clock, workers, storage, book.verdicts if book else None, progress)
        roster = Roster(assembly.watch, measured, shard)
        application = web.Application(middlewares=[guarded.middleware()])
        exporter = cls(application, roster, RuleBook(measured), workers)
        exporter.take(config, prometheus)
        application.add_routes(Pages(roster.watches, measured, clock, reload).routes())
        desk = Desk(lambda: [(watch.query, watch.prometheus) for watch in roster.watches], assembly.model, clock)
        application.add_routes(Api(desk, book.verdicts if book else tuple).routes())
        if book:
            application.add_routes(FeedbackApi(desk, book, guarded).routes())
        return exporter

    def take(self, config: ExporterConfig, prometheus: Prometheus) -> None:
        """Watches these queries and, once they are read, these rules; what did not change goes on."""

        def watch(derived: Sequence[RuleQuery]) -> None:
            self.roster.take([*config.every_query, *derived], prometheus)

        self.rules.configure(config.rules, prometheus, watch)

    async def work(self, stopping: asyncio.Event) -> None:
        """Steps every query and reads the rules until told to stop; then keeps what was learned."""
        async with asyncio.TaskGroup() as tasks:
            self.roster.run(tasks)
            reading = tasks.create_task(self.rules.run())
            await stopping.wait()
            reading.cancel()
            self.roster.stop()
        await self.roster.save()

    @property
    def watches(self) -> Sequence[Watch[Any]]:
        return self.roster.watches


async def run(
    config_file: Path,
    listen: Listen,
    storage: Path,
    *,
    guard: Guard | None = None,
    lifecycle: bool = False,
    shard: Shard = WHOLE,
) -> None:
    """Runs an exporter until SIGTERM or SIGINT; SIGHUP reads its configuration again, and `/-/reload` if enabled.

    Raises:
        InputError: the configuration cannot be used.
        TocsinError: the address is taken.
    """
    config, guard, metrics, clock = load(config_file, ExporterConfig), guard or Guard(), Metrics(), SystemClock()
    stopping = stop_asked()
    async with AsyncExitStack() as stack:
        servers = Servers(stack)

        async def take(config: ExporterConfig) -> None:
            exporter.take(config, servers.asked(config.prometheus))

        reloader = Reloader(
            lambda: load(config_file, ExporterConfig),
            take,
            registry=metrics.registry,
            clock=clock,
        )
        exporter = Exporter.build(
            config,
            servers.asked(config.prometheus),
            clock,
            metrics=metrics,
            storage=storage,
            guard=guard,
            reload=reloader.reload if lifecycle else None,
            book=Book(storage),
            progress=ProgressLine(sys.stderr).of,
            shard=shard,
        )
        stack.callback(exporter.workers.close)
        on_hangup(reloader.reload_soon)
        server = web.AppRunner(exporter.application, access_log=None, shutdown_timeout=5)
        stack.push_async_callback(server.cleanup)
        address = await serve(server, listen, guard.ssl_context())
        await asyncio.to_thread(warn_if_unwritable, storage)
        log.info("listening", address=address, storage=str(storage), version=__version__, queries=len(exporter.watches))
        await exporter.work(stopping)
    log.info("stopped")
