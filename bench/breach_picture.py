"""Draws docs/forecasts.svg: paths that a series may take, a limit, and what the two numbers say.

python -m bench.breach_picture > docs/forecasts.svg
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from exporter.breach.condition import Comparison, Condition
from exporter.breach.crossing import times
from exporter.breach.errors import Correlation
from exporter.breach.firing import Drawn, probabilities
from exporter.breach.paths import Ahead, paths
from exporter.breach.runs import Runs
from exporter.frame import Floats

STEP = 300.0
STEPS = 96  # eight hours
PAST = 36  # steps
HOLD = 6  # steps: half an hour
LIMIT = 80.0
SHOWN = 12  # paths
LEFT, TOP, WIDTH, HEIGHT = 60.0, 50.0, 780.0, 300.0
LOW, HIGH = 30.0, 100.0
RED, BLUE, GREY, INK = "#b3261e", "#1a56b0", "#9aa0a6", "#202124"


def level(steps: Floats) -> Floats:
    """A curve that rises towards its peak in five hours, and falls again."""
    curve: Floats = 77.0 - 34.0 * (1 - np.cos(np.pi * (steps - 60) / 96)) / 2
    return curve


def x(step: float) -> float:
    return LEFT + WIDTH * (step + PAST) / (STEPS + PAST)


def y(value: float) -> float:
    return TOP + HEIGHT * (HIGH - value) / (HIGH - LOW)


def polyline(steps: Floats, values: Floats, style: str) -> str:
    points = " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in zip(steps, values, strict=True))
    return f'<polyline points="{points}" fill="none" {style}/>'


def text(at: tuple[float, float], said: str, colour: str = INK, anchor: str = "start") -> str:
    return f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" fill="{colour}" text-anchor="{anchor}">{said}</text>'


def has_run(beyond: Floats) -> bool:
    return any(beyond[first : first + HOLD + 1].all() for first in range(len(beyond) - HOLD))


def picture() -> Iterator[str]:
    """The picture's lines."""
    ahead, now = np.arange(1, STEPS + 1, dtype=np.float64), np.zeros(1)
    mean = level(ahead)[None]
    wide = 2.0 + 4.0 * (1.0 - np.exp(-ahead / 30))[None]
    of, drawn = Ahead(np.arange(1, STEPS + 1), STEP, mean, wide, wide), Drawn.of(np.random.default_rng(1), STEPS)
    errors, above = Correlation(now + 0.7, now + 0.9, now, now), Comparison(">", LIMIT)
    each = np.array([column[0] for column in paths(of, errors, drawn.normal)]).T
    likely = probabilities(of, errors, Runs.fresh(1), Condition(((above,),)), HOLD + 1.0, drawn)[0, -1]
    earliest, half, _ = times(of, above, level(now), drawn.normal)[:, 0] / STEP
    before = np.arange(-PAST, 1, dtype=np.float64)
    seen = level(before) + 2.0 * np.random.default_rng(4).normal(0, 1, len(before))
    upper, lower = (
        [f"{x(step):.1f},{y(value):.1f}" for step, value in zip(ahead, side, strict=True)]
        for side in ((mean + 1.645 * wide)[0], (mean - 1.645 * wide)[0])
    )
    yield '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 400" font-family="sans-serif" font-size="12">'
    yield '<rect width="100%" height="100%" fill="white"/>'
    yield text((LEFT, 28), "A series, its forecast with the 90 % band, and 12 of the 200 paths that are simulated")
    yield f'<polygon points="{" ".join([*upper, *reversed(lower)])}" fill="#d7e3f7"/>'
    for path in each[:SHOWN]:
        fires = has_run(path > LIMIT)
        yield polyline(ahead, path, f'stroke="{RED if fires else GREY}" stroke-width="{1.4 if fires else 0.7}"')
    yield polyline(ahead, mean[0], f'stroke="{BLUE}" stroke-width="1.8" stroke-dasharray="6 3"')
    yield polyline(before, seen, f'stroke="{BLUE}" stroke-width="1.8"')
    yield f'<line x1="{LEFT}" x2="840" y1="{y(LIMIT):.1f}" y2="{y(LIMIT):.1f}" stroke="{RED}" stroke-dasharray="5 4"/>'
    yield text((LEFT + 4, y(LIMIT) - 5), f"the rule: &gt; {LIMIT:.0f} for 30m", RED)
    yield f'<line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="{TOP}" y2="{TOP + HEIGHT}" stroke="{GREY}"/>'
    yield text((x(0), TOP + HEIGHT + 16), "now", GREY, "middle")
    for hours in (2, 4, 6, 8):
        yield text((x(hours * 12), TOP + HEIGHT + 16), f"{hours}h", GREY, "middle")
    for step, said in ((earliest, "5 % are beyond"), (half, "half are: time to threshold")):
        if np.isfinite(step):
            yield f'<line x1="{x(step):.1f}" x2="{x(step):.1f}" y1="{y(LIMIT)}" y2="{TOP + HEIGHT}" stroke="{INK}"/>'
            yield text((x(step) + 4, TOP + HEIGHT - 8 - 16 * (step == earliest)), said)
    yield text(
        (LEFT, 388),
        f"red: paths beyond for 30 minutes in a row. Of all 200: {likely:.0%} = breach probability in 8h",
        RED,
    )
    yield "</svg>"


if __name__ == "__main__":
    print("\n".join(picture()))
