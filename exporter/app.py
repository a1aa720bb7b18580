"""The exporter, wired: who gets what, and the one TaskGroup that owns every task."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import aiohttp
import structlog
from aiohttp import web

from exporter.config import ExporterConfig
from exporter.metrics import Metrics
from exporter.models.seasonal import Seasonal
from exporter.watch import Watch
from exporter.web import Pages
from tocsin import __version__
from tocsin.clock import Clock, SystemClock
from tocsin.promapi import Prometheus
from tocsin.serving import Listen, serve, stop_asked

log = structlog.get_logger("exporter")


@dataclass(frozen=True, slots=True)
class Exporter:
    """Every part of an exporter that asks one Prometheus."""

    application: web.Application
    watches: Sequence[Watch[Any]]

    @classmethod
    def build(cls, config: ExporterConfig, prometheus: Prometheus, clock: Clock) -> Self:
        """Wires the parts together."""
        metrics = Metrics()
        watches = [
            Watch(query, prometheus=prometheus, model=Seasonal(), metrics=metrics, clock=clock)
            for query in config.queries
        ]
        application = web.Application()
        application.add_routes(Pages(watches, metrics, clock).routes())
        return cls(application, watches)


async def run(config: ExporterConfig, listen: Listen, storage: Path) -> None:
    """Runs an exporter until SIGTERM or SIGINT.

    Raises:
        TocsinError: the address is taken.
    """
    stopping = stop_asked()
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        timeout = config.prometheus.timeout.total_seconds()
        prometheus = Prometheus(session, config.prometheus.url, timeout_seconds=timeout)
        exporter = Exporter.build(config, prometheus, SystemClock())
        server = web.AppRunner(exporter.application, access_log=None, shutdown_timeout=5)
        stack.push_async_callback(server.cleanup)
        address = await serve(server, listen)
        log.info("listening", address=address, storage=str(storage), version=__version__, queries=len(config.queries))
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(watch.run()) for watch in exporter.watches]
            await stopping.wait()
            for task in running:
                task.cancel()
    log.info("stopped")
