"""The shop that Prometheus scrapes. Its customers come at a steady rate; broken, it fails a good part of them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from demo.serving import serving

REQUESTS_PER_SECOND = 50
FAILING_SHARE = 0.6


class Shop:
    """Metrics of a small shop; what happened since the last scrape is made up at the next one."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._made_up_to = now()
        self._failing = False
        self.address = ""
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "http_requests_total", "Requests answered, by status code.", ["code"], registry=self.registry
        )
        self._seconds = Histogram(
            "http_request_duration_seconds", "How long a request took.", buckets=(0.05, 0.2, 1), registry=self.registry
        )
        self._orders = Counter("shop_orders_total", "Orders that customers have paid.", registry=self.registry)
        self._baskets = Gauge("shop_open_baskets", "Baskets that are filled and not paid.", registry=self.registry)
        for code in ("200", "404", "500"):
            self._requests.labels(code)
        self._baskets.set(120)

    def fail(self) -> None:
        """From now on the checkout answers 500 to most requests."""
        self._make_up()
        self._failing = True

    def mend(self) -> None:
        """From now on all is well again."""
        self._make_up()
        self._failing = False

    def exposition(self) -> bytes:
        """The metrics as Prometheus reads them."""
        self._make_up()
        return generate_latest(self.registry)

    def _make_up(self) -> None:
        """Counts the customers who have come since the last time."""
        now = self._now()
        came = int((now - self._made_up_to) * REQUESTS_PER_SECOND)
        self._made_up_to += came / REQUESTS_PER_SECOND
        failed = round(came * FAILING_SHARE) if self._failing else 0
        lost = came // 50
        self._requests.labels("500").inc(failed)
        self._requests.labels("404").inc(min(lost, came - failed))
        self._requests.labels("200").inc(max(came - failed - lost, 0))
        self._orders.inc((came - failed) // 10)
        self._baskets.inc(failed // 10)
        for _ in range(came):
            self._seconds.observe(0.9 if self._failing else 0.04)


@asynccontextmanager
async def open_shop() -> AsyncIterator[Shop]:
    """A shop that answers scrapes for the length of a block."""
    shop = Shop()

    async def metrics(request: web.Request) -> web.Response:
        return web.Response(body=shop.exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    application.add_routes([web.get("/metrics", metrics)])
    async with serving(application) as shop.address:
        yield shop
