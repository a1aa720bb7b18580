"""A story with times: do this, want that between A and B, nothing else until C.

In the style of Alertmanager's own acceptance tests (prometheus/alertmanager: test/with_api_v2/acceptance.go), but a
step that is seen lets the next one begin at once: windows are bounds, not waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass

POLL_SECONDS = 0.1
WINDOW_SECONDS = 60.0  # for busy machines; a quick one waits for nothing

Look = Callable[[], Awaitable[str]]  # what is seen, in words; raises NotSeen


class NotSeen(Exception):
    """What was looked for is not there; the message says what is there instead."""


@dataclass(frozen=True, slots=True)
class Do:
    """Does something, so many seconds after the step before. Times are counted from a step marked `zero`."""

    name: str
    where: str
    act: Look
    after: float = 0.0
    zero: bool = False


@dataclass(frozen=True, slots=True)
class Want:
    """Something must be seen within a window, in seconds after the step before (or the step `since`)."""

    name: str
    where: str
    look: Look
    between: tuple[float, float] = (0.0, WINDOW_SECONDS)
    since: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    """Something must be so from now on until so many seconds after the step before (or the step `since`)."""

    name: str
    where: str
    look: Look
    until: float
    since: str = ""


Step = Do | Want | Hold


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step went: `seconds` after zero, None before it; `what` was seen, or was seen instead."""

    step: Step
    seen: bool
    what: str
    seconds: float | None


async def play(steps: Iterable[Step], *, check: Callable[[], None] = lambda: None) -> AsyncIterator[Outcome]:
    """Goes through the steps, and no further than the first that fails.

    `check` is called all the while, and raises when going on is no use.
    """
    clock = asyncio.get_running_loop().time
    zero: float | None = None
    marks = {"": clock()}
    for step in steps:
        if isinstance(step, Do) and step.zero:
            zero = clock() + step.after
        try:
            what, seen = await _take(step, marks, clock, check), True
        except NotSeen as instead:
            what, seen = str(instead), False
        marks[""] = marks[step.name] = clock()
        yield Outcome(step, seen, what, None if zero is None else marks[step.name] - zero)
        if not seen:
            return


async def _take(step: Step, marks: dict[str, float], clock: Callable[[], float], check: Callable[[], None]) -> str:
    match step:
        case Do(act=act, after=after):
            await asyncio.sleep(after)
            return await act()
        case Want(look=look, between=(earliest, latest), since=since):
            what = await _until_seen(look, marks[since] + latest, clock, check)
            if clock() < marks[since] + earliest:
                raise NotSeen(f"too early, within {earliest:g} s: {what}")
            return what
        case Hold(look=look, until=until, since=since):
            return await _as_long_as(look, marks[since] + until, clock, check)


async def _until_seen(look: Look, end: float, clock: Callable[[], float], check: Callable[[], None]) -> str:
    while True:
        try:
            return await look()
        except NotSeen:
            check()
            if clock() > end:
                raise
        await asyncio.sleep(POLL_SECONDS)


async def _as_long_as(look: Look, end: float, clock: Callable[[], float], check: Callable[[], None]) -> str:
    while True:
        what = await look()
        check()
        if clock() > end:
            return what
        await asyncio.sleep(POLL_SECONDS)
