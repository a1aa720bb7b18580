"""Whether breach probabilities come true: predicted against observed on simulated services, and what they cost.

    python -m bench.exporter_breach [--seed 21] [--series 75] [--normal]

Each series (bench/workload.py) gets a limit somewhere in its tail, on the side that a coin says, and three rules on it:
`for` 0, 15 and 30 minutes. From the end of the history on, every few hours, the probability that each rule fires within
1, 4 and 24 hours is compared with what came; rules that fire already do not count. Beside it: *usual*, how often this
rule fired within that horizon before (climatology, known up to then), and *independent*, the same intervals with each
step on its own and no memory of what was off, as one would do without simulating runs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import erf, sqrt

import numpy as np

from bench.workload import HISTORY_DAYS, STEP, simulate
from exporter.breach.condition import Comparison, Condition
from exporter.breach.errors import Correlation, correlation
from exporter.breach.firing import Drawn, probabilities
from exporter.breach.paths import DRAWS, Ahead, grid, thinned
from exporter.breach.runs import Runs, learn
from exporter.breach.tracked import Tracked
from exporter.frame import Bools, Floats, Frame
from exporter.models.seasonal import Seasonal

DAY = 288  # steps
HOLDS = (0, 3, 6)  # steps of `for`
HORIZONS = {12: "1h", 48: "4h", 288: "1d"}  # steps
EVERY = 61  # steps from forecast to forecast
EDGES = (0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99, 1.0001)
QUANTILES = (0.9, 0.999)  # of the history: where limits lie


@dataclass(frozen=True, slots=True)
class Told:
    """Of one rule and horizon at all origins: what was predicted in three ways, and what came; each of shape (n,)."""

    hold: int
    horizon: int
    paths: Floats
    usual: Floats
    independent: Floats
    came: Bools


def first_fired(beyond: Bools, needed: int) -> Bools:
    """Whether the rule has a run of so many steps that ends at each step, (series, steps)."""
    total: Floats = np.cumsum(np.pad(beyond, ((0, 0), (1, 0))), axis=1, dtype=np.float64)
    runs: Bools = total[:, needed:] - total[:, :-needed] >= needed
    return np.pad(runs, ((0, 0), (needed - 1, 0)))


def within(fired: Bools, horizon: int) -> Bools:
    """Whether a rule fires in the steps after each step, (series, steps)."""
    total: Floats = np.cumsum(np.pad(fired, ((0, 0), (1, horizon))), axis=1, dtype=np.float64)
    later: Bools = total[:, 1 + horizon :] - total[:, 1:-horizon] > 0
    return later


def independent(ahead: Ahead, needed: int) -> Floats:
    """Each step on its own, (series, steps): the chance that no run of steps begins."""
    deviation = np.where(ahead.mean > 0, ahead.down, ahead.up)
    beyond = 0.5 * (1.0 + np.vectorize(erf)(np.clip(ahead.mean / np.maximum(deviation, 1e-12), -9, 9) / sqrt(2.0)))
    alone: Floats = 1.0 - np.cumprod(1.0 - np.minimum(beyond, 1.0) ** needed, axis=1)
    return alone


def measure(frame: Frame, side: Floats, limits: Floats, cost: list[float]) -> Iterator[Told]:
    """Every rule and horizon at every origin; a rule's condition is that `side` times value less limit is above 0."""
    above, first = Condition(((Comparison(">", 0.0),),)), HISTORY_DAYS * DAY
    model, steps = Tracked(Seasonal(), (above,)), grid(DAY)
    drawn, known = Drawn.of(np.random.default_rng(1), len(steps)), thinned(steps, 100)
    beyond = side[:, None] * (frame.values - limits[:, None])

    def part(values: Floats, begin: int, end: int) -> Frame:
        return Frame(values[:, begin:end], frame.labels, frame.start + begin * STEP, STEP)

    state, seen, runs = model.fit(part(frame.values, 0, first)), first, Runs.fresh(len(side))
    learn(runs, above, beyond[:, :first])
    runs.broken = state.runs[0].broken
    for origin in range(first, frame.steps - DAY, EVERY):
        if origin > seen:
            state, _ = model.update(state, part(frame.values, seen, origin))
            learn(runs, above, beyond[:, seen:origin])
            runs.broken, seen = state.runs[0].broken, origin
        ahead = mirrored(Ahead.of(model.forecast(state, known), known, steps, STEP), side, limits)
        errors = correlation(state.errors)
        errors = Correlation(errors.share, errors.memory, side * errors.present, errors.doubt)
        for hold in HOLDS:
            fired = first_fired(above.holds(beyond), hold + 1)
            began = time.process_time()
            found = probabilities(ahead, errors, runs, above, hold + 1.0, drawn)
            cost.append(time.process_time() - began)
            alone, quiet = independent(ahead, hold + 1), ~fired[:, origin - 1]
            for horizon in HORIZONS:
                later, column = within(fired, horizon), steps.index(horizon)
                usual = later[:, : origin - horizon].mean(axis=1)
                came = later[:, origin - 1]
                yield Told(hold, horizon, found[quiet, column], usual[quiet], alone[quiet, column], came[quiet])


def mirrored(ahead: Ahead, side: Floats, limits: Floats) -> Ahead:
    """The forecast of what lies beyond each series' own limit."""
    upwards = side[:, None] > 0
    up, down = np.where(upwards, ahead.up, ahead.down), np.where(upwards, ahead.down, ahead.up)
    return Ahead(ahead.steps, ahead.seconds, side[:, None] * (ahead.mean - limits[:, None]), up, down)


def brier(predicted: Floats, came: Bools) -> float:
    """The mean squared error of a probability (Brier, 1950)."""
    return float(np.mean((predicted - came) ** 2))


def main() -> None:
    """Prints two tables and a line."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seed", type=int, default=21)
    arguments.add_argument("--series", type=int, default=75)
    arguments.add_argument("--normal", action="store_true", help="without faults")
    chosen = arguments.parse_args()
    work, random = simulate(chosen.seed, series=chosen.series, days=35, normal=chosen.normal), np.random.default_rng(5)
    history = work.frame.values[:, : HISTORY_DAYS * DAY]
    side, shares = np.where(random.random(chosen.series) < 0.7, 1.0, -1.0), random.uniform(*QUANTILES, chosen.series)
    shares = np.where(side > 0, shares, 1.0 - shares)
    limits = [np.nanquantile(row, share, method="lower") for row, share in zip(history, shares, strict=True)]
    cost: list[float] = []
    told = list(measure(work.frame, side, np.array(limits), cost))

    ways = f"{'paths':>7} {'usual':>7} {'independent':>12}"
    print(f"{'for':>5} {'within':>7} {'n':>7} {'fired':>7} {'predicted':>10}   Brier: {ways}")
    for hold in HOLDS:
        for horizon, name in HORIZONS.items():
            _row(f"{hold * 5:4}m {name:>7}", [part for part in told if (part.hold, part.horizon) == (hold, horizon)])
    _row(f"{'all':>13}", told)
    print(f"\n{'predicted':>15} {'n':>8} {'mean':>7} {'came':>7}")
    paths, came = (np.concatenate([getattr(part, name) for part in told]) for name in ("paths", "came"))
    for low, high in pairwise(EDGES):
        inside = (paths >= low) & (paths < high)
        if inside.any():
            shown = f"{low:.2f} to {min(high, 1):.2f}"
            print(f"{shown:>15} {inside.sum():8} {paths[inside].mean():7.3f} {came[inside].mean():7.3f}")
    print(f"\n{1e6 * np.mean(cost) / chosen.series:.0f} µs a series, rule and step (a day ahead, {DRAWS} paths)")


def _row(name: str, told: list[Told]) -> None:
    paths, usual, alone, came = (
        np.concatenate([getattr(part, name) for part in told]) for name in ("paths", "usual", "independent", "came")
    )
    scores = f"{brier(paths, came):17.4f} {brier(usual, came):7.4f} {brier(alone, came):12.4f}"
    print(f"{name} {len(came):7} {came.mean():7.3f} {paths.mean():10.3f} {scores}")


if __name__ == "__main__":
    main()
