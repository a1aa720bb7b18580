"""The measured world as blocks of Prometheus, without the series that nobody reads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from demo.measuring.plan import BLOCK, Plan
from demo.measuring.rulefiles import Reach
from demo.processes import run
from demo.shop.faults import Fault
from demo.shop.past import Page, make
from demo.shop.rhythm import Floats
from demo.shop.series import Rows
from demo.shop.text import write_openmetrics
from tocsin.words import plural

STEP_SECONDS = 60
PARTS = 4  # files: two are written or read at once, and no more than two lie about

Written = tuple[Mapping[str, str], Floats, Rows]  # labels, Unix times, and rows of that length


async def write(plan: Plan, reach: Reach, binaries: Path, folder: Path) -> str:
    """Makes the world's past and turns it into blocks below `folder`/data; returns what was made, in words."""
    pages = await asyncio.to_thread(_pages, plan)
    wanted = list(_wanted(plan, pages, reach))
    turn = asyncio.Semaphore(2)

    async def part(number: int) -> int:
        async with turn:
            file = folder / f"past-{number}.om"
            samples = await asyncio.to_thread(write_openmetrics, file, wanted[number::PARTS])
            await blocks(binaries, file, folder / "data")
            return samples

    async with asyncio.TaskGroup() as tasks:
        parts = [tasks.create_task(part(number)) for number in range(PARTS)]
    samples = sum(task.result() for task in parts)
    return f"{plural(samples, 'sample')} of {len(wanted)} series over {(plan.end - plan.start).days} days"


def _pages(plan: Plan) -> Iterable[Page]:
    faults = [Fault(one.fault, one.begin.timestamp(), one.end.timestamp()) for one in plan.episodes]
    days = (plan.end - plan.start).total_seconds() / 86_400
    return make(plan.end.timestamp(), days=days, faults=faults, step=STEP_SECONDS)


def _wanted(plan: Plan, pages: Iterable[Page], reach: Reach) -> Iterator[Written]:
    """Each series that is read, from the first time at which it is."""
    times: dict[tuple[int, int], Floats] = {}  # the same array for the same times: each becomes text but once
    for page in pages:
        for series, values in page.rows.items():
            back = reach.get(series.family.name + series.suffix)
            if back is not None:
                first = int(np.searchsorted(page.times, _from(plan, back).timestamp()))
                since = times.setdefault((id(page.times), first), page.times[first:])
                yield page.labels, since, {series: values[first:]}


def _from(plan: Plan, back: timedelta) -> datetime:
    return max(plan.normal_begin - back - timedelta(seconds=STEP_SECONDS), plan.start)


async def blocks(binaries: Path, samples: Path, data: Path) -> None:
    """Turns a file of OpenMetrics into blocks, and removes it: it is large."""
    # One block for all: promtool reads the whole file once for each.
    long = f"--max-block-duration={BLOCK.total_seconds() / 3600:.0f}h"
    await run(binaries / "promtool", "tsdb", "create-blocks-from", "openmetrics", long, "--quiet", samples, data)
    await asyncio.to_thread(samples.unlink)


def unix(when: datetime) -> int:
    return round(when.timestamp())
