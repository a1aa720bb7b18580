"""Metrics, their series, and what a maker of series yields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from scipy.special import ndtr

from demo.shop.rhythm import Floats

Kind = Literal["counter", "gauge", "histogram", "summary", "untyped"]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric under the name that its samples bear (a histogram's and a summary's without their suffixes)."""

    name: str
    kind: Kind
    about: str
    adds: bool = True  # whether a step's value is what is added in it, not what is there at its end

    def __call__(self, **labels: str) -> Series:
        return Series(self, "", tuple(labels.items()))

    def part(self, suffix: str, **labels: str) -> Series:
        """A series of a histogram or summary: `_bucket`, `_count`, `_sum`."""
        return Series(self, suffix, tuple(labels.items()))


@dataclass(frozen=True, slots=True)
class Series:
    """One time series of a target, with the labels that the target itself gives it."""

    family: Family
    suffix: str = ""
    labels: tuple[tuple[str, str], ...] = ()


Made = Iterator[tuple[Series, Floats | float]]
Rows = Mapping[Series, Floats]


@cache
def counter(name: str, about: str) -> Family:
    return Family(name, "counter", about)


@cache
def gauge(name: str, about: str) -> Family:
    return Family(name, "gauge", about, adds=False)


@cache
def untyped(name: str, about: str, *, adds: bool) -> Family:
    """What an exporter says nothing of, though it counts (or does not)."""
    return Family(name, "untyped", about, adds)


@cache
def histogram(name: str, about: str) -> Family:
    return Family(name, "histogram", about)


@cache
def summary(name: str, about: str) -> Family:
    return Family(name, "summary", about)


def lognormal(
    family: Family,
    rng: np.random.Generator,
    expected: Floats,
    median: Floats | float,
    *,
    spread: float,
    edges: tuple[float, ...],
    labels: Mapping[str, str] | None = None,
) -> Made:
    """A histogram of durations: how many are expected in each step, shape (steps,), and how long half of them take.

    `spread` is the standard deviation of the logarithm.
    """
    own = dict(labels or {})
    middle = np.broadcast_to(np.asarray(median, dtype=float), expected.shape)
    below = ndtr((np.log(np.array(edges))[:, None] - np.log(middle)) / spread)
    shares = np.diff(below, axis=0, prepend=0, append=1)
    up_to = np.cumsum(rng.poisson(shares * expected), axis=0).astype(float)
    for edge, count in zip((*map(str, edges), "+Inf"), up_to, strict=True):
        yield family.part("_bucket", **own, le=edge), count
    yield family.part("_count", **own), up_to[-1]
    yield family.part("_sum", **own), np.round(up_to[-1] * middle * np.exp(spread**2 / 2), 3)
