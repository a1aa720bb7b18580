"""Alerts a second taken in durably, and processed, as multiples of what Alertmanager takes in of the same alerts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bench.intake.alerts import alerts, bodies, for_alertmanager, for_receiver
from bench.intake.servers import alertmanager, post_all, receiver
from bench.intake.verdict import Figure

BODY_SIZES = (1, 20, 100, 1000)
ASKED_SIZE = 100
HEADING = "  body  Alertmanager    new: accepted, processed   repeated: accepted, processed"


@dataclass(frozen=True, slots=True)
class Line:
    """One body size; all but Alertmanager's own rate are multiples of it."""

    size: int
    alertmanager: float
    new_accepted: float
    new_processed: float
    repeated_accepted: float
    repeated_processed: float

    def __str__(self) -> str:
        rates = (self.new_accepted, self.new_processed, self.repeated_accepted, self.repeated_processed)
        return f"{self.size:6}  {self.alertmanager:12,.0f}  " + "  ".join(f"{rate:9.2f} ×" for rate in rates)

    def figures(self, *, accepted: float) -> list[Figure]:
        """The figures beside what was asked; `accepted` depends on the store."""
        slower = min(self.new_accepted, self.repeated_accepted)
        return [
            Figure("durably accepted", slower, "×", "at least", accepted),
            Figure("processed, all new", self.new_processed, "×", "at least", 0.4),
            Figure("processed, all repeated", self.repeated_processed, "×", "at least", 0.8),
        ]


async def measure(
    http: aiohttp.ClientSession, count: int, size: int, binaries: Path, folder: Path, config: Path | None = None
) -> Line:
    """The receiver between two new Alertmanagers, of which the mean counts: a machine is not always equally quick."""
    parts = list(bodies(alerts(range(count)), size))
    ours, theirs = [for_receiver(part) for part in parts], [for_alertmanager(part) for part in parts]
    rates, times = [], []
    async with alertmanager(http, folder / "before", binaries) as url:
        times.append(await post_all(http, url, theirs))
    async with receiver(http, folder, config) as tocsin:
        for already in (0, count):  # all new, then all repeated
            began = time.perf_counter()
            accepted = count / await post_all(http, tocsin.hook, ours)
            await tocsin.until_processed(already + count)
            rates += [accepted, count / (time.perf_counter() - began)]
    async with alertmanager(http, folder / "after", binaries) as url:
        times.append(await post_all(http, url, theirs))
    mean = 2 * count / sum(times)
    return Line(size, mean, *(rate / mean for rate in rates))
