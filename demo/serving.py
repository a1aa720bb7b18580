"""Small HTTP servers of our own, on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from demo.processes import free_port


@asynccontextmanager
async def serving(application: web.Application) -> AsyncIterator[str]:
    """Serves an application for the length of a block; gives its address (`127.0.0.1:23456`)."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"127.0.0.1:{port}"
    finally:
        await runner.cleanup()
