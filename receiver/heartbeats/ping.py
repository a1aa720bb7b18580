"""Tells somebody outside that we live: as long as the engine works and the store takes writes, and only then."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Literal

import aiohttp
import structlog
from prometheus_client import CollectorRegistry, Counter

from receiver.heartbeats.settings import PingSettings
from receiver.store.database import Lost
from receiver.store.probe import Probe
from tocsin import duration
from tocsin.clock import Clock
from tocsin.config import read_secret
from tocsin.errors import TocsinError

log = structlog.get_logger("receiver.heartbeats")

STUCK_AFTER = timedelta(minutes=5)  # a body that waits so long tells that the engine does not work

State = Literal["sent", "failed", "withheld"]


class Alive:
    """Whether we do what we are here for."""

    def __init__(self, probe: Probe, engine_failing: Callable[[], str], clock: Clock) -> None:
        self._probe = probe
        self._engine_failing = engine_failing
        self._clock = clock

    async def ails(self) -> str:
        """What keeps us from our work; an empty text if nothing does."""
        if self._engine_failing():
            return self._engine_failing()
        try:
            await self._probe.write()
            waiting_since = await self._probe.waiting_since()
        except (TocsinError, Lost) as error:
            return str(error)
        if waiting_since is not None and self._clock.now() - waiting_since > STUCK_AFTER:
            return f"a body has waited for the engine for more than {duration.show(STUCK_AFTER)}"
        return ""


class PingMetrics:
    """What became of the pings."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.pings = Counter(
            "tocsin_receiver_pings",
            "Signs of life to the configured ping, by state: sent, failed, or withheld because we do not work.",
            ["state"],
            registry=registry,
        )
        for state in ("sent", "failed", "withheld"):
            self.pings.labels(state)


class Ping:
    """Calls a URL every so often."""

    def __init__(self, settings: PingSettings, ails: Callable[[], Awaitable[str]], metrics: PingMetrics) -> None:
        self._settings = settings
        self._ails = ails
        self._metrics = metrics
        self._last: tuple[State, str] = ("sent", "")

    async def run(self) -> None:
        """Pings until cancelled."""
        while True:
            await self.once()
            await asyncio.sleep(self._settings.every.total_seconds())

    async def once(self) -> State:
        """One ping, or none, if we do not work; gives what became of it."""
        ails = await self._ails()
        state: State
        state, reason = ("withheld", ails) if ails else await self._send()
        self._metrics.pings.labels(state).inc()
        if (state, reason) != self._last:
            if state == "sent":
                log.info("the ping arrives again")
            else:
                log.error("no sign of life goes out", state=state, reason=reason)
        self._last = (state, reason)
        return state

    async def _send(self) -> tuple[State, str]:
        settings = self._settings
        timeout = aiohttp.ClientTimeout(total=settings.timeout.total_seconds())
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, headers={"User-Agent": "tocsin"}) as session,
                session.request(settings.method, self._url()) as answer,
            ):
                return (
                    ("sent", "")
                    if answer.ok
                    else ("failed", f"answered {answer.status} {answer.reason or ''}".rstrip())
                )
        except TimeoutError:
            return "failed", f"no answer within {timeout.total:g} s"
        except (aiohttp.ClientError, OSError) as error:
            return "failed", type(error).__name__  # its text may hold the URL, which is a secret
        except TocsinError as error:
            return "failed", str(error)

    def _url(self) -> str:
        if self._settings.url_file is not None:
            return read_secret(self._settings.url_file).strip()
        return str(self._settings.url)
