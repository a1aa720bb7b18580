"""Plays a story in a test: a step that was not seen fails it, by name, with what was there instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from demo.show import line
from demo.timeline import Step, play


def _fine() -> None:
    """Nothing can die in this story."""


async def told(steps: Iterable[Step], *, check: Callable[[], None] = _fine) -> None:
    """Plays the steps; fails with the story so far at the first that was not seen."""
    lines = []
    async for outcome in play(steps, check=check):
        lines.append(line(outcome))
        assert outcome.seen, "the story so far:\n" + "\n".join(lines)
    print("\n".join(lines))
