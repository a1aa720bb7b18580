"""Drift of each series, and what a query's own metrics say of its model."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from exporter import drift as drifting
from exporter.drift import Drift
from exporter.frame import Floats
from exporter.metrics import Metrics
from exporter.model import NEW
from exporter.models.seasonal import Seasonal
from exporter.publishing.quality import SAMPLED, Quality
from exporter.publishing.samples import Step
from tests.exporter.series import DAY, PER_DAY, STEP, THURSDAY, frame, make, times

HISTORY = 3 * PER_DAY


class Watched:
    """A model and what is said of it, step after step."""

    def __init__(self, values: Floats, *horizons: str, history: int = HISTORY) -> None:
        self.metrics, self.model = Metrics(), Seasonal()
        asked = [timedelta(hours=int(hours)) for hours in horizons]
        self.quality: Quality[Any] = Quality("q", timedelta(seconds=STEP), asked, 0.05, self.model, self.metrics)
        self.state = self.model.fit(frame(values[:, :history]))
        self.quality.begin(frame(values[:, :history]))
        self.values, self.at = values, history

    def step(self, columns: int = 1) -> Floats:
        newest = frame(self.values[:, self.at : self.at + columns], THURSDAY + self.at * STEP)
        self.at += columns
        self.state, scores = self.model.update(self.state, newest)
        (samples,) = self.quality(Step(newest, scores, self.state))
        return samples.values

    def own(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, {"query": "q"} | labels)


def test_accuracy_from_the_first_step() -> None:
    """The history tells how hard a series is, so accuracy is there at once; a good model is above 0."""
    watched = Watched(make("daily", times(4), series=3, seed=1))
    watched.step()
    assert watched.own("tocsin_model_accuracy") is not None
    for _ in range(60):
        watched.step()
    accuracy = watched.own("tocsin_model_accuracy")
    assert accuracy is not None
    assert 0.1 < accuracy < 0.6  # noise has a naive error of the square root of 2


def test_accuracy_of_a_model_that_is_wrong() -> None:
    """Where yesterday's value is the better guess, accuracy is below 0."""
    values = make("daily", times(4), series=3, seed=1)
    values[:, HISTORY:] = values[:, HISTORY - PER_DAY : HISTORY]
    watched = Watched(values)
    for _ in range(PER_DAY // 2):
        watched.step()
    values[:, HISTORY + 144 :] += 500 * (np.arange(PER_DAY - 144) % 2)
    for _ in range(30):
        watched.step()
    assert (watched.own("tocsin_model_accuracy") or 0) < 0.3


def test_coverage_and_alarms() -> None:
    """All is well: nearly all values are inside the band, most inside the forecast, no alarms but those asked for."""
    watched = Watched(make("daily", times(5), series=20, seed=2), "1")
    for _ in range(PER_DAY):
        watched.step()
    band, hour = (watched.own("tocsin_model_coverage", horizon=horizon) for horizon in ("0s", "1h"))
    assert band is not None
    assert hour is not None
    assert band > 0.98
    assert 0.75 < hour <= 1
    assert watched.own("tocsin_model_alarms_per_series_month") == pytest.approx(0.05 / (1 + 20 / 30), rel=0.05)


def test_a_series_that_changes_for_good() -> None:
    """Its drift is published and counted once, until the model has learned; that of the others is no sample."""
    values = make("flat", times(8), series=3, seed=3)
    values[1, HISTORY + 200 :] += 40
    watched = Watched(values)
    shown = np.vstack([watched.step() for _ in range(4 * PER_DAY)])
    assert np.nanmax(shown[:, 1]) > 1
    assert not (shown[:200] >= 1).any()
    assert not (shown[:, [0, 2]] >= 1).any()
    assert np.isnan(shown[:, [0, 2]]).mean() > 0.9
    assert not shown[-1, 1] >= 1
    found = [watched.own("tocsin_drift_detections_total", kind=kind) for kind in drifting.KINDS]
    assert sum(one or 0 for one in found) == 1


CHANGES: dict[str, tuple[str | None, Callable[[Floats], Floats]]] = {
    "nothing": (None, lambda noise: noise),
    "larger errors": ("error", lambda noise: 3 * noise),
    "errors on one side": ("bias", lambda noise: np.abs(noise) * 1.6),
    "one wild value": (None, lambda noise: np.where(np.arange(len(noise)) == 5, 1000, noise)),
    "nothing is there": (None, lambda noise: np.full(len(noise), np.nan)),
}


@pytest.mark.parametrize(("kind", "change"), CHANGES.values(), ids=CHANGES)
def test_kinds_of_drift(kind: str | None, change: Callable[[Floats], Floats]) -> None:
    """Errors that grow and errors on one side are told apart, once; a single wild value is neither."""
    noise = np.random.default_rng(4).normal(0, 1, 3 * PER_DAY)
    noise[2 * PER_DAY :] = change(noise[2 * PER_DAY :])
    drift, found = Drift.fresh(1), []
    for error in noise:
        found += [name for name, series in drifting.learn(drift, np.array([error]), STEP).items() if series[0]]
    assert found == ([kind] if kind else [])


def test_rows_come_and_go() -> None:
    """What is known of a row stays with it, a new one begins, and more rows than are sampled are no matter."""
    watched = Watched(make("daily", times(4), series=2, seed=5), "1")
    for _ in range(5):
        watched.step()
    before = watched.quality.arrays()
    rows = np.array([NEW, 1, *[NEW] * SAMPLED], dtype=np.intp)
    watched.quality.resize(rows)
    watched.state = watched.model.resize(watched.state, rows)
    after = watched.quality.arrays()
    np.testing.assert_array_equal(after["sampled.ring"][:, 1], before["sampled.ring"][:, 1])
    assert after["drift.seen"].tolist() == [0, 5, *[0] * SAMPLED]
    watched.values = np.repeat(watched.values[:1], len(rows), axis=0)
    assert watched.step().shape == (len(rows),)


def test_over_a_restart() -> None:
    """What was kept goes on as it was; what does not fit is left."""
    values = make("daily", times(4), series=3, seed=6)
    one, other = Watched(values), Watched(values)
    one.step(20)
    other.quality.restore({name: array.copy() for name, array in one.quality.arrays().items()}, 3)
    other.state, other.at = other.model.restore(one.model.arrays(one.state)), one.at
    one.step(5)
    other.step(5)
    assert one.own("tocsin_model_accuracy") == other.own("tocsin_model_accuracy")
    for wrong in ({}, {"numbers": np.zeros(1)}, one.quality.arrays()):
        other.quality.restore(wrong, 2)
        assert other.quality.arrays()["drift.seen"].tolist() == [0, 0]


def test_a_short_history() -> None:
    """Without a day of history accuracy is measured against the value before."""
    watched = Watched(make("flat", times(1), series=2, seed=7), history=20)
    for _ in range(60):
        watched.step()
    assert 0 < (watched.own("tocsin_model_accuracy") or 0) < 0.5
    assert times(1)[-1] < THURSDAY + DAY
