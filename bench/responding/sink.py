"""Where messages go in a benchmark: a channel in the process, or a far side on the wire."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import ClassVar

from aiohttp import web

from receiver.notify.channel import ChannelUnavailable, Envelope, Receipt


@dataclass
class Sink:
    """A channel that takes its time and fails now and then; it keeps the keys of what it took, and when."""

    contact: ClassVar[str] = ""
    follows: ClassVar[bool] = False
    idempotent: ClassVar[bool] = True

    wanted: int
    fails: float = 0.2
    takes_seconds: float = 0.02
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    took: Counter[str] = field(default_factory=Counter)
    at: list[float] = field(default_factory=list)
    attempts: int = 0
    full: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, envelope: Envelope) -> Receipt:
        self.attempts += 1
        await asyncio.sleep(self.takes_seconds)
        if self.rng.random() < self.fails:
            raise ChannelUnavailable("answered 503")
        self.took[envelope.key] += 1
        self.at.append(time.perf_counter())
        if len(self.took) >= self.wanted:
            self.full.set()
        return Receipt()


@dataclass
class FarSide:
    """A webhook's far side; `at` is when the first alert of a message first arrived, by its instance."""

    url: str = ""
    at: dict[str, float] = field(default_factory=dict)
    messages: int = 0


@asynccontextmanager
async def far_side() -> AsyncIterator[FarSide]:
    far = FarSide()

    async def take(request: web.Request) -> web.Response:
        arrived = time.time()
        told = await request.json()
        far.messages += 1
        for alert in told["alerts"]:
            far.at.setdefault(alert["labels"].get("instance", ""), arrived)
        return web.Response()

    application = web.Application()
    application.router.add_post("/hook", take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        far.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        yield far
    finally:
        await runner.cleanup()
