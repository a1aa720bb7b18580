"""Latencies at a steady rate: from the moment a body should be sent to its answer, and to its incident."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from bench.intake.alerts import receiver_bodies
from bench.intake.servers import JSON, POLL_SECONDS, Receiver, receiver
from bench.intake.verdict import Figure

BODY_SIZE = 20  # each body a group, and an incident, of its own


async def measure(
    http: aiohttp.ClientSession, rate: int, seconds: float, folder: Path, config: Path | None = None
) -> list[Figure]:
    """Sends new alerts at a rate (alerts a second), whether or not earlier ones were answered."""
    contents = receiver_bodies(range(int(rate * seconds)), BODY_SIZE)
    async with receiver(http, folder, config) as tocsin:
        began = time.perf_counter() + 0.1
        due = [began + number * BODY_SIZE / rate for number in range(len(contents))]
        async with asyncio.TaskGroup() as tasks:
            watched = tasks.create_task(_watch(tocsin, len(contents) * BODY_SIZE))
            posts = [tasks.create_task(_post(tocsin, *one)) for one in zip(contents, due, strict=True)]
        incidents = _until_processed(due, watched.result())
    answers = [post.result() for post in posts]
    return [
        Figure("POST, median", _part(answers, 0.5) * 1e3, "ms"),
        Figure("POST, p99", _part(answers, 0.99) * 1e3, "ms", "below", 100),
        Figure("POST to incident, median", _part(incidents, 0.5), "s"),
        Figure("POST to incident, p99", _part(incidents, 0.99), "s", "below", 1),
    ]


async def _post(tocsin: Receiver, content: bytes, due: float) -> float:
    await asyncio.sleep(due - time.perf_counter())
    async with tocsin.http.post(tocsin.hook, data=content, headers=JSON) as answer:
        answer.raise_for_status()
    return time.perf_counter() - due


async def _watch(tocsin: Receiver, wanted: int) -> list[tuple[float, float]]:
    """When how many alerts had been processed, until all were; the moments are late by one poll at most."""
    seen = [(time.perf_counter(), 0.0)]
    while seen[-1][1] < wanted:
        await asyncio.sleep(POLL_SECONDS)
        count = await tocsin.processed()
        seen.append((time.perf_counter(), count))
    return seen


def _until_processed(due: Sequence[float], seen: Sequence[tuple[float, float]]) -> list[float]:
    """Bodies are processed in the order in which they come: the n-th is done when n bodies' alerts are."""
    moments = iter(seen)
    at, count = next(moments)
    waited = []
    for number, began in enumerate(due, start=1):
        while count < number * BODY_SIZE:
            at, count = next(moments)
        waited.append(at - began)
    return waited


def _part(values: Sequence[float], part: float) -> float:
    """A quantile, from above."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]
