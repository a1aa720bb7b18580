"""What Prometheus scrapes, and the probes, as the Prometheus family has them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from exporter.metrics import Metrics
from exporter.rendering import CONTENT_TYPE, page
from exporter.watch import Watch
from tocsin.clock import Clock


class Pages:
    """`/metrics`, `/metrics/self`, `/-/healthy`, `/-/ready`, `/-/reload`."""

    def __init__(
        self, watches: Sequence[Watch[Any]], metrics: Metrics, clock: Clock, reload: Callable[[], Awaitable[str]] | None
    ) -> None:
        """`reload` gives what is wrong with the new configuration, or an empty text; None: it was not enabled."""
        self._watches = watches
        self._metrics = metrics
        self._clock = clock
        self._reload = reload

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/metrics", self.scores),
            web.get("/metrics/self", self.own),
            web.get("/-/healthy", self.healthy),
            web.get("/-/ready", self.ready),
            web.post("/-/reload", self.reload),
        ]

    async def scores(self, request: web.Request) -> web.Response:
        """The last finished snapshots; nothing is computed here."""
        body = page([watch.snapshot for watch in self._watches], self._clock.now().timestamp())
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})

    async def own(self, request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def healthy(self, request: web.Request) -> web.Response:
        return web.Response(text="Tocsin's exporter is healthy.\n")

    async def ready(self, request: web.Request) -> web.Response:
        """Ready means: every query was tried once, so that a query that cannot work does not hide the others."""
        waiting = sum(not watch.tried for watch in self._watches)
        if waiting:
            return web.Response(status=503, text=f"{waiting} of {len(self._watches)} queries are still being read.\n")
        return web.Response(text="Tocsin's exporter is ready.\n")

    async def reload(self, request: web.Request) -> web.Response:
        if self._reload is None:
            text = "reloading is not enabled: start with --web.enable-lifecycle, or send SIGHUP\n"
            return web.Response(status=403, text=text)
        wrong = await self._reload()
        if wrong:
            return web.Response(status=500, text=f"the configuration is not taken, the old one stays:\n{wrong}\n")
        return web.Response(text="The configuration was read again.\n")
