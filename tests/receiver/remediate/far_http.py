"""Far sides of steps of kind http: real servers on loopback, one that never answers among them."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from multidict import CIMultiDict

from receiver.engine.runs_planned import Action
from receiver.remediate.step import About, Done
from receiver.remediate.steps.http import HttpStep
from receiver.remediate.steps.http_doer import HttpDoer
from receiver.remediate.steps.http_edge import HttpEdge
from receiver.remediate.values import Values

ABOUT = About("inc-1", "Disk is full", "run-1", "run-1/0", {"alertname": "Disk"})


@dataclass
class Asked:
    """A request as it came."""

    method: str
    path: str  # as it was written
    body: str
    headers: CIMultiDict[str]


@dataclass
class Far:
    """A server that answers with the status in a request's first segment, and notes what it was asked."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    written: int = 0  # bytes of answers without end
    body: str = '{"job": {"state": "done", "steps": [1]}, "ok": true}'

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        headers = CIMultiDict(request.headers)
        self.asked.append(Asked(request.method, request.raw_path, await request.text(), headers))
        first = request.path.split("/")[1]
        match first:
            case "endless":
                return await self._endless(request)
            case "slow-body" | "half":
                return await _slow(request, hangs_up=first == "half")
            case "points":
                status, _, target = request.query_string.partition(",")
                return web.Response(status=int(status), headers={"Location": target})
            case "around":
                return web.Response(status=307, headers={"Location": f"{request.path}1"})
            case "echo":
                return web.json_response(dict(request.headers))
        return web.Response(status=int(first) if first.isdecimal() else 200, text=self.body)

    async def _endless(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"x" * 65_536)
                self.written += 65_536
        return response


async def _slow(request: web.Request, *, hangs_up: bool) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"begun")
    if hangs_up:
        assert request.transport is not None
        request.transport.close()
    else:
        await asyncio.Event().wait()
    return response


@asynccontextmanager
async def far(tls: ssl.SSLContext | None = None) -> AsyncIterator[Far]:
    """It runs for the length of a block."""
    found = Far()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.answer)
    server = TestServer(app)
    await server.start_server(ssl=tls)
    try:
        assert server.port is not None
        found.port = server.port
        yield found
    finally:
        await server.close()


class Came:
    """What came to a port, and that its connection ended."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self._first, self._left = asyncio.Event(), asyncio.Event()

    async def wait(self) -> None:
        await self._first.wait()

    async def left(self) -> None:
        await self._left.wait()

    async def talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: bytes, hangs_up: bool
    ) -> None:
        self.bodies.append(await reader.read(65_536))
        self._first.set()
        writer.write(answer)
        if not hangs_up:
            await reader.read()
        self._left.set()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def raw(*, answer: bytes = b"", hangs_up: bool = False) -> AsyncIterator[tuple[int, Came]]:
    """A port that takes what comes and says `answer`, then hangs up or says nothing more; and what came."""
    came = Came()

    talks: list[asyncio.Task[None] | None] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.append(asyncio.current_task())
        await came.talk(reader, writer, answer, hangs_up)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], came
    finally:
        server.close()
        await asyncio.gather(*filter(None, talks))


def action(values: dict[str, str] | None = None, **step: Any) -> Action:
    return HttpStep.model_validate({"endpoint": "lb", **step}).action(Values(values or {}))


def edge(port: int, **more: Any) -> HttpEdge:
    given = {"url": f"http://127.0.0.1:{port}", "private": True, "methods": ["GET", "POST", "PUT", "PATCH", "DELETE"]}
    return HttpEdge.model_validate(given | more)


async def done(one: HttpEdge, what: Action, **doer: Any) -> Done:
    made = HttpDoer({"lb": one}, **doer)
    try:
        return await made.do(what, {}, ABOUT)
    finally:
        await made.close()


async def asked(there: Far, what: Action, **more: Any) -> Done:
    return await done(edge(there.port, **more), what)
