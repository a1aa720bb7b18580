"""Probes, metrics and lifecycle, as the Prometheus family has them."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from receiver.metrics import Metrics
from receiver.store.inbox import Inbox
from receiver.store.queries import Queries
from receiver.web.problems import problem
from tocsin.errors import StoreUnavailable


class Operations:
    """`/-/healthy`, `/-/ready`, `/-/reload`, `/metrics`."""

    def __init__(self, queries: Queries, inbox: Inbox, metrics: Metrics, failing: Callable[[], str]) -> None:
        self._queries = queries
        self._inbox = inbox
        self._metrics = metrics
        self._failing = failing

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/-/healthy", self.healthy),
            web.get("/-/ready", self.ready),
            web.post("/-/reload", self.reload),
            web.get("/metrics", self.scrape),
        ]

    async def healthy(self, request: web.Request) -> web.Response:
        return web.Response(text="Tocsin's receiver is healthy.\n")

    async def ready(self, request: web.Request) -> web.Response:
        """Ready means: the store answers, and the engine is not waiting for it."""
        await self._queries.counts()
        if self._failing():
            raise StoreUnavailable(self._failing())
        return web.Response(text="Tocsin's receiver is ready.\n")

    async def reload(self, request: web.Request) -> web.Response:
        return problem(403, "reloading is not enabled; restart the receiver to read its configuration again")

    async def scrape(self, request: web.Request) -> web.Response:
        """The receiver's own metrics; what the store must be asked for keeps its last value while it is away."""
        self._metrics.inbox_depth.set(self._inbox.depth)
        try:
            counts = await self._queries.counts()
        except StoreUnavailable:
            counts = []
        if counts:
            self._metrics.incidents.clear()
        for status, severity, count in counts:
            self._metrics.incidents.labels(status, severity).set(count)
        return web.Response(body=generate_latest(self._metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
