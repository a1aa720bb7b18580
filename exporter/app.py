"""The exporter, wired: who gets what, and the one TaskGroup that owns every task."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import structlog
from aiohttp import web

from exporter.api import Api
from exporter.api_feedback import FeedbackApi
from exporter.breach.condition import Comparison
from exporter.breach.tracked import Tracked
from exporter.config import ExporterConfig, QuerySettings, ThresholdSettings
from exporter.feedback.book import Book
from exporter.feedback.ear import QueryEar
from exporter.feedback.verdict import Verdict
from exporter.metrics import Metrics
from exporter.models.interest import Interest
from exporter.models.moment import Calendar
from exporter.models.seasonal import Seasonal
from exporter.progress import ProgressLine
from exporter.publishing import breach, threshold
from exporter.publishing.breach import Breach
from exporter.publishing.forecasts import Forecasts
from exporter.publishing.samples import Publisher
from exporter.publishing.scores import scores
from exporter.publishing.threshold import Thresholds
from exporter.reading import Progress, ignore
from exporter.replaying.desk import Desk
from exporter.roster import WHOLE, Roster
from exporter.rules.book import RuleBook
from exporter.rules.derive import RuleQuery
from exporter.servers import Servers
from exporter.sharding import Shard
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


def unseen(query: str) -> Progress:
    """Nobody looks on."""
    return ignore


@dataclass(frozen=True, slots=True)
class Exporter:
    """Every part of an exporter that asks one Prometheus."""

    application: web.Application
    roster: Roster
    rules: RuleBook

    @classmethod
    def build(
        cls,
        config: ExporterConfig,
        prometheus: Prometheus,
        clock: Clock,
        *,
        metrics: Metrics | None = None,
        guard: Guard | None = None,
        reload: Callable[[], Awaitable[str]] | None = None,
        book: Book | None = None,
        progress: Callable[[str], Progress] = unseen,
        shard: Shard = WHOLE,
    ) -> Self:
        """Wires the parts together; `progress` is asked once for each query.

        Without a `book` nobody's feedback is taken or heard.
        """
        measured = metrics or Metrics()
        guarded = guard or Guard()
        new_model = partial(model_of, verdicts=book.verdicts) if book else model_of
        roster = Roster(
            lambda query, asked: watch_of(query, asked, measured, clock, new_model(query), progress(query.name)),
            measured,
            shard,
        )
        application = web.Application(middlewares=[guarded.middleware()])
        exporter = cls(application, roster, RuleBook(measured))
        exporter.take(config, prometheus)
        application.add_routes(Pages(roster.watches, measured, clock, reload).routes())
        desk = Desk(lambda: [(watch.query, watch.prometheus) for watch in roster.watches], new_model, clock)
        application.add_routes(Api(desk, book.verdicts if book else tuple).routes())
        if book:
            application.add_routes(FeedbackApi(desk, book, guarded).routes())
        return exporter

    def take(self, config: ExporterConfig, prometheus: Prometheus) -> None:
        """Watches these queries and, once they are read, these rules; what did not change goes on."""

        def watch(derived: Sequence[RuleQuery]) -> None:
            self.roster.take([*config.queries, *derived], prometheus)

        self.rules.configure(config.rules, prometheus, watch)

    @property
    def watches(self) -> Sequence[Watch[Any]]:
        return self.roster.watches


def watch_of(
    query: QuerySettings,
    prometheus: Prometheus,
    metrics: Metrics,
    clock: Clock,
    model: Seasonal,
    progress: Progress = ignore,
) -> Watch[Any]:
    """A query's watch, with its model and the publishers that it asks for."""
    if isinstance(query, RuleQuery):
        return _watch_of_rule(query, prometheus, metrics, clock)
    labels = list[str]()
    publishers: list[Publisher[Any]] = []
    published = query.publish or (("score", "band", "forecast") if query.horizons else ("score",))
    if "score" in published:
        publishers.append(scores)
    if "band" in published or "forecast" in published:
        horizons = query.horizons if "forecast" in published else ()
        publishers.append(Forecasts(model, query.step, horizons, now="band" in published))
    if query.thresholds:
        limits = {limit.name: comparison(limit) for limit in query.thresholds}
        publishers.append(Thresholds(model, query.step, limits, query.threshold_horizon))
        labels += threshold.LABELS
    return Watch(
        query,
        prometheus=prometheus,
        model=model,
        publishers=publishers,
        metrics=metrics,
        clock=clock,
        labels=labels,
        progress=progress,
    )


def _watch_of_rule(query: RuleQuery, prometheus: Prometheus, metrics: Metrics, clock: Clock) -> Watch[Any]:
    model = Tracked(model_of(query), tuple(rule.condition for rule in query.rules))
    publisher = Breach(model, query.rules, query.step, query.within)
    return Watch(
        query,
        prometheus=prometheus,
        model=model,
        publishers=[publisher],
        metrics=metrics,
        clock=clock,
        labels=breach.LABELS,
    )


def comparison(limit: ThresholdSettings) -> Comparison:
    """What is beyond a limit."""
    if limit.above is not None:
        return Comparison(">", limit.above)
    assert limit.below is not None  # one of them is there
    return Comparison("<", limit.below)


def model_of(query: QuerySettings, verdicts: Callable[[], Sequence[Verdict]] | None = None) -> Seasonal:
    """The default model as a query wants it, hearing the verdicts that are in force."""
    interest = Interest(
        false_alarms_per_month=query.false_alarms_per_month,
        direction=query.direction,
        least=query.least_deviation,
        least_share=query.least_share,
        bounds=(query.minimum, query.maximum),
    )
    zone = UTC if query.time_zone == "UTC" else ZoneInfo(query.time_zone)
    ear = QueryEar(query.name, verdicts) if verdicts else None
    return Seasonal(Calendar(zone, frozenset(query.holidays)), interest, ear)


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
            guard=guard,
            reload=reloader.reload if lifecycle else None,
            book=Book(storage),
            progress=ProgressLine(sys.stderr).of,
            shard=shard,
        )
        on_hangup(reloader.reload_soon)
        server = web.AppRunner(exporter.application, access_log=None, shutdown_timeout=5)
        stack.push_async_callback(server.cleanup)
        address = await serve(server, listen, guard.ssl_context())
        log.info("listening", address=address, storage=str(storage), version=__version__, queries=len(exporter.watches))
        async with asyncio.TaskGroup() as tasks:
            exporter.roster.run(tasks)
            reading = tasks.create_task(exporter.rules.run())
            await stopping.wait()
            reading.cancel()
            exporter.roster.stop()
    log.info("stopped")
