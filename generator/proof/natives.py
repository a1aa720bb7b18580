"""Native histograms, told apart into their buckets and their sum, each a series of its own with a label for it.

What is linear (rates, sums, factors) works on each part by itself; only what looks into a histogram puts them together.
Buckets are those of schema 0: each twice as wide as the one before. Source: prometheus/prometheus promql/quantile.go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from generator.proof.notation import number
from generator.proof.vectors import NATIVE, Numbers, UnprovableError, Vector, grouped, key, nameless, together
from generator.proof.worlds import LATER, MOMENT, NEVER, SLOPE, Worlds
from tocsin.model import Labels

SUM = "sum"

# Of the buckets (parts, worlds, times), what lies below each of them and the exponents of their upper bounds, the sum.
Look = Callable[[Numbers, Numbers, Numbers], Any]


def is_native(vector: Vector) -> bool:
    """Whether these are parts of native histograms."""
    return any(NATIVE in labels for labels in vector.labels)


def without_part(labels: Labels) -> Labels:
    """The labels of the histogram that a part belongs to."""
    return {name: value for name, value in labels.items() if name != NATIVE}


def quantile(share: Numbers, vector: Vector) -> Vector:
    """The quantile of each histogram: exponential within the bucket it falls into."""
    return _each(vector, lambda counts, exponents, _: _quantile(share, counts, exponents))


def fraction(low: Numbers, high: Numbers, vector: Vector) -> Vector:
    """The share of events between two values."""

    def look(counts: Numbers, exponents: Numbers, _: Numbers) -> Any:
        return (_below(high, counts, exponents) - _below(low, counts, exponents)) / counts.sum(axis=0)

    return _each(vector, look)


def count(vector: Vector) -> Vector:
    """How many events there are."""
    return _each(vector, lambda counts, exponents, total: counts.sum(axis=0))


def total(vector: Vector) -> Vector:
    """The sum of all events."""
    return _each(vector, lambda counts, exponents, total: total)


def average(vector: Vector) -> Vector:
    """The mean event."""
    return _each(vector, lambda counts, exponents, total: total / counts.sum(axis=0))


def _each(vector: Vector, look: Look) -> Vector:
    if not is_native(vector):
        raise UnprovableError("a function of native histograms gets something else")
    histograms = grouped(key(without_part(nameless(labels))) for labels in vector.labels)
    return together([_one(vector.take(rows), look) for rows in histograms.values()])


def _one(parts: Vector, look: Look) -> Vector:
    names = [labels.get(NATIVE, SUM) for labels in parts.labels]
    buckets = sorted((int(name), row) for row, name in enumerate(names) if name != SUM)
    if not buckets:
        raise UnprovableError("a native histogram loses its buckets")
    rows = [row for _, row in buckets]
    exponents = np.asarray([float(exponent) for exponent, _ in buckets])
    sums = parts.values[names.index(SUM)] if SUM in names else np.zeros(parts.values.shape[1:])
    with np.errstate(all="ignore"):
        found = np.asarray(look(parts.values[rows], exponents, sums), dtype=np.float64)
    return Vector(
        (without_part(nameless(parts.labels[0])),), found[None], np.asarray(parts.present.all(axis=0, keepdims=True))
    )


def _quantile(share: Numbers, counts: Numbers, exponents: Numbers) -> Any:
    upto = np.cumsum(counts, axis=0)
    rank = share * upto[-1]
    place = np.minimum((upto < rank).sum(axis=0), len(exponents) - 1)
    inside, until = (np.take_along_axis(array, place[None], axis=0)[0] for array in (counts, upto))
    part = 1 - (until - rank) / inside
    return np.where(upto[-1] > 0, 2.0 ** (exponents[place] - 1 + part), np.nan)


def _below(value: Numbers, counts: Numbers, exponents: Numbers) -> Any:
    """How many events lie below a value."""
    exponent = np.where(value > 0, np.log2(np.maximum(value, 1e-300)), -np.inf)
    parts = np.clip(exponent - (exponents[:, None, None] - 1), 0, 1)
    return (counts * parts).sum(axis=0)


def notation(worlds: Worlds, rows: dict[str, int], samples: int) -> str:
    """A histogram of the first world in promtool's notation; it is there throughout."""
    parts = worlds.numbers[list(rows.values()), :, 0]
    moment = int(min(parts[0, MOMENT], samples))
    shown, there = worlds.at(list(rows.values()), np.asarray([0, min(moment, samples - 1)]))
    if not there.all():
        return ""
    names = list(rows)
    pieces = []
    if moment:
        pieces.append(_line(names, shown[:, 0, 0], parts[:, SLOPE], moment))
    if moment < samples:
        later = parts[:, LATER] if parts[0, MOMENT] < NEVER else parts[:, SLOPE]
        pieces.append(_line(names, shown[:, 0, 1], later, samples - moment))
    return " ".join(pieces)


def _line(names: Sequence[str], start: Numbers, slope: Numbers, count: int) -> str:
    return f"{_histogram(names, start)}+{_histogram(names, slope)}x{count - 1}"


def _histogram(names: Sequence[str], values: Numbers) -> str:
    by_name = dict(zip(names, values.tolist(), strict=True))
    sums = by_name.pop(SUM, 0.0)
    buckets = sorted(by_name.items(), key=lambda item: int(item[0]))
    shown = " ".join(number(value) for _, value in buckets)
    count = number(sum(float(number(value)) for _, value in buckets))
    return f"{{{{schema:0 sum:{number(sums)} count:{count} buckets:[{shown}] offset:{buckets[0][0]}}}}}"
