"""Timers that wait, timers that are due while alerts come in, and the way of a message from a webhook to the wire."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import sqlalchemy as sa

from bench.intake.alerts import receiver_bodies
from bench.intake.servers import JSON, Receiver, receiver
from bench.intake.verdict import Figure
from bench.responding.filled import fill, timers
from bench.responding.sink import FarSide, far_side
from receiver.engine.events import Escalated
from receiver.store.database import Database
from receiver.store.ledger import event_of
from receiver.store.schema import events
from tocsin.clock import SystemClock

BODY_SIZE = 20  # each body a group, and an incident, of its own
IDLE_SECONDS = 10.0
SETTLES_SECONDS = 15.0  # after the start
READY_SECONDS = 60.0  # until the first timer is due
FAR_AWAY = timedelta(days=7)


async def measure(
    http: aiohttp.ClientSession, waiting: int, due: int, rate: int, seconds: float, folder: Path
) -> list[Figure]:
    """`waiting` timers stand by, then `due` of them ring while `rate` alerts a second come in for so many seconds."""
    async with far_side() as far:
        config = _config(folder, far)
        database = await Database.open(folder / "tocsin")
        now = SystemClock().now()
        await fill(database, range(due, waiting), timers(now + FAR_AWAY, timedelta(seconds=1)), now)
        began = datetime.now(UTC) + timedelta(seconds=READY_SECONDS)
        every = timedelta(seconds=seconds / due)
        await fill(database, range(due), timers(began, every), now)
        await database.close()
        async with receiver(http, folder, config) as tocsin:
            await asyncio.sleep(SETTLES_SECONDS)
            idle = await _idle(tocsin)
            await asyncio.sleep((began - datetime.now(UTC)).total_seconds())
            cpu = tocsin.cpu_seconds()
            sent = await _storm(tocsin, rate, seconds)
            await asyncio.sleep(5)
            cpu = tocsin.cpu_seconds() - cpu
        late = await _late(folder / "tocsin", [began + number * every for number in range(due)])
        wire = [arrived - sent[number] for number, arrived in _bodies_told(far).items() if number in sent]
    return [
        Figure(f"idle beside {waiting:,} timers", idle * 100, "%", "below", 2),
        Figure("timers that rang", len(late), "", "at least", due),
        Figure("lateness of a step, median", _part(late, 0.5), "s"),
        Figure("lateness of a step, p99", _part(late, 0.99), "s", "at most", 1),
        Figure("bodies that were told of", len(wire), ""),
        Figure("webhook to wire, median", _part(wire, 0.5), "s", "at most", 0.2),
        Figure("webhook to wire, p99", _part(wire, 0.99), "s", "at most", 1),
        Figure("processor time, of a core", cpu / (seconds + 5) * 100, "%"),
    ]


def _config(folder: Path, far: FarSide) -> Path:
    config = folder / "tocsin.yml"
    channel = {"webhook": {"url": far.url}}
    steps = [{"after": "0s", "notify": ["sink"]}]
    config.write_text(json.dumps({"channels": {"sink": channel}, "escalation": {"steps": steps}}))
    return config


async def _idle(tocsin: Receiver) -> float:
    """The share of a core that is used while nothing happens."""
    cpu, began = tocsin.cpu_seconds(), time.perf_counter()
    await asyncio.sleep(IDLE_SECONDS)
    return (tocsin.cpu_seconds() - cpu) / (time.perf_counter() - began)


def _bodies_told(far: FarSide) -> dict[int, float]:
    """When the first message with an alert of each body arrived; a message shows some of them."""
    arrived: dict[int, float] = {}
    for instance, at in far.at.items():
        if found := re.fullmatch(r"host-(\d+):9100", instance):
            number = int(found[1]) // BODY_SIZE
            arrived[number] = min(at, arrived.get(number, at))
    return arrived


async def _storm(tocsin: Receiver, rate: int, seconds: float) -> dict[int, float]:
    """Sends new alerts at a rate; when each body should have left, by its number."""
    contents = receiver_bodies(range(int(rate * seconds)), BODY_SIZE)
    began = time.time() + 0.1
    sent: dict[int, float] = {}

    async def post(number: int, content: bytes) -> None:
        due = began + number * BODY_SIZE / rate
        sent[number] = due
        await asyncio.sleep(due - time.time())
        async with tocsin.http.post(tocsin.hook, data=content, headers=JSON) as answer:
            answer.raise_for_status()

    async with asyncio.TaskGroup() as tasks:
        for number, content in enumerate(contents):
            tasks.create_task(post(number, content))
    return sent


async def _late(store: Path, due: Sequence[datetime]) -> list[float]:
    """How long after its moment each timer's step was recorded."""
    database = await Database.open(store)
    try:
        names = {f"i{number:08}": at for number, at in enumerate(due)}
        async with database.read() as connection:
            rows = list(await connection.execute(sa.select(events).where(events.c.version >= 3)))
    finally:
        await database.close()
    recorded = [(row.incident, *event_of(row)) for row in rows if row.incident in names]
    return [(at - names[name]).total_seconds() for name, at, event in recorded if isinstance(event, Escalated)]


def _part(values: Sequence[float], part: float) -> float:
    """A quantile, from above."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))] if values else float("inf")
