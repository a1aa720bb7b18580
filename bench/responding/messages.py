"""Many messages at once to a channel that fails now and then, in one process."""

from __future__ import annotations

import asyncio
import resource
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from bench.intake.verdict import Figure
from bench.responding.filled import fill, messages
from bench.responding.sink import Sink
from receiver.app import Receiver
from receiver.config import ReceiverConfig
from receiver.prepared import Prepared
from receiver.store.database import Database
from tocsin.clock import SystemClock

FAILS = 0.2
LONGEST_SECONDS = 120.0


async def measure(count: int, folder: Path) -> list[Figure]:
    """Sends so many messages, each about an incident of its own."""
    clock, sink = SystemClock(), Sink(count, fails=FAILS)
    database = await Database.open(folder / "messages")
    try:
        await fill(database, range(count), messages(clock.now()), clock.now())
        receiver = await Receiver.build(
            database, replace(Prepared.of(ReceiverConfig()), channels={"sink": sink}), clock
        )
        cpu, began = _cpu(), time.perf_counter()
        running = asyncio.create_task(receiver.runner.run())
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_SECONDS):
                await sink.full.wait()
        took = sink.at[-1] - began
        spent = _cpu() - cpu
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await receiver.inbox.close()
    finally:
        await database.close()
    most = sink.at[int(len(sink.at) * 0.95) - 1] - began
    return [
        Figure("messages delivered", len(sink.took), "", "at least", count),
        Figure("most often that one was taken", max(sink.took.values()), "", "at most", 1),
        Figure("attempts", sink.attempts, ""),
        Figure("messages a second, until 95 % were delivered", 0.95 * len(sink.took) / most, "1/s", "at least", 500),
        Figure("messages a second, until the last one", len(sink.took) / took, "1/s", "at least", 500),
        Figure("processor time of a message", spent / len(sink.took) * 1e3, "ms"),
    ]


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
