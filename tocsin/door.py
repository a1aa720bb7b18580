"""Who comes in: so many connections at once, and each says within a time what it wants.

aiohttp bounds a request's head by `max_line_size`, `max_field_size` and `max_headers`, and closes a connection that has
not brought a whole head within `keepalive_timeout` of its beginning or its last answer (`RequestHandler.
_process_keepalive`); it does not count connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

log = structlog.get_logger("tocsin.door")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
HEAD_SECONDS = 30.0  # for the head of a request, and between two of them; HTTP clients open another connection after it
TOLD_AGAIN_SECONDS = 600.0
FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 47\r\n\r\n"
    b"max_connections are open and busy; try it again"
)


class Connections:
    """Counts connections. One too many takes the place of the one that has been here longest and asks for nothing."""

    def __init__(self, limit: int, turned_away: Callable[[], None]) -> None:
        """`turned_away` is called for each that is closed or refused."""
        self.limit = limit
        self._turned_away = turned_away
        self._busy: set[asyncio.BaseProtocol] = set()
        self._told_at: float | None = None

    def middleware(self) -> Middleware:
        """Knows who is being served. The first one of the application."""

        @web.middleware
        async def serve(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._busy.add(request.protocol)
            try:
                return await handler(request)
            finally:
                self._busy.discard(request.protocol)

        return serve

    def enter(self, server: web.Server) -> asyncio.Protocol:
        """What speaks with the next connection."""
        here = [connection for connection in server.connections if connection.transport is not None]
        if len(here) < self.limit:
            return server()
        self._tell()
        idle = next((connection for connection in here if connection not in self._busy), None)
        if idle is None:
            return _Full()
        idle.force_close()
        return server()

    def _tell(self) -> None:
        self._turned_away()
        now = asyncio.get_running_loop().time()
        if self._told_at is None or now - self._told_at >= TOLD_AGAIN_SECONDS:
            self._told_at = now
            log.warning("there are too many connections: idle ones are closed, else new ones refused", limit=self.limit)


class DoorRunner(web.AppRunner):
    """Runs an application behind a bound on its connections."""

    __slots__ = ("_connections",)

    def __init__(self, application: web.Application, connections: Connections, **options: Any) -> None:
        super().__init__(application, keepalive_timeout=HEAD_SECONDS, **options)
        self._connections = connections

    @property
    def server(self) -> Any:
        """What a site makes connections with; it asks for nothing else of it."""
        server = super().server
        return None if server is None else lambda: self._connections.enter(server)


class _Full(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(FULL)
        transport.close()
