"""What many large bodies cost a receiver that runs as a process: its memory stays near the budget, and none is lost."""

from __future__ import annotations

import asyncio
import io
import time
from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from demo.sinks import webhook_sinks
from receiver.store.spool import MAX_BATCH_BYTES
from tests.acceptance.test_kill import Killable, receiver, settled
from tests.acceptance.test_life import peak_bytes, said
from tests.receiver.bodies import alert, body
from tests.receiver.harness import HOOK

pytestmark = pytest.mark.slow(seconds=30)

MIB = 2**20
BODIES = 20
BODY_BYTES = 8 * MIB
BUDGET_BYTES = 32 * MIB
CACHES_BYTES = 48 * MIB  # SQLite's 32 MiB, and what so many connections and threads hold of bodies
LABELS = 380_000


async def test_many_large_bodies(tmp_path: Path) -> None:
    """Twenty bodies at once, five times the budget: 503 for some, all are taken in the end, a page passes meanwhile."""
    crowded = body(alert() | {"labels": {f"label{number:07}": "x" for number in range(LABELS)}})
    async with webhook_sinks() as (sinks, address), receiver(tmp_path, address) as tocsin:
        await tocsin.process.stop()
        with (tmp_path / "receiver.yml").open("a") as file:
            file.write(f"max_body_bytes: {BODY_BYTES + MIB}\nmax_inflight_bytes: {BUDGET_BYTES}\n")
        await tocsin.start()
        await tocsin.ready()
        before = peak_bytes(tocsin.process)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as http:
            sending = [asyncio.create_task(send(http, tocsin, crowded)) for _ in range(BODIES)]
            await asyncio.sleep(0.3)
            asked = time.monotonic()
            answers = await send(http, tocsin, body(alert("Page"), group="Page"))
            page_seconds = time.monotonic() - asked
            assert answers == [200]
            every = await asyncio.gather(*sending)
        await settled(tocsin, sinks)
        grown = peak_bytes(tocsin.process) - before
        statuses = Counter(status for answers in every for status in answers)
        print(f"{grown / MIB:.0f} MiB more at most, {statuses}, a page took {page_seconds:.2f} s")
        assert {answers[-1] for answers in every} == {200}
        assert 503 in statuses
        batches = 2 * MAX_BATCH_BYTES  # what the engine is about to process, and what it processes
        assert grown < 1.5 * BUDGET_BYTES + batches + CACHES_BYTES
        assert page_seconds < 5
        metrics = await (await tocsin.http.get(f"{tocsin.url}/metrics")).text()
        assert "tocsin_receiver_inflight_bytes 0.0" in metrics.splitlines()
        assert said(tocsin.process, "a body is cut off") <= 2


async def send(http: aiohttp.ClientSession, tocsin: Killable, content: bytes) -> list[int]:
    """The answers to a body that is sent until it is taken or refused for good; 0 where the connection broke."""
    answers: list[int] = []
    while not answers or answers[-1] in (0, 503):
        if answers:
            tocsin.process.check()
            await asyncio.sleep(0.2)
        try:
            async with http.post(tocsin.url + HOOK, data=io.BytesIO(content)) as answer:
                answers.append(answer.status)
        except aiohttp.ClientError:
            answers.append(0)
    return answers
