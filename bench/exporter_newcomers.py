"""What a new replica of a known service is worth in its first day: false alarms, its band, and the spikes it reports.

    python -m bench.exporter_newcomers [--seeds 1 2 3] [--services 24]

Each service has four replicas that were seen for two weeks, and a fifth that comes at the trough of its day. The fifth
is scored thrice: with labels that make it the others' kin, with labels that do not, and as if it had been there all
the time. One spike a newcomer is inserted five to eighteen hours after it came.
"""

from __future__ import annotations

import argparse

import numpy as np

from bench.faults import PER_DAY, noise
from bench.workload import START, STEP, Clock, season, wander
from exporter.frame import Floats, Frame
from exporter.model import NEW
from exporter.models.seasonal import Seasonal

KNOWN, DAYS = 4, 14  # replicas, and the days that they were seen
KINDS = ("rate", "latency", "saturation")
SPIKE = 6  # steps

Random = np.random.Generator


def replicas(rng: Random, kind: str, clock: Clock) -> Floats:
    """The replicas of one service, (KNOWN + 1, steps): one season, shares of their own, noise of their own."""
    load, steps = season(rng, clock), len(clock.day)
    shares = np.exp(rng.normal(0.0, 0.15, (KNOWN + 1, 1)))
    together = 1 + 0.03 * wander(rng, steps, hours=3)
    own = np.array([wander(rng, steps, hours=2) for _ in range(KNOWN + 1)])
    white = rng.normal(0, 1, own.shape)
    if kind == "rate":
        rate = 10 ** rng.uniform(1.0, 3.0) * shares * load * together * (1 + 0.01 * own)
        return np.maximum(rate + np.sqrt(rate * rng.uniform(0.5, 2.0)) * white, 0.0)
    if kind == "latency":
        tail = rng.uniform(0.03, 0.1)
        return 10 ** rng.uniform(-2.5, 0.3) * shares * (1 + rng.uniform(0.2, 0.8) * load) * np.exp(tail * white)
    level = rng.uniform(0.1, 0.3) + rng.uniform(0.1, 0.3) * load * shares
    return level * together + rng.uniform(0.003, 0.015) * white + 0.005 * own


def main() -> None:
    """Prints one table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seeds", type=int, nargs="+", default=[1])
    arguments.add_argument("--services", type=int, default=24)
    chosen = arguments.parse_args()
    print(f"{'':26} {'anomalous in 24 h':>18} {'events':>7} {'band, 2-6 h':>12} {'12-24 h':>8} {'spikes told':>12}")
    for seed in chosen.seeds:
        values, comes = simulate(seed, chosen.services)
        known, new = values[:, :KNOWN], values[:, KNOWN]
        print(f"seed {seed}: {chosen.services} services")
        for name, labelled in (("kin by their labels", "pod"), ("alone", "other"), ("there all the time", "")):
            _print(name, *first_day(known, new, comes, labelled), np.abs(new).mean(axis=1))


def simulate(seed: int, services: int) -> tuple[Floats, Floats]:
    """Values (services, KNOWN + 1, steps), and the step at which each newcomer comes: the trough of day 14."""
    rng = np.random.default_rng(seed)
    times: Floats = START + STEP * np.arange((DAYS + 2) * PER_DAY, dtype=np.float64)
    clock = Clock.of(times, None)
    values = np.array([replicas(rng, KINDS[place % len(KINDS)], clock) for place in range(services)])
    day = values[:, :, : 7 * PER_DAY].mean(axis=1).reshape(services, 7, PER_DAY).mean(axis=1)
    return values, DAYS * PER_DAY + day.argmin(axis=1)


def first_day(known: Floats, new: Floats, comes: Floats, labelled: str) -> tuple[Floats, Floats, Floats, Floats]:
    """Score, event and half band of each newcomer's first day, and the highest score in its spike, on a second run."""
    calm = _run(known, new, comes, labelled)
    rng = np.random.default_rng(5)
    spiked, at = new.copy(), comes + rng.integers(5 * 12, 18 * 12, len(comes))
    for row, step in enumerate(at.tolist()):
        spiked[row, step : step + SPIKE] += max(12 * noise(new[row]), 0.4 * new[row, step])
    told = _run(known, spiked, comes, labelled)[0]
    highest = np.array([told[row, at[row] - comes[row] :][:SPIKE].max() for row in range(len(at))])
    return *calm, highest


def _run(known: Floats, new: Floats, comes: Floats, labelled: str) -> tuple[Floats, Floats, Floats]:
    services = len(known)
    late = int(comes.min()) if labelled else 0
    names = [{"service": str(row), "pod": f"{row}-{pod}"} for row in range(services) for pod in range(KNOWN)]
    called = [{"service": str(row), (labelled or "pod"): f"{row}-new"} for row in range(services)]
    new = np.where(np.arange(new.shape[1]) >= (comes[:, None] if labelled else 0), new, np.nan)
    model, flat = Seasonal(), known.reshape(services * KNOWN, -1)
    state = model.fit(Frame(np.empty((len(flat), 0)), names, START, STEP))
    if late:
        state, _ = model.update(state, Frame(flat[:, :late], names, START, STEP))
    state = model.resize(state, np.r_[np.arange(len(flat)), np.full(services, NEW)])
    rest = Frame(np.vstack([flat, new])[:, late:], names + called, START + late * STEP, STEP)
    _, scores = model.update(state, rest)
    first = (comes - late).astype(int)
    cut = [
        np.array([array[len(flat) + row, at : at + PER_DAY] for row, at in enumerate(first.tolist())])
        for array in (scores.score, scores.event, (scores.upper - scores.lower) / 2)
    ]
    return cut[0], cut[1], cut[2]


def _print(name: str, score: Floats, event: Floats, half: Floats, highest: Floats, mean: Floats) -> None:
    relative = half / mean[:, None]
    narrow = [float(np.median(relative[:, slice(*hours)])) for hours in ((24, 72), (144, 288))]
    print(
        f"  {name:24} {(score > 1).any(axis=1).mean():>17.0%} {(event > 0).sum() / len(event):>8.2f} "
        f"{narrow[0]:>11.0%} {narrow[1]:>8.0%} {(highest > 1).mean():>12.0%}"
    )


if __name__ == "__main__":
    main()
