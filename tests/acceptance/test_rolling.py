"""Upgrades under load, as processes: receivers are replaced while senders go on, and nothing is lost or doubled."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from demo.sinks import Sinks, pages, webhook_sinks
from tests.acceptance.stream import streaming
from tests.acceptance.test_kill import Killable, everything_told, nothing_lost, receiver, settled
from tests.acceptance.test_takeover import all_is_well, no_traceback, replicas, start

pytestmark = pytest.mark.slow(seconds=40)

UPGRADES = 4


def each_page_once(sinks: Sinks) -> None:
    """A process that is asked to end finishes its messages, so that none of them has to go out again."""
    twice = {key: times for key, times in Counter(page.key for page in pages(sinks.arrivals)).items() if times > 1}
    assert twice == {}


async def test_one_receiver(tmp_path: Path) -> None:
    """SQLite: however often it ends by SIGTERM and starts on the same port and folder, each incident is told once."""
    async with webhook_sinks() as (sinks, address), receiver(tmp_path, address) as tocsin:
        async with streaming(tocsin.http, tocsin.url) as stream:
            for _ in range(UPGRADES):
                await asyncio.sleep(0.7)
                assert await tocsin.process.stop(within_seconds=60) == 0
                await tocsin.start()
                await tocsin.ready()
        await settled(tocsin, sinks)
        nothing_lost(stream, await tocsin.everything("/api/v1/alerts"), await tocsin.everything("/api/v1/incidents"))
        everything_told(sinks, await tocsin.everything("/api/v1/incidents"))
        each_page_once(sinks)
        assert stream.retries > 0  # a connection that is refused; what was sent is sent again
        no_traceback(tocsin)


async def test_two_replicas(tmp_path: Path, empty_postgres_url: str) -> None:
    """PostgreSQL: one replica after the other is replaced by a new process; senders go on with whichever answers."""
    async with webhook_sinks() as (sinks, address), replicas(tmp_path, empty_postgres_url, address) as both:
        async with streaming(both[0].http, *(one.url for one in both)) as stream:
            for number in range(UPGRADES):
                await asyncio.sleep(0.7)
                await replaced(both[number % 2], f"upgrade-{number}")
        await all_is_well(both[1], sinks, stream)
        each_page_once(sinks)
        for one in both:
            one.process.check()
            no_traceback(one)


async def replaced(one: Killable, name: str) -> None:
    """Ends a replica and starts another process on its port; the rest of the load is on the other one meanwhile."""
    before = one.process.log
    assert await one.process.stop(within_seconds=60) == 0
    assert "Traceback" not in before.read_text(encoding="utf-8")
    one.process = await start(one.folder, name, one.port)
    await one.ready()
