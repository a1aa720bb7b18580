"""The HTTP session that a channel keeps: made at the first call, closed once what is under way has been answered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import aiohttp


class KeptSession:
    """One session without cookies; every call through it ends by the time-out."""

    def __init__(self, timeout: timedelta, *middlewares: aiohttp.ClientMiddlewareType) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout.total_seconds())
        self._middlewares = middlewares
        self._session: aiohttp.ClientSession | None = None
        self._under_way = 0
        self._idle = asyncio.Event()

    def opened(self) -> aiohttp.ClientSession:
        """The session, made now if there is none."""
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar(), middlewares=self._middlewares
            )
        return self._session

    @property
    def closed(self) -> bool:
        """Whether it was closed, and nothing was sent since."""
        return self._session is not None and self._session.closed

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """While a call lasts, the session is not closed."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self._idle.set()

    async def close(self) -> None:
        """Closes the session once what is being sent has been answered."""
        while self._under_way:
            self._idle.clear()
            await self._idle.wait()
        if self._session is not None:
            await self._session.close()
