"""Probes, metrics and lifecycle, as the Prometheus family has them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from receiver.metrics import Metrics
from receiver.store.figures import Figures
from receiver.store.inbox import Inbox
from receiver.web.problems import problem
from receiver.web.scopes import operating, unasked
from receiver.web.uploads import Uploads
from tocsin.clock import Clock
from tocsin.errors import StoreUnavailable


@dataclass(slots=True)
class Lifecycle:
    """What probes and `/-/reload` must know: whether the process is stopping, and how to read the configuration again.

    `reload` gives what is wrong with the new configuration, or an empty text; None: it was not enabled.
    """

    stopping: bool = False
    reload: Callable[[], Awaitable[str]] | None = None

    async def read_again(self, request: web.Request) -> web.Response:
        """Reads the configuration again; a wrong one is told and changes nothing."""
        if self.reload is None:
            return problem(403, "reloading is not enabled: start with --web.enable-lifecycle, or send SIGHUP")
        wrong = await self.reload()
        if wrong:
            return problem(500, f"the configuration is not taken, the old one stays:\n{wrong}")
        return web.Response(text="The configuration was read again.\n")


def exposition(metrics: Metrics) -> web.Response:
    """The process's own metrics as they are now."""
    return web.Response(body=generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


class Operations:
    """`/-/healthy`, `/-/ready`, `/-/reload`, `/metrics`."""

    def __init__(
        self,
        *,
        writable: Callable[[], Awaitable[None]],
        figures: Callable[[], Awaitable[Figures]],
        inbox: Inbox,
        uploads: Uploads,
        metrics: Metrics,
        failing: Callable[[], str],
        lifecycle: Lifecycle,
        clock: Clock,
    ) -> None:
        self._writable = writable
        self._figures = figures
        self._inbox = inbox
        self._uploads = uploads
        self._metrics = metrics
        self._failing = failing
        self._lifecycle = lifecycle
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/-/healthy", unasked(self.healthy)),
            web.get("/-/ready", unasked(self.ready)),
            web.post("/-/reload", operating("admin:all", self._lifecycle.read_again)),
            web.get("/metrics", operating("metrics:read", self.scrape)),
        ]

    async def healthy(self, request: web.Request) -> web.Response:
        return web.Response(text="Tocsin's receiver is healthy.\n")

    async def ready(self, request: web.Request) -> web.Response:
        """Ready means: not stopping, the engine is not waiting for the store, and the store takes writes."""
        if self._lifecycle.stopping:
            return problem(503, "the receiver is stopping")
        if self._failing():
            raise StoreUnavailable(self._failing())
        await self._writable()
        return web.Response(text="Tocsin's receiver is ready.\n")

    async def scrape(self, request: web.Request) -> web.Response:
        """The receiver's own metrics; what the store must be asked for keeps its last value while it is away."""
        self._metrics.inbox_depth.set(self._inbox.depth)
        self._metrics.inflight.set(self._uploads.held)
        self._metrics.engine_failing.set(bool(self._failing()))
        with suppress(StoreUnavailable):
            self._tell(await self._figures())
        return exposition(self._metrics)

    def _tell(self, figures: Figures) -> None:
        metrics = self._metrics
        metrics.store_bytes.set(figures.size_bytes)
        metrics.inbox_oldest.set(self._age(figures.oldest))
        metrics.jobs_due.set(figures.jobs_due)
        metrics.dead.set(figures.dead)
        metrics.healing.pending.set(figures.approvals)
        metrics.jobs_oldest.set(self._age(figures.jobs_since))
        if figures.incidents:
            metrics.incidents.clear()
        for status, severity, count in figures.incidents:
            metrics.incidents.labels(status, severity).set(count)
        metrics.response.unresolved.clear()
        for tenant, status, severity, count in figures.unresolved:
            metrics.response.unresolved.labels(tenant, status, severity).set(count)

    def _age(self, since: datetime | None) -> float:
        return 0.0 if since is None else max(0.0, (self._clock.now() - since).total_seconds())
