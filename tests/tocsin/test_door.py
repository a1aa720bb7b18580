"""Connections on the wire: too many, and such that never say what they want."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from tocsin import door
from tocsin.door import Connections, DoorRunner
from tocsin.serving import Listen, serve

GET = b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n"
WAIT = b"GET /waits HTTP/1.1\r\nHost: x\r\n\r\n"


@dataclass
class House:
    """A server with few places; what waits in it goes on when it is released."""

    port: int
    turned_away: list[str]
    waiting: asyncio.Semaphore
    release: asyncio.Event
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def visit(self, says: bytes) -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        writer.write(says)
        return reader


@asynccontextmanager
async def house(limit: int) -> AsyncIterator[House]:
    """Answers `/quick` at once and `/waits` when it is released."""
    turned_away: list[str] = []
    waiting, release = asyncio.Semaphore(0), asyncio.Event()

    async def quick(_: web.Request) -> web.Response:
        return web.Response()

    async def waits(_: web.Request) -> web.Response:
        waiting.release()
        await release.wait()
        return web.Response()

    connections = Connections(limit, lambda: turned_away.append("one"))
    application = web.Application(middlewares=[connections.middleware()])
    application.add_routes([web.get("/quick", quick), web.get("/waits", waits)])
    runner = DoorRunner(application, connections, access_log=None)
    address = await serve(runner, Listen("127.0.0.1", 0))
    here = House(int(address.rpartition(":")[2]), turned_away, waiting, release)
    try:
        async with asyncio.timeout(20):
            yield here
    finally:
        release.set()
        for writer in here.writers:
            writer.close()
        await runner.cleanup()


@pytest.mark.parametrize("head", [b"", b"POST / HTTP/1.1\r\nHost: x\r\nX-Slow: ", GET])
async def test_a_head_that_does_not_come(monkeypatch: pytest.MonkeyPatch, head: bytes) -> None:
    """A connection that brings no whole head in time is closed, be it its first request or a later one."""
    monkeypatch.setattr(door, "HEAD_SECONDS", 0.2)
    async with house(9) as here:
        reader = await here.visit(head)
        assert (await reader.read()).startswith(b"HTTP/1.1 200" if head is GET else b"")


async def test_a_dripping_head(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each further byte of a head buys no time."""
    monkeypatch.setattr(door, "HEAD_SECONDS", 0.3)
    async with house(9) as here:
        reader = await here.visit(b"GET /quick HTTP/1.1\r\nX: ")

        async def drip() -> None:
            while True:
                here.writers[0].write(b"x")
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        with suppress(ConnectionResetError):  # what it still sends meets a closed door
            assert await reader.read() == b""
        dripping.cancel()


async def test_one_too_many() -> None:
    """One connection too many takes the place of the oldest that asks for nothing; those being served go on."""
    async with house(3) as here:
        served = await here.visit(WAIT)
        await here.waiting.acquire()
        oldest = await here.visit(GET)
        assert await oldest.readline() == b"HTTP/1.1 200 OK\r\n"
        younger = await here.visit(GET)
        assert await younger.readline() == b"HTTP/1.1 200 OK\r\n"
        newest = await here.visit(GET)
        assert await newest.readline() == b"HTTP/1.1 200 OK\r\n"
        assert (await oldest.read()).endswith(b"\r\n\r\n")
        assert here.turned_away == ["one"]
        here.release.set()
        assert await served.readline() == b"HTTP/1.1 200 OK\r\n"
        assert not younger.at_eof()


async def test_all_are_served() -> None:
    """When all are being served, one more is answered 503, and tried again by whoever sent it."""
    async with house(2) as here:
        for _ in range(2):
            await here.visit(WAIT)
            await here.waiting.acquire()
        refused = await here.visit(b"")
        assert (await refused.read()).startswith(b"HTTP/1.1 503 ")
        assert here.turned_away == ["one"]
