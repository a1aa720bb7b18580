"""What Prometheus scrapes, and the probes, as the Prometheus family has them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from exporter.compressed import gzipped, plain
from exporter.metrics import Metrics
from exporter.page import format_for, page
from exporter.rules.derive import RuleQuery
from exporter.watch import Watch
from tocsin.clock import Clock

INDEX = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Tocsin's exporter</title></head><body>
<h1>Tocsin's exporter</h1>
<ul>
<li><a href="metrics">/metrics</a>: scores and forecasts (their scrape job has <code>honor_labels: true</code>)
<li><a href="metrics/self">/metrics/self</a>: what the exporter says of itself
<li><a href="-/ready">/-/ready</a>, <a href="-/healthy">/-/healthy</a>
<li><code>/plot?query=…&amp;labels=…</code>: a picture of a series
<li><code>/api/v1/explain?query=…&amp;labels=…</code>: why a point scored as it did
<li><a href="api/v1/feedback">/api/v1/feedback</a>: what people said of it
</ul>
</body></html>
"""


class Pages:
    """`/`, `/metrics`, `/metrics/self`, `/-/healthy`, `/-/ready`, `/-/reload`."""

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
            web.get("/", self.index),
            web.get("/metrics", self.scores),
            web.get("/metrics/self", self.own),
            web.get("/-/healthy", self.healthy),
            web.get("/-/ready", self.ready),
            web.post("/-/reload", self.reload),
        ]

    async def scores(self, request: web.Request) -> web.Response:
        """The last finished snapshots; nothing is computed here."""
        form = format_for(request.headers.get("Accept", ""))
        parts = page([watch.snapshot for watch in self._watches], self._clock.now().timestamp(), form)
        headers = {"Content-Type": form.content_type, "Vary": "Accept, Accept-Encoding"}
        if wants_gzip(request.headers.get("Accept-Encoding", "")):
            return web.Response(body=gzipped(parts), headers=headers | {"Content-Encoding": "gzip"})
        return web.Response(body=await asyncio.to_thread(plain, parts), headers=headers)

    async def own(self, request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def index(self, request: web.Request) -> web.Response:
        return web.Response(text=INDEX, content_type="text/html")

    async def healthy(self, request: web.Request) -> web.Response:
        return web.Response(text="Tocsin's exporter is healthy.\n")

    async def ready(self, request: web.Request) -> web.Response:
        """Ready means: every configured query was tried once, so that one that cannot work does not hide the others.

        Those of alert rules are not waited for: rules come and go while the exporter runs.
        """
        tried = [watch.tried for watch in self._watches if not isinstance(watch.query, RuleQuery)]
        if not all(tried):
            text = f"{tried.count(False)} of {len(tried)} queries are still being read.\n"
            return web.Response(status=503, text=text)
        return web.Response(text="Tocsin's exporter is ready.\n")

    async def reload(self, request: web.Request) -> web.Response:
        if self._reload is None:
            text = "reloading is not enabled: start with --web.enable-lifecycle, or send SIGHUP\n"
            return web.Response(status=403, text=text)
        wrong = await self._reload()
        if wrong:
            return web.Response(status=500, text=f"the configuration is not taken, the old one stays:\n{wrong}\n")
        return web.Response(text="The configuration was read again.\n")


def wants_gzip(accept_encoding: str) -> bool:
    """Whether a client takes gzip; weights are heeded as far as 0 means no (RFC 9110, 12.5.3)."""
    for choice in accept_encoding.split(","):
        coding, _, weight = choice.partition(";")
        if coding.strip().lower() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
