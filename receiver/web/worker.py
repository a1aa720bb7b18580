"""Probes, metrics and lifecycle of a worker, as `operations.py` has them for the receiver."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from receiver.metrics import Metrics
from receiver.web.operations import Lifecycle, exposition
from receiver.web.problems import problem, problems
from receiver.web.scopes import operating, unasked
from tocsin.errors import StoreUnavailable
from tocsin.guard import Guard


class WorkerOperations:
    """`/-/healthy`, `/-/ready`, `/-/reload`, `/metrics`; `--web.config.file` says who may ask."""

    def __init__(self, answers: Callable[[], Awaitable[object]], metrics: Metrics, lifecycle: Lifecycle) -> None:
        """`answers` asks the store whether it is there."""
        self.lifecycle = lifecycle
        self._answers = answers
        self._metrics = metrics

    def application(self, guard: Guard) -> web.Application:
        application = web.Application(middlewares=[guard.middleware(), problems])
        application.add_routes(
            [
                web.get("/-/healthy", unasked(self.healthy)),
                web.get("/-/ready", unasked(self.ready)),
                web.post("/-/reload", operating("admin:all", self.lifecycle.read_again)),
                web.get("/metrics", operating("metrics:read", self.scrape)),
            ]
        )
        return application

    async def healthy(self, request: web.Request) -> web.Response:
        return web.Response(text="Tocsin's worker is healthy.\n")

    async def ready(self, request: web.Request) -> web.Response:
        """Ready means: not stopping, and the store answers."""
        if self.lifecycle.stopping:
            return problem(503, "the worker is stopping")
        try:
            await self._answers()
        except StoreUnavailable as error:
            return problem(503, str(error))
        return web.Response(text="Tocsin's worker is ready.\n")

    async def scrape(self, request: web.Request) -> web.Response:
        return exposition(self._metrics)
