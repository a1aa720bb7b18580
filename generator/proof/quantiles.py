"""Quantiles of values that lie beside one another, and of classic histograms.

Source: prometheus/prometheus promql/quantile.go.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from generator.proof.vectors import Numbers, Vector, grouped, key, nameless, together
from tocsin.model import Labels

LE = "le"


def of_sorted(ordered: Numbers, count: Any, share: Numbers) -> Numbers:
    """The quantile of values sorted along the first axis, of which so many count."""
    rank = np.clip(share, 0, 1) * np.maximum(count - 1, 0)
    low = np.floor(rank).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(count - 1, 0))
    below, above = (np.take_along_axis(ordered, place[None], axis=0)[0] for place in (low, high))
    between = rank - low
    with np.errstate(invalid="ignore"):
        found = np.where(between > 0, below * (1 - between) + above * between, below)
    return np.where(share < 0, -np.inf, np.where(share > 1, np.inf, found))


def histogram_quantile(share: Numbers, buckets: Vector) -> Vector:
    """The quantile of each classic histogram: linear within the bucket it falls into."""
    buckets = buckets.take([row for row, labels in enumerate(buckets.labels) if _bound(labels) is not None])
    histograms = grouped(key(_without(labels)) for labels in buckets.labels)
    found = [_one(share, buckets.take(rows)) for rows in histograms.values()]
    return together(found) if found else buckets


def _without(labels: Labels) -> Labels:
    return {name: value for name, value in nameless(labels).items() if name != LE}


def _one(share: Numbers, buckets: Vector) -> Vector:
    bounds = [float(labels[LE]) for labels in buckets.labels]
    order = np.argsort(bounds)
    edges = np.asarray(bounds)[order]
    counts, there = buckets.values[order], np.asarray(buckets.present[order].all(axis=0, keepdims=True))
    labels = (_without(buckets.labels[0]),)
    if not math.isinf(edges[-1]) or len(edges) < 2:
        return Vector(labels, np.full_like(counts[:1], np.nan), there)
    counts = np.maximum.accumulate(counts, axis=0)
    rank = share * counts[-1]
    place = (counts[:-1] < rank).sum(axis=0)
    starts = np.concatenate([[0.0 if edges[0] > 0 else edges[0]], edges[:-1]])
    before = np.concatenate([np.zeros_like(counts[:1]), counts[:-1]])
    low, high = starts[place], edges[place]
    under, upto = (np.take_along_axis(array, place[None], axis=0)[0] for array in (before, counts))
    with np.errstate(all="ignore"):
        inside = low + (high - low) * ((rank - under) / (upto - under))
    found = np.where(place == len(edges) - 1, edges[-2], np.where(low == high, high, inside))
    found = np.where(counts[-1] > 0, found, np.nan)
    found = np.where(share < 0, -np.inf, np.where(share > 1, np.inf, found))
    return Vector(labels, found[None], there)


def _bound(labels: Labels) -> float | None:
    try:
        return float(labels.get(LE, ""))
    except ValueError:
        return None
