"""One request over the wire: to addresses that were judged, made once, and its answer read so far as is wanted."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from yarl import URL

from receiver.remediate.steps.http_addresses import Address, Pinned
from receiver.remediate.steps.http_answer import Answer, onward
from receiver.remediate.steps.http_edge import HttpEdge

MOST_BODY = 64 * 1024  # bytes that are read of an answer
BODY_SECONDS = 10.0  # and how long, once its status is known
MOST_HOPS = 5

Headers = Sequence[tuple[str, str]]


@dataclass(slots=True)
class Request:
    """One request, and how far it has come. `sent`: there was a connection, so it may have arrived."""

    edge: HttpEdge
    host: str
    url: URL
    arguments: Mapping[str, Any]
    secrets: set[str] = field(default_factory=set)
    sent: bool = False

    @property
    def proxy(self) -> str | None:
        """The proxy to go through; it looks the host up itself."""
        if self.edge.proxy_url or not self.edge.proxy_from_environment:
            return self.edge.proxy_url
        return None if urllib.request.proxy_bypass(self.host) else urllib.request.getproxies().get(self.edge.scheme)


async def ask(request: Request, found: Sequence[Address], headers: Headers, until: float) -> Answer:
    """The answer; its status must be there by `until`, in the event loop's time. `found` is empty behind a proxy.

    Raises:
        TimeoutError: it is not.
        aiohttp.ClientError, OSError: there is no connection, or it broke.
    """
    async with asyncio.timeout_at(until) as limit:
        secure = request.edge.scheme == "https"
        tls = await asyncio.to_thread(request.edge.tls_config.context) if secure else True
        resolver = Pinned(request.host, found) if found else None
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=tls, force_close=True, resolver=resolver),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                trace_configs=[_watching(request)],
                auto_decompress=False,  # a small answer could become one of any size
            ) as http,
            _last(http, request, headers) as response,
        ):
            limit.reschedule(None)  # the status stands, whatever becomes of the body
            return await _read(response, until)


@asynccontextmanager
async def _last(
    http: aiohttp.ClientSession, request: Request, headers: Headers
) -> AsyncIterator[aiohttp.ClientResponse]:
    """The answer after those that point elsewhere on the same host, where the endpoint follows them."""
    edge, arguments, url = request.edge, request.arguments, request.url
    data = json.dumps(arguments["json"]).encode() if "json" in arguments else None
    for hop in range(MOST_HOPS):
        request.sent = False
        async with http.request(
            arguments["method"],
            url,
            data=data,
            headers=headers,
            allow_redirects=False,
            proxy=request.proxy,
            server_hostname=edge.tls_config.server_name or None,
        ) as response:
            location = response.headers.get("Location", "")
            target = onward(url, arguments["method"], response.status, location) if edge.follow_redirects else None
            if target is None or hop == MOST_HOPS - 1:
                yield response
                return
        url = target


def _watching(request: Request) -> aiohttp.TraceConfig:
    """Notes when there is a connection: from then on the request may have arrived, and no other one is made.

    aiohttp would make one by itself where a GET, PUT or DELETE was not answered (RFC 9112, 9.3.1).
    """

    async def connecting(*_: object) -> None:
        if request.sent:
            raise aiohttp.ClientConnectionError("the connection broke before there was an answer")

    async def connected(*_: object) -> None:
        request.sent = True

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_start.append(connecting)
    trace.on_connection_create_end.append(connected)
    return trace


async def _read(response: aiohttp.ClientResponse, until: float) -> Answer:
    """So much of the body as is wanted and comes."""
    body, whole = bytearray(), False
    try:
        async with asyncio.timeout_at(min(until, asyncio.get_running_loop().time() + BODY_SECONDS)):
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > MOST_BODY:
                    break
            else:
                whole = True
    except (TimeoutError, aiohttp.ClientError, OSError):
        pass  # what has come is kept
    return Answer(response.status, bytes(body[:MOST_BODY]).decode("utf-8", "replace"), whole)
