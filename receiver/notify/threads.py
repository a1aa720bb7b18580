"""Client libraries that block: a few threads of a channel's own, so that one that hangs delays no other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from receiver.notify.channel import ChannelUnavailable

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 4  # threads of one channel
GRACE_SECONDS = 5.0  # for loading the library, and for waiting for one of these threads


class Blocking(Generic[T]):
    """Calls of a library that blocks. Each thread has a client of its own: few libraries say they may share one."""

    def __init__(self, make: Callable[[], T], name: str) -> None:
        self._make = make
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix=name)
        self._own = threading.local()

    async def run(self, call: Callable[[T], R], seconds: float) -> R:
        """What a call gives; `seconds` is its socket's own time-out, a thread that hangs is left to it.

        Raises:
            ChannelUnavailable: the time is over. Perhaps it has been done.
        """
        try:
            future = self._pool.submit(self._call, call)
        except RuntimeError as error:
            raise ChannelUnavailable("the channel has been closed: the configuration was read again") from error
        try:
            async with asyncio.timeout(2 * seconds + GRACE_SECONDS):
                return await asyncio.wrap_future(future)
        except TimeoutError as error:
            raise ChannelUnavailable(f"no answer within {2 * seconds + GRACE_SECONDS:g} s") from error

    def _call(self, call: Callable[[T], R]) -> R:
        client: T | None = getattr(self._own, "client", None)
        if client is None:
            client = self._own.client = self._make()
        return call(client)

    async def close(self) -> None:
        """Takes no more calls; those under way end by themselves."""
        self._pool.shutdown(wait=False)
