"""A server that answers range queries like Prometheus, from functions, and misbehaves when told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import tenacity
from aiohttp import web
from aiohttp.test_utils import TestServer

from tocsin.promapi import MOST_BYTES, Prometheus

Value = Callable[[float], float | None]
Answer = tuple[int, str] | Callable[[web.Request], Awaitable[web.StreamResponse]]

HTML = (200, "<!DOCTYPE html><title>Please log in</title>")
DOWN = (503, "upstream is away")
BAD_QUERY = (400, '{"status":"error","errorType":"bad_data","error":"1:6: parse error: unclosed left parenthesis"}')


async def reset(request: web.Request) -> web.StreamResponse:
    """Hangs up."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def half(request: web.Request) -> web.StreamResponse:
    """Begins well, then hangs up."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"status":"success","data":{"resultType":"matrix","result":[')
    return await reset(request)


async def silent(request: web.Request) -> web.StreamResponse:
    """Begins, and never ends."""
    response = web.StreamResponse()
    await response.prepare(request)
    await asyncio.Event().wait()
    return response


@dataclass
class Fake:
    """Series by query; `broken` replaces the answer to a query, or to all (key "")."""

    series: dict[str, list[tuple[Mapping[str, str], Value]]] = field(default_factory=dict)
    broken: dict[str, Answer] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    groups: list[dict[str, Any]] = field(default_factory=list)
    config: str = ""  # of Prometheus, as it tells it

    async def rules(self, request: web.Request) -> web.Response:
        broken = self.broken.get("rules")
        if broken and not callable(broken):
            return web.Response(status=broken[0], text=broken[1])
        return web.json_response({"status": "success", "data": {"groups": self.groups}})

    async def configuration(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "success", "data": {"yaml": self.config}})

    async def instant(self, request: web.Request) -> web.StreamResponse:
        """What each series is at the time 0."""
        form, broken = await self._asked(request)
        if broken is not None:
            return broken
        found = [(labels, value(0.0)) for labels, value in self.series.get(form["query"], [])]
        result = [{"metric": dict(labels), "value": [0, str(number)]} for labels, number in found if number is not None]
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": result}})

    async def _asked(self, request: web.Request) -> tuple[dict[str, str], web.StreamResponse | None]:
        """The form of a query, and what is answered instead where it is broken."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(form)
        broken = self.broken.get(form["query"]) or self.broken.get("")
        if callable(broken):
            return form, await broken(request)
        return form, web.Response(status=broken[0], text=broken[1]) if broken else None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        form, broken = await self._asked(request)
        if broken is not None:
            return broken
        start, end, step = (float(form[name]) for name in ("start", "end", "step"))
        grid = [start + step * index for index in range(round((end - start) / step) + 1)]
        result = []
        for labels, value in self.series.get(form["query"], []):
            values = [
                [int(when) if when.is_integer() else when, str(number)]
                for when in grid
                if (number := value(when)) is not None
            ]
            if values:
                result.append({"metric": dict(labels), "values": values})
        return web.json_response({"status": "success", "data": {"resultType": "matrix", "result": result}})


@asynccontextmanager
async def prometheus(
    *fakes: Fake, timeout_seconds: float = 5, most_bytes: int = MOST_BYTES, slow_again: bool = True
) -> AsyncIterator[Prometheus]:
    """A client of these servers, in their order, that waits for nothing between attempts."""
    servers: list[Any] = []
    async with aiohttp.ClientSession() as session:
        for fake in fakes:
            application = web.Application()
            application.add_routes(
                [
                    web.post("/api/v1/query_range", fake.answer),
                    web.post("/api/v1/query", fake.instant),
                    web.get("/api/v1/rules", fake.rules),
                    web.get("/api/v1/status/config", fake.configuration),
                ]
            )
            servers.append(TestServer(application))
            await servers[-1].start_server()
        urls = [str(server.make_url("")).rstrip("/") for server in servers]
        try:
            wait = tenacity.wait_none()
            yield Prometheus(
                session,
                urls,
                timeout_seconds=timeout_seconds,
                most_bytes=most_bytes,
                wait=wait,
                slow_again=slow_again,
            )
        finally:
            for server in servers:
                await server.close()
