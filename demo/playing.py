"""`tocsin demo` from the set-up to the end: stories, or one fault, on servers that are taken down whatever happens."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from demo.breaking import Breaking, broken, past_of
from demo.healing import healing
from demo.processes import CommandFailed, Died
from demo.show import show_addresses, show_story, tell
from demo.sketch import sketch
from demo.stack import HISTORY, Stack, running_stack
from demo.story import crash, creep


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for: a fault to watch, or else the stories."""

    binaries: Path
    once: bool = False
    quick: bool = False
    picture: Path | None = None
    fault: Breaking | None = None


def demo(order: Order) -> int:
    """The exit code: 0 if all that should be was seen, 1 if something was not, 130 if it was interrupted."""
    try:
        return asyncio.run(_until_signal(order))
    except asyncio.CancelledError:
        tell("stopped; nothing is left running")
        return 130


async def _until_signal(order: Order) -> int:
    stop = asyncio.current_task()
    assert stop is not None  # asyncio.run made it
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.cancel)
    missing = [name for name in ("prometheus", "promtool", "alertmanager") if not (order.binaries / name).exists()]
    if missing:
        tell(f"{order.binaries} has no {' and no '.join(missing)}: make tools, or --binaries DIR")
        return 1
    try:
        return await (_fault(order, order.fault) if order.fault else _stories(order))
    except (Died, CommandFailed) as error:
        tell(f"the demo cannot go on: {error}")
        return 1


async def _stories(order: Order) -> int:
    async def told(stack: Stack) -> int:
        outcomes = await show_story(crash(stack) if order.quick else creep(stack), stack.check)
        if outcomes[-1].seen and not order.picture:
            tell("\nNow two faults that Tocsin tries to mend before a person does; one in vain:\n")
            outcomes += await show_story(healing(stack), stack.check)
        if not outcomes[-1].seen:
            last = outcomes[-1]
            tell(f"\nThis step was not seen: {last.step.name} ({last.step.where}). Instead: {last.what}")
            return 1
        tell("\nEvery step was seen at its source.")
        if order.picture:
            await sketch(stack, outcomes, order.picture)
            tell(f"{order.picture} shows it.")
        if not order.once:
            await _keep(stack)
        return 0

    shop = "a streaming shop" if order.quick else "a streaming shop with two weeks of history"
    return await _set_up(order, shop, told)


async def _fault(order: Order, fault: Breaking) -> int:
    async def told(stack: Stack) -> int:
        return await broken(stack, fault, once=order.once)

    return await _set_up(order, "a streaming shop with two weeks of history", told)


async def _set_up(order: Order, what: str, then: Callable[[Stack], Awaitable[int]]) -> int:
    tell(f"Setting up {what}, Prometheus, Alertmanager and Tocsin:")
    begun = time.monotonic()
    without = HISTORY if order.quick else ()
    more = {"past": past_of(order.fault)} if order.fault else {}
    async with running_stack(
        order.binaries, without=without, more=more, all_packs=order.fault is not None, tell=tell
    ) as stack:
        tell(f"All of it is ready after {time.monotonic() - begun:.0f} s.\n")
        return await then(stack)


async def _keep(stack: Stack) -> None:
    """Goes on until Ctrl-C."""
    tell("It goes on until you press Ctrl-C. Look around, or break something:\n")
    show_addresses(stack.urls)
    tell(f"  .venv/bin/tocsin incidents list --all --url {stack.urls['receiver']}")
    tell(f"  curl -X POST {stack.urls['shop']}/faults/failing-gateway        (mend it with -X DELETE)")
    tell(f"  curl -X POST {stack.urls['shop']}/faults/stuck-recommender      (a runbook asks whether it may mend it)\n")
    try:
        await stack.last()
    except asyncio.CancelledError:
        tell("\nStopping.")
