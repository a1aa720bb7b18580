"""Small HTTP servers of our own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from demo.processes import free_port


@asynccontextmanager
async def serving(application: web.Application, address: str = "") -> AsyncIterator[str]:
    """Serves an application for the length of a block; gives its address, by default a free one on loopback."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        address = address or f"127.0.0.1:{free_port()}"
        host, port = address.rsplit(":", 1)
        await web.TCPSite(runner, host, int(port)).start()
        yield address
    finally:
        await runner.cleanup()
