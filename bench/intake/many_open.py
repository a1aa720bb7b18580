"""What many open alerts cost: memory, a restart, and each alert that comes beside them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from bench.intake.alerts import receiver_bodies
from bench.intake.servers import Receiver, post_all, receiver
from bench.intake.verdict import Figure

BODY_SIZE = 100
FEW = 2_000
NEW_BESIDE_FEW = 6_000  # more would no longer be beside few; fewer are too quick to be measured
NEW_BESIDE_MANY = 20_000
REPEATS = 20_000


async def measure(http: aiohttp.ClientSession, wanted: int, folder: Path, config: Path | None = None) -> list[Figure]:
    """Fills a store with open alerts and measures at its beginning and at its end."""
    async with receiver(http, folder, config) as tocsin:
        feeder = _Feeder(tocsin)
        few = receiver_bodies(range(FEW), BODY_SIZE)
        await feeder.send(few)
        repeated_few = await feeder.send(few * (REPEATS // FEW))
        new_few = await feeder.send(receiver_bodies(range(FEW, FEW + NEW_BESIDE_FEW), BODY_SIZE))
        rest = receiver_bodies(range(FEW + NEW_BESIDE_FEW, wanted), BODY_SIZE)
        await feeder.send(rest)
        repeated_many = await feeder.send(rest)
        resident = tocsin.resident_bytes()
        new_many = await feeder.send(receiver_bodies(range(wanted, wanted + NEW_BESIDE_MANY), BODY_SIZE))
    began = time.perf_counter()
    async with receiver(http, folder, config) as tocsin:
        ready = time.perf_counter() - began
        first_many = await _Feeder(tocsin).send(rest)
        resident_again = tocsin.resident_bytes()
    return [
        Figure("resident memory", resident / 1e6, "MB", "at most", 800),
        Figure("resident memory after a restart and a repeat of all", resident_again / 1e6, "MB", "at most", 800),
        Figure("restart to ready", ready, "s", "at most", 10),
        Figure(f"a repeated alert beside {FEW:,}: processor time", repeated_few, "µs"),
        Figure(f"a repeated alert beside {wanted:,}: processor time", repeated_many, "µs"),
        Figure(
            f"a repeated alert beside {wanted:,}, against {FEW:,}", repeated_many / repeated_few, "×", "at most", 1.5
        ),
        Figure(f"a new alert beside {FEW:,}: processor time", new_few, "µs"),
        Figure(f"a new alert beside {wanted:,}: processor time", new_many, "µs"),
        Figure(f"a new alert beside {wanted:,}, against {FEW:,}", new_many / new_few, "×", "at most", 1.5),
        Figure("a repeated alert, the first time after a restart", first_many, "µs"),
    ]


class _Feeder:
    """Sends bodies and waits until the engine is done with them."""

    def __init__(self, tocsin: Receiver) -> None:
        self._tocsin = tocsin
        self._sent = 0

    async def send(self, contents: Sequence[bytes]) -> float:
        """Processor time of the receiver for one alert, in microseconds."""
        before = self._tocsin.cpu_seconds()
        self._sent += len(contents) * BODY_SIZE
        await post_all(self._tocsin.http, self._tocsin.hook, contents)
        await self._tocsin.until_processed(self._sent)
        return (self._tocsin.cpu_seconds() - before) / (len(contents) * BODY_SIZE) * 1e6
