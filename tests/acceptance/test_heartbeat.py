"""Who watches the watcher: a real Alertmanager's Watchdog that falls silent, and the ping to the outside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from demo.processes import free_port
from demo.serving import serving
from tests import real
from tests.acceptance.receiving import receiving
from tests.alertmanagers import alertmanager, tells

pytestmark = [pytest.mark.slow(seconds=22), pytest.mark.real]

WATCHDOG = {"alertname": "Watchdog", "severity": "none"}
SILENT = {"": ["firing"]}


@asynccontextmanager
async def dead_mans_switch() -> AsyncIterator[tuple[list[str], str]]:
    """Something outside that is called: the calls so far, and its URL."""
    calls: list[str] = []

    async def called(request: web.Request) -> web.Response:
        calls.append(request.method)
        return web.Response()

    application = web.Application()
    application.add_routes([web.get("/", called)])
    async with serving(application) as address:
        yield calls, f"http://{address}/"


async def test_watchdog(binaries: real.Binaries, tmp_path: Path) -> None:
    """While the Watchdog comes nothing happens; its silence pages, its return ends that; meanwhile we ping outside."""
    port = free_port()
    config = tells(f"http://127.0.0.1:{port}/api/v2/hooks/alertmanager")
    config["route"]["repeat_interval"] = "1s"
    async with dead_mans_switch() as (calls, url):
        expected = {"heartbeats": {"prometheus": {"within": "6s"}}, "ping": {"url": url, "every": "500ms"}}
        async with receiving(tmp_path, expected, port=port) as tocsin:
            async with alertmanager(binaries, tmp_path, config) as running:
                await running.fire(WATCHDOG)
                await tocsin.stays(12, lambda: tocsin.told)
                assert tocsin.told == []
            await tocsin.until(SILENT, ["open"], ["page"])
            assert tocsin.sinks.arrivals[0].subject.startswith("[CRITICAL] Nothing is heard of alertmanager")
            async with alertmanager(binaries, tmp_path, config, name="again") as running:
                await running.fire(WATCHDOG)
                await tocsin.until({"": ["resolved"]}, ["resolved"], ["page", "resolved"])
            assert len(calls) > 10
