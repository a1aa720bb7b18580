"""Two receivers, as processes, on one PostgreSQL: one runs the engine; when it dies or stands still the other does."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from demo.processes import TOCSIN, Process, free_port
from demo.sinks import Sinks, webhook_sinks
from demo.timeline import NotSeen, Want
from tests import postgres
from tests.acceptance.stream import Stream, streaming
from tests.acceptance.telling import told
from tests.acceptance.test_kill import Killable, everything_told, nothing_lost, settled

pytestmark = pytest.mark.slow(seconds=30)

TAKEOVER_SECONDS = 10


@pytest.fixture
def server() -> Iterator[postgres.Server]:
    """A PostgreSQL that this test may stop and start."""
    with postgres.server() as one:
        yield one


async def start(folder: Path, name: str, port: int) -> Process:
    command = [TOCSIN, "receiver", "run", f"--config.file={folder / 'receiver.yml'}"]
    command += [f"--storage.path={folder / name}", f"--web.listen-address=127.0.0.1:{port}"]
    return await Process.start(name, command, folder / f"{name}.log")


@asynccontextmanager
async def replicas(folder: Path, database: str, sink: str) -> AsyncIterator[tuple[Killable, Killable]]:
    """Two receivers on one database, both ready; the first one runs the engine."""
    hook = f'channels: {{hook: {{webhook: {{url: "http://{sink}/hook"}}}}}}'
    (folder / "url").write_text(database)
    (folder / "receiver.yml").write_text(
        f"database: {{url_file: url}}\n{hook}\nescalation: {{steps: [{{notify: [hook]}}]}}\n"
    )
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)))
        both = []
        for name in ("first", "second"):
            port = free_port()
            one = Killable(http, folder, port, await start(folder, name, port))
            stack.push_async_callback(_kill, one)
            await one.ready()
            both.append(one)
        await told([Want("the first runs the engine", "/metrics", lambda: engine_active(both[0]))])
        yield both[0], both[1]


async def _kill(tocsin: Killable) -> None:
    await tocsin.process.kill()


async def engine_active(tocsin: Killable) -> str:
    async with tocsin.http.get(f"{tocsin.url}/metrics") as response:
        found = re.search(r"^tocsin_receiver_engine_active (\S+)$", await response.text(), re.MULTILINE)
    if found is None or found[1] != "1.0":
        raise NotSeen(found[0] if found else "no such metric")
    return found[0]


async def taken_over(tocsin: Killable) -> None:
    await told(
        [
            Want(
                "the other replica runs the engine",
                "/metrics",
                lambda: engine_active(tocsin),
                between=(0, TAKEOVER_SECONDS),
            )
        ],
        check=tocsin.process.check,
    )


async def engine_stopped(tocsin: Killable) -> str:
    said = tocsin.process.log.read_text(encoding="utf-8")
    if "the engine stops here" not in said:
        raise NotSeen("nothing of it")
    return "the engine stops here"


def no_traceback(tocsin: Killable) -> None:
    log = tocsin.process.log.read_text(encoding="utf-8")
    assert "Traceback" not in log, log[max(0, log.index("Traceback") - 400) :][:6000]


async def all_is_well(tocsin: Killable, sinks: Sinks, stream: Stream) -> None:
    """Nothing lost, nothing doubled, everything told; in the log no traceback."""

    async def all_there() -> str:  # a replica's own count of the inbox may be a little old where others work
        missing = stream.accepted.keys() - {one["labels"]["n"] for one in await tocsin.everything("/api/v1/alerts")}
        if missing:
            raise NotSeen(f"{len(missing)} accepted alerts are not there")
        return f"{len(stream.accepted)} accepted alerts"

    await told([Want("every accepted alert is there", "/api/v1/alerts", all_there)], check=tocsin.process.check)
    await settled(tocsin, sinks)
    nothing_lost(stream, await tocsin.everything("/api/v1/alerts"), await tocsin.everything("/api/v1/incidents"))
    everything_told(sinks, await tocsin.everything("/api/v1/incidents"))
    no_traceback(tocsin)


async def test_killed_holder(tmp_path: Path, empty_postgres_url: str) -> None:
    """kill -9 of the replica that runs the engine: the other takes over within 10 s, and nothing is lost or doubled."""
    async with webhook_sinks() as (sinks, address), replicas(tmp_path, empty_postgres_url, address) as (first, second):
        async with streaming(first.http, first.url, second.url) as stream:
            await asyncio.sleep(1.5)
            await first.process.kill()
            await taken_over(second)
            await asyncio.sleep(0.5)
        await all_is_well(second, sinks, stream)
        assert stream.retries > 0


async def test_paused_holder(tmp_path: Path, empty_postgres_url: str) -> None:
    """A holder that stands still is followed by the other; when it wakes up it can write nothing, and joins in."""
    async with webhook_sinks() as (sinks, address), replicas(tmp_path, empty_postgres_url, address) as (first, second):
        async with streaming(first.http, second.url) as stream:
            await asyncio.sleep(1)
            first.process.pause()
            await taken_over(second)
            first.process.wake()
            await first.ready()
            await asyncio.sleep(0.5)
        await all_is_well(second, sinks, stream)
        await told([Want("the first has learned of it", "its log", lambda: engine_stopped(first))])
        no_traceback(first)


async def test_database_restarts(tmp_path: Path, server: postgres.Server) -> None:
    """PostgreSQL is stopped and started: senders get 5xx meanwhile, never 4xx, and what was accepted is all there."""
    async with webhook_sinks() as (sinks, address), replicas(tmp_path, server.url, address) as (first, second):
        async with streaming(first.http, first.url, second.url) as stream:
            for _ in range(2):
                await asyncio.sleep(1)
                await asyncio.to_thread(server.stop)
                await asyncio.sleep(1)
                await asyncio.to_thread(server.start)
                await first.ready()
        await all_is_well(first, sinks, stream)
        assert stream.retries > 0
        second.process.check()
