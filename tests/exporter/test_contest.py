"""Champion against challenger; what both promise as one model is in test_models.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from exporter.assembly import model_of
from exporter.config import QuerySettings
from exporter.fitting import Here
from exporter.frame import Floats, Frame
from exporter.metrics import Metrics
from exporter.model import NEW, Arrays, Forecast, Rows, Scores
from exporter.models.choice import chosen
from exporter.models.contest import Contest, Promotion
from exporter.models.seasonal import Seasonal
from tests.exporter.series import DAY, PER_DAY, STEP, THURSDAY, frame, make, times

TRIAL = 0.5 * DAY


class Last:
    """The simplest model: it expects the last value. Its state is that, of shape (series,)."""

    def fit(self, history: Frame) -> Floats:
        state = np.full(len(history.labels), np.nan)
        return self.update(state, history)[0] if history.steps else state

    def resize(self, state: Floats, rows: Rows) -> Floats:
        return np.where(rows == NEW, np.nan, state[np.where(rows == NEW, 0, rows)])

    def update(self, state: Floats, columns: Frame) -> tuple[Floats, Scores]:
        expected = np.hstack([state[:, None], columns.values[:, :-1]])
        zero = np.zeros_like(expected)
        return columns.values[:, -1], Scores(zero, expected, expected, expected, zero)

    def forecast(self, state: Floats, steps: Sequence[int]) -> Forecast:
        return Forecast(*(np.repeat(state[:, None], len(steps), axis=1) for _ in range(3)))

    def arrays(self, state: Floats) -> Arrays:
        return {"last": state}

    def restore(self, arrays: Arrays) -> Floats:
        return arrays["last"]


def contest(first: Any, second: Any) -> tuple[Contest[Any, Any], list[Promotion]]:
    told: list[Promotion] = []
    return Contest(first, second, ("first", "second"), TRIAL, told.append), told


def daily(days: float = 5) -> Floats:
    return make("daily", times(days), series=4, seed=1)


def test_the_better_one_takes_over() -> None:
    """A challenger that is better on the held-back end of the history speaks from the first step, and it is told."""
    values = daily()
    model, told = contest(Last(), Seasonal())
    state = model.fit(frame(values[:, : 4 * PER_DAY]))
    assert [one.model for one in told] == ["second"]
    assert told[0].error < 0.9
    assert told[0].share == 1
    assert told[0].series == 4
    alone, newest = Seasonal(), frame(values[:, 4 * PER_DAY :], THURSDAY + 4 * DAY)
    expected = alone.update(alone.restore(alone.arrays(state.second)), newest)[1]
    state, scores = model.update(state, newest)
    np.testing.assert_array_equal(scores.score, expected.score)
    np.testing.assert_array_equal(model.forecast(state, [12]).mean, alone.forecast(state.second, [12]).mean)


def test_the_worse_one_never_does() -> None:
    """A champion that is better stays, trial after trial."""
    model, told = contest(Seasonal(), Last())
    state = model.fit(frame(daily()[:, : 3 * PER_DAY]))
    model.update(state, frame(daily()[:, 3 * PER_DAY :], THURSDAY + 3 * DAY))
    assert told == []


def test_two_alike() -> None:
    """Models that are equally good never change places: a margin is asked for."""
    model, told = contest(Seasonal(), Seasonal())
    state = model.fit(frame(daily()[:, : 3 * PER_DAY]))
    model.update(state, frame(daily()[:, 3 * PER_DAY :], THURSDAY + 3 * DAY))
    assert told == []


def test_the_tide_turns() -> None:
    """When the loser of one trial wins a later one, it takes over then, and not before the trial has ended."""
    values = daily(6)
    walk = np.cumsum(np.random.default_rng(2).normal(0, 30, (4, 2 * PER_DAY)), axis=1)
    values[:, 4 * PER_DAY :] = values[:, 4 * PER_DAY - 1 : 4 * PER_DAY] + walk
    model, told = contest(Seasonal(), Last())
    state = model.fit(frame(values[:, : 4 * PER_DAY]))
    assert told == []
    state, _ = model.update(state, frame(values[:, 4 * PER_DAY : 4 * PER_DAY + 100], THURSDAY + 4 * DAY))
    assert told == []
    model.update(state, frame(values[:, 4 * PER_DAY + 100 :], THURSDAY + 4 * DAY + 100 * STEP))
    assert [one.model for one in told][:1] == ["second"]


def test_few_values_decide_nothing() -> None:
    """A trial over a handful of values promotes nobody."""
    model, told = contest(Last(), Seasonal())
    model.fit(frame(daily()[:, :100]))
    assert told == []


def test_as_configured() -> None:
    """`challenger` makes a contest of both; a promotion is logged with its figures and counted."""
    settings = {
        "name": "q",
        "expr": "up",
        "step": "5m",
        "model": {"sktime": "NaiveForecaster"},
        "challenger": "default",
    }
    query, metrics = QuerySettings.model_validate(settings), Metrics()
    model = chosen(query, model_of(query), Here(), metrics)
    with capture_logs() as logs:
        model.fit(frame(daily(3)))
    assert metrics.registry.get_sample_value(
        "tocsin_model_promotions_total", {"query": "q", "model": "default"}
    ) == pytest.approx(1)
    assert [entry["model"] for entry in logs if entry["event"] == "a model is promoted"] == ["default"]
