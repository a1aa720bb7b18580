"""What `/metrics` asks the store for, and how often."""

from __future__ import annotations

import pytest

from receiver.store.figures import KEPT_SECONDS, SLOW_SECONDS, Figures, KeptFigures

SLOW = 2 * SLOW_SECONDS


@pytest.mark.parametrize(
    ("takes", "later", "asked"),
    [(0.0, 0.0, 2), (SLOW, 0.0, 1), (SLOW, KEPT_SECONDS - 1, 1), (SLOW, KEPT_SECONDS, 2)],
)
async def test_slow_figures_are_kept(takes: float, later: float, asked: int) -> None:
    """Figures that take long are given again for ten seconds; quick ones are always fresh."""
    now, times = 100.0, 0

    async def ask() -> Figures:
        nonlocal now, times
        now, times = now + takes, times + 1
        return Figures([], None, times)

    kept = KeptFigures(ask, lambda: now)
    await kept()
    now += later
    assert (await kept()).size_bytes == asked
    assert times == asked
