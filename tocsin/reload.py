"""Reading the configuration again while running: a good one takes over as a whole, a bad one changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog
from prometheus_client import CollectorRegistry, Gauge

from tocsin.clock import Clock
from tocsin.errors import InputError, TocsinError
from tocsin.problem import as_text

log = structlog.get_logger("tocsin.reload")

C = TypeVar("C")


class Reloader(Generic[C]):
    """Reads and checks in a thread, then applies in one go, between two requests."""

    def __init__(
        self, read: Callable[[], C], apply: Callable[[C], Awaitable[None]], *, registry: CollectorRegistry, clock: Clock
    ) -> None:
        """`read` raises what is wrong with the files; `apply` changes nothing when it raises."""
        self._read = read
        self._apply = apply
        self._clock = clock
        self._turn = asyncio.Lock()
        self._refused = ""
        self._running: set[asyncio.Task[str]] = set()
        self._successful = Gauge(
            "tocsin_config_last_reload_successful",
            "Whether the configuration was taken when it was last read: 1 or 0.",
            registry=registry,
        )
        self._last_success = Gauge(
            "tocsin_config_last_reload_success_timestamp_seconds",
            "When a configuration was last taken, in Unix seconds.",
            registry=registry,
        )
        self._taken()

    async def reload(self) -> str:
        """Takes the configuration as it is now; why not, or an empty text."""
        async with self._turn:
            try:
                await self._apply(await asyncio.to_thread(self._read))
            except InputError as error:
                return self._not_taken(as_text(error.problems))
            except TocsinError as error:
                return self._not_taken(str(error))
            log.info("the configuration was read again")
            self._refused = ""
            self._taken()
            return ""

    def reload_soon(self) -> None:
        """Begins a reload, as a signal wants it."""
        task = asyncio.create_task(self.reload())
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def _taken(self) -> None:
        self._successful.set(1)
        self._last_success.set(self._clock.now().timestamp())

    def _not_taken(self, why: str) -> str:
        self._successful.set(0)
        if why != self._refused:
            log.error("the configuration is not taken, the old one stays", problems=why)
        self._refused = why
        return why
