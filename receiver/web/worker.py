"""Probes, metrics and lifecycle of a worker, as `operations.py` has them for the receiver."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from receiver.metrics import Metrics
from receiver.web.problems import problem, problems
from receiver.web.scopes import operating, unasked
from tocsin.errors import StoreUnavailable
from tocsin.guard import Guard


class WorkerOperations:
    """`/-/healthy`, `/-/ready`, `/-/reload`, `/metrics`; `--web.config.file` says who may ask."""

    def __init__(
        self,
        answers: Callable[[], Awaitable[object]],
        metrics: Metrics,
        reload: Callable[[], Awaitable[str]] | None = None,
    ) -> None:
        """`answers` asks the store whether it is there; `reload` gives what is wrong with the new configuration."""
        self.stopping = False
        self._answers = answers
        self._metrics = metrics
        self._reload = reload

    def application(self, guard: Guard) -> web.Application:
        application = web.Application(middlewares=[guard.middleware(), problems])
        application.add_routes(
            [
                web.get("/-/healthy", unasked(self.healthy)),
                web.get("/-/ready", unasked(self.ready)),
                web.post("/-/reload", operating("admin:all", self.reload)),
                web.get("/metrics", operating("metrics:read", self.scrape)),
            ]
        )
        return application

    async def healthy(self, request: web.Request) -> web.Response:
        return web.Response(text="Tocsin's worker is healthy.\n")

    async def ready(self, request: web.Request) -> web.Response:
        """Ready means: not stopping, and the store answers."""
        if self.stopping:
            return problem(503, "the worker is stopping")
        try:
            await self._answers()
        except StoreUnavailable as error:
            return problem(503, str(error))
        return web.Response(text="Tocsin's worker is ready.\n")

    async def reload(self, request: web.Request) -> web.Response:
        """Reads the configuration again; a wrong one is told and changes nothing."""
        if self._reload is None:
            return problem(403, "reloading is not enabled: start with --web.enable-lifecycle, or send SIGHUP")
        wrong = await self._reload()
        if wrong:
            return problem(500, f"the configuration is not taken, the old one stays:\n{wrong}")
        return web.Response(text="The configuration was read again.\n")

    async def scrape(self, request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
