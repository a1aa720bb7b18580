"""What goes wrong with a simulated service, and where a detector should say so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from exporter.frame import Floats

PER_DAY = 288
PER_HOUR = 12
GRACE = 12  # steps after a fault's end in which a report still counts

Random = np.random.Generator


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: its series' row, and the steps, both included, in which a report of it counts."""

    row: int
    kind: str
    first: int
    last: int


def noise(values: Floats) -> float:
    """How far a point usually lies from its neighbours' mean, as a deviation."""
    off = values[1:-1] - (values[:-2] + values[2:]) / 2
    return float(1.4826 * np.median(np.abs(off)) / np.sqrt(1.5))


def spike(rng: Random, values: Floats, at: int, kind: str) -> int:
    """Minutes to an hour far off, up or down."""
    length, size = int(rng.integers(2, 13)), _size(rng, values, at, 8, 25, 0.25)
    down = kind in ("rate", "gauge") and rng.random() < 0.4
    values[at : at + length] += -min(size, 0.9 * values[at : at + length].min()) if down else size
    return at + length


def shift(rng: Random, values: Floats, at: int, kind: str) -> int:
    """A new level that stays."""
    factor = 1 + _size(rng, values, at, 5, 10, 0.25) / max(_around(values, at), 1e-9)
    values[at:] *= factor if kind == "latency" or rng.random() < 0.6 else 1 / factor
    return at + 12 * PER_HOUR


def leak(rng: Random, values: Floats, at: int, kind: str) -> int:
    """A slow rise over a day or two, ended by a restart."""
    length = int(rng.integers(18, 49)) * PER_HOUR
    values[at : at + length] += np.linspace(0, 1.5 * _size(rng, values, at, 8, 16, 0.4), length)
    return at + length


def lost_season(rng: Random, values: Floats, at: int, kind: str) -> int:
    """A day or two without the day's shape: the mean, and the noise."""
    length = int(rng.integers(24, 49)) * PER_HOUR
    values[at : at + length] = values[at - PER_DAY : at].mean() + rng.normal(0, noise(values), length)
    return at + length


def death(rng: Random, values: Floats, at: int, kind: str) -> int:
    """Hours at nothing."""
    length = int(rng.integers(6, 25)) * PER_HOUR
    values[at : at + length] = 0.0
    return at + length


def stuck(rng: Random, values: Floats, at: int, kind: str) -> int:
    """Hours at the last value, exactly."""
    length = int(rng.integers(12, 37)) * PER_HOUR
    values[at : at + length] = values[at - 1]
    return at + length


def burst(rng: Random, values: Floats, at: int, kind: str) -> int:
    """Errors where there were hardly any."""
    length = int(rng.integers(3, 13))
    values[at : at + length] += rng.poisson(rng.uniform(3, 20), length)
    return at + length


def change(rng: Random, values: Floats, at: int, kind: str) -> int:
    """A configured value that is another from now on."""
    values[at:] *= rng.choice([0.5, 1.2, 2.0])
    return at + PER_HOUR


FAULTS: Mapping[str, Callable[[Random, Floats, int, str], int]] = {
    "spike": spike,
    "shift": shift,
    "leak": leak,
    "lost season": lost_season,
    "death": death,
    "stuck": stuck,
    "burst": burst,
    "change": change,
}
SUITS: Mapping[str, tuple[str, ...]] = {
    "rate": ("spike", "shift", "leak", "lost season", "death", "stuck"),
    "latency": ("spike", "shift", "leak", "stuck"),
    "saturation": ("spike", "shift", "leak", "lost season", "stuck"),
    "gauge": ("spike", "shift", "leak", "stuck", "death"),
    "counts": ("spike", "shift", "death"),
    "job": ("spike", "lost season"),
    "sparse": ("burst",),
    "on_off": ("death",),
    "constant": ("change",),
}


def suits(kind: str, values: Floats) -> tuple[str, ...]:
    """The faults that can be seen in a series at all."""
    days = values[: len(values) // PER_DAY * PER_DAY].reshape(-1, PER_DAY)
    swing = np.ptp(np.median(days, axis=0))
    return tuple(fault for fault in SUITS[kind] if fault != "lost season" or swing > 8 * noise(values))


def insert(rng: Random, values: Floats, row: int, kind: str, at: int) -> Fault:
    """Breaks a series (in place) from a step on."""
    fault = str(rng.choice(suits(kind, values)))
    last = FAULTS[fault](rng, values, at, kind)
    if kind == "saturation":
        np.clip(values, 0.0, 1.0, out=values)
    return Fault(row, fault, at, min(last + GRACE, len(values) - 1))


def _around(values: Floats, at: int) -> float:
    return float(np.abs(np.mean(values[at - PER_DAY : at])))


def _size(rng: Random, values: Floats, at: int, least: float, most: float, share: float) -> float:
    """A size that can be seen: so many deviations of the noise, and no less than a share of the level."""
    return float(max(rng.uniform(least, most) * noise(values), share * _around(values, at)))
