"""One fault of the shop, begun now or some time ago, and told as servers and people hear of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from demo.measuring.page import PAGE, Stated, stated
from demo.measuring.showing import length
from demo.shop.faults import COURSES
from demo.show import show_addresses, tell
from demo.stack import Stack
from demo.watching import POLL_SECONDS, Watching

ENGINE = "exporter"  # who judges what is usual in this stack (demo/packs.py)
GRACE = timedelta(minutes=5)  # beyond the time that the page states


@dataclass(frozen=True, slots=True)
class Breaking:
    """A fault and when it begins: as soon as everything runs, or at a Unix time in the past."""

    fault: str
    begun: float | None


def past_of(breaking: Breaking) -> tuple[str, ...]:
    """What `demo.shop.past` is told, so that history holds a fault that began long ago."""
    return () if breaking.begun is None else (f"--fault={breaking.fault}@{breaking.begun:.0f}",)


async def broken(stack: Stack, breaking: Breaking, *, once: bool) -> int:
    """Breaks it and tells what comes of it: with `once` until the alert fires that docs/guide/faults.md names.

    Returns the exit code: 0, or 1 if that alert did not fire in time. Whatever happens, it is mended in the end.
    """
    fault = f"{stack.urls['shop']}/faults/{breaking.fault}"
    watching = Watching(stack)
    before = await watching.settled()
    begun = breaking.begun or time.time()
    expected = stated(PAGE.read_text(encoding="utf-8")).get((breaking.fault, ENGINE))
    _introduce(stack, breaking, expected, before, once=once)
    async with stack.http.post(f"{fault}?since={begun:.3f}") as response:
        response.raise_for_status()
    try:
        return await _until_told(watching, begun, expected, once=once)
    finally:
        async with stack.http.delete(fault):
            tell(f"\n{breaking.fault} is mended.")


def _introduce(stack: Stack, breaking: Breaking, expected: Stated | None, before: Sequence[str], *, once: bool) -> None:
    tell(f"{breaking.fault}: {COURSES[breaking.fault].doc}.")
    if before:
        tell(f"Before it begins, {', '.join(before)} fires: as always, or for a reason of its own.")
    if expected:
        tell(f"As measured, {expected.alert} tells of it first, after {length(expected.after)} ({PAGE.name}).")
    if breaking.begun is not None:
        ago = length(timedelta(seconds=time.time() - breaking.begun))
        tell(f"It began {ago} ago, and the history holds it; rules see it from now on.")
    if not once:
        tell("It goes on until you press Ctrl-C, which mends it. Look around meanwhile:\n")
        show_addresses(stack.urls)
    tell("")


async def _until_told(watching: Watching, begun: float, expected: Stated | None, *, once: bool) -> int:
    """Until the expected alert fires, or its time is over; for ever if that is not asked for."""
    within = expected.after if expected else timedelta()
    end = max(begun + within.total_seconds(), time.time()) + GRACE.total_seconds()
    while True:
        async for news in watching.news():
            tell(f"  {_elapsed(time.time() - begun)}  {news.text}")
            if once and news.fires and (expected is None or news.fires == expected.alert):
                return 0
        if once and time.time() > end:
            tell(f"\n{expected.alert if expected else 'No alert'} did not fire in time.")
            return 1
        watching.stack.check()
        await asyncio.sleep(POLL_SECONDS)


def _elapsed(seconds: float) -> str:
    """`+3:40`, `+1:02:03`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"+{hours}:{minutes:02}:{rest:02}" if hours else f"+{minutes}:{rest:02}"
