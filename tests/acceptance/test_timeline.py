"""The story machine itself, on windows of milliseconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from demo.timeline import Do, Hold, Look, NotSeen, Outcome, Step, Want, play


def looks(*answers: str | NotSeen) -> Look:
    """Gives these answers in turn, the last one for ever."""
    left = list(answers)

    async def look() -> str:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, NotSeen):
            raise answer
        return answer

    return look


async def outcomes(steps: Sequence[Step], **options: Callable[[], None]) -> list[Outcome]:
    return [outcome async for outcome in play(steps, **options)]


async def test_seen_step_ends_at_once() -> None:
    """A wanted thing that appears lets the next step begin, however long the window is."""
    async with asyncio.timeout(5):
        (outcome,) = await outcomes([Want("x", "here", looks(NotSeen("nothing"), "there"), between=(0, 3600))])
    assert (outcome.seen, outcome.what) == (True, "there")


async def test_window_that_ends() -> None:
    """A thing that is not seen in time fails its step with what was there instead, and ends the story."""
    want = Want("x", "here", looks(NotSeen("one apple"), NotSeen("two apples")), between=(0, 0.05))
    (outcome,) = await outcomes([want, Do("y", "here", looks("done"))])
    assert (outcome.step.name, outcome.seen, outcome.what) == ("x", False, "two apples")


async def test_too_early() -> None:
    """A thing that is seen before its window begins fails its step."""
    (outcome,) = await outcomes([Want("x", "here", looks("there"), between=(5, 10))])
    assert (outcome.seen, outcome.what) == (False, "too early, within 5 s: there")


async def test_window_since_another_step() -> None:
    """A window can count from an earlier step than the one before."""
    steps: list[Step] = [
        Do("first", "here", looks("done")),
        Do("second", "here", looks("done"), after=0.05),
        Want("third", "here", looks("there"), between=(0.04, 60), since="first"),
    ]
    assert [outcome.seen for outcome in await outcomes(steps)] == [True, True, True]


async def test_hold_is_broken() -> None:
    """What must stay as it is fails its step in the moment it changes."""
    (outcome,) = await outcomes([Hold("x", "here", looks("quiet", NotSeen("a noise")), until=3600)])
    assert (outcome.seen, outcome.what) == (False, "a noise")


async def test_hold_lasts() -> None:
    """What stays as it is takes its whole time."""
    (outcome,) = await outcomes([Hold("x", "here", looks("quiet"), until=0.05)])
    assert (outcome.seen, outcome.what) == (True, "quiet")


async def test_seconds_count_from_zero() -> None:
    """Steps before the zero step have no time, later ones count from it."""
    steps = [
        Do("early", "here", looks("done")),
        Do("zero", "here", looks("done"), zero=True),
        Do("late", "here", looks("done"), after=0.05),
    ]
    early, zero, late = [outcome.seconds for outcome in await outcomes(steps)]
    assert early is None
    assert zero is not None
    assert late is not None
    assert 0 <= zero < 0.05 <= late


async def test_check_ends_the_story() -> None:
    """A program that has died is told at once, not after the window."""

    def died() -> None:
        raise RuntimeError("it died")

    with pytest.raises(RuntimeError, match="it died"):
        await outcomes([Want("x", "here", looks(NotSeen("nothing")), between=(0, 3600))], check=died)
