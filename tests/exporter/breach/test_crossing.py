"""When a series is beyond a threshold: lines whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from exporter.breach.condition import Comparison
from exporter.breach.crossing import times
from exporter.breach.paths import Ahead, noise, widening
from tests.exporter.breach.test_paths import STEP

STEPS = widening(2016, 12)  # a week
DRAWN = noise(np.random.default_rng(1), len(STEPS))
HOURS = np.array(STEPS) * STEP / 3600.0


def rising(slopes: list[float], deviation: float = 0.01) -> Ahead:
    """Lines from 0 by so much an hour."""
    mean = np.array(slopes)[:, None] * HOURS
    return Ahead(np.array(STEPS), STEP, mean, np.full(mean.shape, deviation), np.full(mean.shape, deviation))


def test_a_line_crosses_where_it_does() -> None:
    """With hardly any noise, all three times are those of the line; never is infinite, beyond already is 0."""
    now = np.array([0.0, 0.0, 0.0, 11.0])
    found = times(rising([1.0, 0.1, -1.0, 1.0]), Comparison(">", 10.0), now, DRAWN) / 3600.0
    assert found[:, 0] == pytest.approx([10.0] * 3, abs=0.1)
    assert found[:, 1] == pytest.approx([100.0] * 3, abs=0.6)
    assert found[:, 2].tolist() == [np.inf] * 3
    assert found[:, 3].tolist() == [0.0] * 3


def test_downwards() -> None:
    """`below` is looked for the same way."""
    found = times(rising([-1.0]), Comparison("<", -5.0), np.zeros(1), DRAWN)
    assert found[:, 0] / 3600 == pytest.approx([5.0] * 3, abs=0.1)


def test_doubt_shows() -> None:
    """Wide intervals cross earlier and later; where only some paths cross, the later times are infinite."""
    found = times(rising([1.0, 0.0], deviation=1.0), Comparison(">", 10.0), np.zeros(2), DRAWN)[:, 0] / 3600
    assert 6.5 < found[0] < found[1] < found[2] < 12
    flat = times(rising([0.0], deviation=1.0), Comparison(">", 2.7), np.zeros(1), DRAWN)[:, 0]
    assert flat[0] < np.inf
    assert flat[2] >= flat[1] > flat[0]
    assert times(rising([0.0], deviation=1.0), Comparison(">", 4.3), np.zeros(1), DRAWN)[1:, 0].tolist() == [np.inf] * 2


def test_no_forecast_no_time() -> None:
    """NaN where the model does not know."""
    assert np.isnan(times(rising([np.nan]), Comparison(">", 1.0), np.zeros(1), DRAWN)).all()
