"""What the picture of the story shows, asked of the demo's Prometheus."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from demo.picture import Panel, Points, draw
from demo.stack import Stack
from demo.story import LATENCY, SLOW
from demo.timeline import Outcome

BEFORE_SECONDS, AFTER_SECONDS = 12.0, 8.0
MARKED = {
    "the shop breaks": "the player begins to slow down",
    "the score says: unusual": "the score says: unusual",
    "an e-mail arrives": "somebody is paged",
    "alice acknowledges": "acknowledged",
    "the shop is mended": "mended",
    "the all-clear arrives by e-mail": "all-clear",
}


async def sketch(stack: Stack, outcomes: Sequence[Outcome], file: Path) -> None:
    """Draws what has just happened into a file."""
    end = max(outcome.seconds or 0.0 for outcome in outcomes)
    zero = time.time() - end

    async def points(expr: str) -> Points:
        span = {"query": expr, "start": f"{zero - BEFORE_SECONDS}", "end": f"{zero + end}", "step": "1"}
        async with stack.http.get(f"{stack.urls['prometheus']}/api/v1/query_range", params=span) as response:
            found = (await response.json())["data"]["result"]
        return [(at - zero, float(value)) for at, value in (found[0]["values"] if found else [])]

    now = f'{{{SLOW},horizon="0s"}}'
    latency = Panel(
        "Latency of nine in ten requests to the player in eu, seconds, and the band that was expected",
        await points(LATENCY), 1.0, "the fixed limit that somebody wrote down", 1.2, 190,
        (await points(f"tocsin_forecast_lower{now}"), await points(f"tocsin_forecast_upper{now}")),
    )  # fmt: skip
    score = Panel(
        "tocsin_anomaly_score", await points(f"tocsin_anomaly_score{{{SLOW}}}"), 1.0, "above 1: unusual", 4.0, 110
    )
    marks = [(o.seconds, MARKED[o.step.name]) for o in outcomes if o.step.name in MARKED and o.seconds is not None]
    picture = draw([latency, score], marks, -BEFORE_SECONDS, end + AFTER_SECONDS)
    await asyncio.to_thread(file.write_text, picture, encoding="utf-8")
