"""When a series was there, read from an answer's points."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.backtest.presence import present
from generator.backtest.runs import joined
from tocsin.promapi import NotPrometheus, Series


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=5), st.sampled_from([1000, 30_000, 1500]))
def test_presence(some: list[tuple[int, int]], step: int) -> None:
    """The evaluations at which a series was there are read from its points, whatever their values are."""
    times = range(1_700_000_000_123, 1_700_000_000_123 + 100 * step, step)
    runs = joined((first, first + length) for first, length in some)
    numbers = ("0", "NaN", "+Inf", "-1.5e-07")
    points = [[times[i] / 1000, numbers[i % 4]] for first, last in runs for i in range(first, last + 1)]
    histograms = [[stamp, {"count": "1", "sum": "2", "buckets": [[0, "1", "2", "3"]]}] for stamp, _ in points]
    for where, written in (("values", points), ("histograms", histograms)):
        raw = msgspec.Raw(json.dumps(written, separators=(",", ":")).encode()) if written else msgspec.Raw(b"")
        assert present(Series(msgspec.Raw(b"{}"), **{where: raw}), times) == runs


def test_presence_elsewhere() -> None:
    """Points that a cache has shifted count for the nearest evaluation; those beyond the range for none."""
    times = range(0, 100_000, 10_000)
    shifted = b'[[12,"1"],[22,"1"],[52,"1"],[200,"1"]]'
    assert present(Series(msgspec.Raw(b"{}"), msgspec.Raw(shifted)), times) == [(1, 2), (5, 5)]


@pytest.mark.parametrize("points", [b'[["x","1"]]', b'{"a":"]"}', b'[["1"]]', b"[1,2]"])
def test_no_points(points: bytes) -> None:
    """What are no points is said to be none."""
    with pytest.raises(NotPrometheus):
        present(Series(msgspec.Raw(b"{}"), msgspec.Raw(points)), range(0, 100_000, 10_000))
