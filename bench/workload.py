"""Simulated services with known anomalies: what Prometheus users watch, from a seed.

Six weeks at 5 minutes across the European change of clocks of 29 March 2026. The first two weeks are history; from then
on, what goes wrong is listed. A share of the series has bad spells in its history, too, and a share has gaps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from bench.faults import PER_DAY, Fault, insert
from exporter.frame import Bools, Floats, Frame

START = datetime(2026, 3, 9, tzinfo=UTC).timestamp()  # a Monday
STEP = 300.0
HISTORY_DAYS = 14
BERLIN = ZoneInfo("Europe/Berlin")
GAPS = 0.1  # of the series have gaps
GAP_SHARE = 0.05  # of their points are missing
CONTAMINATED = 0.15  # of the series have a bad spell in their history

Random = np.random.Generator


@dataclass(frozen=True, slots=True)
class Workload:
    """Series, what each is like (its kind), and what was done to them."""

    frame: Frame
    kinds: tuple[str, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Clock:
    """Where each step lies in the day (0 to 1) and whether it is weekend, by a time zone's clocks."""

    day: Floats
    weekend: Bools

    @classmethod
    def of(cls, times: Floats, zone: ZoneInfo | None) -> Clock:
        local = times if zone is None else times + _offsets(times, zone)
        return cls(local % 86_400 / 86_400, (local // 86_400 + 3) % 7 >= 5)


def _offsets(times: Floats, zone: ZoneInfo) -> Floats:
    hours, inverse = np.unique(times // 3600, return_inverse=True)
    offsets = [datetime.fromtimestamp(hour * 3600, zone).utcoffset() or timedelta() for hour in hours.tolist()]
    return np.array([offset.total_seconds() for offset in offsets])[inverse]


def season(rng: Random, clock: Clock) -> Floats:
    """People's day: a peak of some sharpness, often a second one, another weekend; about 0 to 1."""
    peak, sharp = rng.uniform(0.4, 0.85), rng.uniform(1.0, 3.0)
    shape = np.exp(sharp * (np.cos(2 * np.pi * (clock.day - peak)) - 1.0))
    if rng.random() < 0.4:
        shape = shape + rng.uniform(0.2, 0.5) * np.exp(8 * (np.cos(2 * np.pi * (clock.day - peak + 0.3)) - 1.0))
    weekend = rng.choice([1.0, rng.uniform(0.4, 0.8), rng.uniform(1.2, 1.5)])
    return (0.25 + shape) * np.where(clock.weekend, weekend, 1.0)


def wander(rng: Random, steps: int, *, hours: float) -> Floats:
    """Noise that stays for some hours (first order autoregression), deviation 1."""
    keep = np.exp(-STEP / (3600 * hours))
    noise = rng.normal(0, np.sqrt(1 - keep * keep), steps)
    for step in range(1, steps):
        noise[step] += keep * noise[step - 1]
    return noise


def rate(rng: Random, clock: Clock) -> Floats:
    """Requests a second: seasons, wandering demand, Poisson-like noise."""
    base = 10 ** rng.uniform(1.0, 4.0) * season(rng, clock)
    base = base * np.exp(rng.uniform(0.01, 0.05) * wander(rng, len(base), hours=3))
    return base + np.sqrt(base * rng.uniform(0.5, 2.0)) * rng.normal(0, 1, len(base))


def latency(rng: Random, clock: Clock) -> Floats:
    """Seconds at a high quantile: rises with load, a long tail upwards."""
    load = season(rng, clock)
    base = 10 ** rng.uniform(-2.5, 0.3) * (1 + rng.uniform(0.1, 0.8) * load)
    tail = rng.uniform(0.03, 0.12)
    return base * np.exp(tail * (rng.normal(0, 1, len(load)) + 0.4 * rng.standard_t(5, len(load))))


def saturation(rng: Random, clock: Clock) -> Floats:
    """A share between 0 and 1 that follows load and wanders."""
    load = season(rng, clock)
    level = rng.uniform(0.1, 0.4) + rng.uniform(0.05, 0.25) * load
    level = level + rng.uniform(0.005, 0.02) * wander(rng, len(load), hours=2)
    return np.clip(level + rng.uniform(0.003, 0.015) * rng.normal(0, 1, len(load)), 0.0, 1.0)


def gauge(rng: Random, clock: Clock) -> Floats:
    """A level without seasons (threads, connections) that wanders."""
    level = 10 ** rng.uniform(1.5, 3.0)
    noise = rng.uniform(0.02, 0.06) * wander(rng, len(clock.day), hours=1) + 0.02 * rng.normal(0, 1, len(clock.day))
    return level * (1 + noise)


def counts(rng: Random, clock: Clock) -> Floats:
    """Small whole numbers whose mean has seasons."""
    return rng.poisson(rng.uniform(3, 30) * season(rng, clock)).astype(np.float64)


def sparse(rng: Random, clock: Clock) -> Floats:
    """Errors: nearly always 0."""
    return rng.poisson(rng.uniform(0.005, 0.05), len(clock.day)).astype(np.float64)


def job(rng: Random, clock: Clock) -> Floats:
    """A load that a nightly job switches on, at the same time each day, for about as long."""
    start, length = rng.uniform(0, 0.8), rng.uniform(0.04, 0.15)
    on = (clock.day >= start) & (clock.day < start + length)
    level = 10 ** rng.uniform(0.5, 2.5)
    noise: Floats = np.exp(0.04 * rng.normal(0, 1, len(on)))
    return noise * level * np.where(on, rng.uniform(4, 11), 1.0)


def on_off(rng: Random, clock: Clock) -> Floats:
    """Up or not: 1 but for short restarts, on most days."""
    value = np.ones(len(clock.day))
    value[rng.integers(0, len(value), rng.poisson(40))] = 0.0
    return value


def constant(rng: Random, clock: Clock) -> Floats:
    """A configured limit."""
    return np.full(len(clock.day), float(rng.integers(1, 1000)))


KINDS: Mapping[str, tuple[int, Callable[[Random, Clock], Floats]]] = {  # share, series
    "rate": (6, rate),
    "latency": (5, latency),
    "saturation": (5, saturation),
    "gauge": (2, gauge),
    "counts": (2, counts),
    "job": (2, job),
    "sparse": (1, sparse),
    "on_off": (1, on_off),
    "constant": (1, constant),
}


def simulate(seed: int, *, series: int = 250, days: int = 42, normal: bool = False, zone: bool = False) -> Workload:
    """Services of a seed; `normal`: nothing is wrong; `zone`: half of them live by Berlin's clocks."""
    rng = np.random.default_rng(seed)
    times: Floats = START + STEP * np.arange(days * PER_DAY, dtype=np.float64)
    clocks = [Clock.of(times, None), Clock.of(times, BERLIN)]
    named = [kind for kind, (share, _) in KINDS.items() for _ in range(share)]
    kinds = tuple(named[row % len(named)] for row in range(series))
    values = np.array([KINDS[kind][1](rng, clocks[row % 2 if zone else 0]) for row, kind in enumerate(kinds)])
    faults = [] if normal else [fault for row in range(series) for fault in _break(rng, values[row], row, kinds[row])]
    values[rng.random(values.shape) < GAP_SHARE * (rng.random((series, 1)) < GAPS)] = np.nan
    labels = tuple({"series": str(row)} for row in range(series))
    return Workload(Frame(values, labels, START, STEP), kinds, tuple(faults))


def _break(rng: Random, values: Floats, row: int, kind: str) -> list[Fault]:
    """One to three faults after the history, well apart; in some series one in the history, which is not listed."""
    if rng.random() < CONTAMINATED:
        insert(rng, values, row, kind, int(rng.integers(3, HISTORY_DAYS - 4)) * PER_DAY)
    weeks = np.arange(HISTORY_DAYS, len(values) // PER_DAY - 5, 7)
    chosen = sorted(rng.choice(weeks, min(len(weeks), int(rng.integers(1, 4))), replace=False).tolist())
    return [insert(rng, values, row, kind, week * PER_DAY + int(rng.integers(0, 3 * PER_DAY))) for week in chosen]
