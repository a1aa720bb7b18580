"""The receiver alone, as a process that is killed: what was answered 2xx is never lost, and nothing is doubled."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from demo.processes import TOCSIN, Process, free_port
from demo.sinks import Sinks, all_clears, pages, webhook_sinks
from demo.timeline import NotSeen, Want
from tests.acceptance.stream import Stream, streaming
from tests.acceptance.telling import told

pytestmark = pytest.mark.slow(seconds=20)

KILLS = 4


@dataclass
class Killable:
    """A receiver on one folder and one port that can be killed and started again."""

    http: aiohttp.ClientSession
    folder: Path
    port: int
    process: Process

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self.process = await start(self.folder, self.port)

    async def ready(self) -> None:
        await self.process.ready(self.http, f"{self.url}/-/ready")

    async def everything(self, path: str) -> list[dict[str, Any]]:
        """All items of a list, page by page."""
        items: list[dict[str, Any]] = []
        cursor = ""
        while True:
            async with self.http.get(f"{self.url}{path}?limit=1000{cursor}") as response:
                page = await response.json()
            items += page["items"]
            if page["next"] is None:
                return items
            cursor = f"&cursor={page['next']}"


async def start(folder: Path, port: int) -> Process:
    command = [TOCSIN, "receiver", "run", f"--config.file={folder / 'receiver.yml'}"]
    command += [f"--storage.path={folder / 'store'}", f"--web.listen-address=127.0.0.1:{port}"]
    return await Process.start("receiver", command, folder / "receiver.log")


@asynccontextmanager
async def receiver(folder: Path, sink: str) -> AsyncIterator[Killable]:
    """A receiver that pages one webhook."""
    hook = f'channels: {{hook: {{webhook: {{url: "http://{sink}/hook"}}}}}}'
    (folder / "receiver.yml").write_text(f"{hook}\nescalation: {{steps: [{{notify: [hook]}}]}}\n")
    port = free_port()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as http:
        tocsin = Killable(http, folder, port, await start(folder, port))
        try:
            await tocsin.ready()
            yield tocsin
        finally:
            await tocsin.process.kill()


async def test_killed_in_mid_stream(tmp_path: Path) -> None:
    """However often the receiver is killed, every accepted alert is there once, in one incident, and was told."""
    moments = random.Random(20261121)
    async with webhook_sinks() as (sinks, address), receiver(tmp_path, address) as tocsin:
        async with streaming(tocsin.http, tocsin.url) as stream:
            for _ in range(KILLS):
                if moments.random() < 0.7:  # else it may be killed while it starts
                    await tocsin.ready()
                await asyncio.sleep(moments.uniform(0.05, 1.5))
                await tocsin.process.kill()
                await tocsin.start()
            await tocsin.ready()
        await settled(tocsin, sinks)
        nothing_lost(stream, await tocsin.everything("/api/v1/alerts"), await tocsin.everything("/api/v1/incidents"))
        everything_told(sinks, await tocsin.everything("/api/v1/incidents"))
        assert stream.retries > 0
        assert "Traceback" not in tocsin.process.log.read_text(encoding="utf-8")


async def test_terminated_in_mid_stream(tmp_path: Path) -> None:
    """SIGTERM ends the receiver within seconds with exit code 0; what it had accepted is there at the next start."""
    async with webhook_sinks() as (sinks, address), receiver(tmp_path, address) as tocsin:
        async with streaming(tocsin.http, tocsin.url) as stream:
            await asyncio.sleep(1)
            asked = time.monotonic()
            assert await tocsin.process.stop(within_seconds=60) == 0
            assert time.monotonic() - asked < 10
            await tocsin.start()
            await tocsin.ready()
        await settled(tocsin, sinks)
        nothing_lost(stream, await tocsin.everything("/api/v1/alerts"), await tocsin.everything("/api/v1/incidents"))
        assert "Traceback" not in tocsin.process.log.read_text(encoding="utf-8")


async def settled(tocsin: Killable, sinks: Sinks) -> None:
    """Waits until the inbox is empty and every incident has been told."""

    async def inbox_empty() -> str:
        async with tocsin.http.get(f"{tocsin.url}/metrics") as response:
            lines = (await response.text()).splitlines()
        (depth,) = [line for line in lines if line.startswith("tocsin_receiver_inbox_depth ")]
        if depth != "tocsin_receiver_inbox_depth 0.0":
            raise NotSeen(depth)
        return depth

    async def everything_told_by_now() -> str:
        silent = {i["id"] for i in await tocsin.everything("/api/v1/incidents")} - {
            p.incident for p in pages(sinks.arrivals)
        }
        if silent:
            raise NotSeen(f"{len(silent)} incidents were not told")
        return "every incident was told"

    steps = [
        Want("the inbox is empty", "receiver /metrics", inbox_empty),
        Want("every incident was told", "webhook sink", everything_told_by_now, between=(0, 120)),
    ]
    await told(steps, check=tocsin.process.check)


def nothing_lost(stream: Stream, alerts: list[dict[str, Any]], incidents: list[dict[str, Any]]) -> None:
    assert stream.refused == []
    assert stream.accepted
    seen = Counter(one["labels"]["n"] for one in alerts)
    assert set(stream.accepted) - set(seen) == set(), "accepted and lost"
    assert [name for name, times in seen.items() if times > 1] == [], "doubled"
    assert {one["status"] for one in alerts} == {"firing"}
    incidents_of_group = defaultdict(set)
    for one in alerts:
        incidents_of_group[one["labels"]["alertname"]].add(one["incident"])
    assert {len(ids) for ids in incidents_of_group.values()} == {1}, "a group in two incidents"
    assert {i["id"] for i in incidents} == set().union(*incidents_of_group.values())
    assert len(incidents) == len(incidents_of_group)
    assert sum(i["firing"] for i in incidents) == len(alerts)


def everything_told(sinks: Sinks, incidents: list[dict[str, Any]]) -> None:
    keys = defaultdict(set)
    for page in pages(sinks.arrivals):
        keys[page.incident].add(page.key)
    assert set(keys) == {i["id"] for i in incidents}
    assert {len(of_incident) for of_incident in keys.values()} == {1}, "a page repeated under another key"
    assert all_clears(sinks.arrivals) == []
