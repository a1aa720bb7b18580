"""What every model promises, run on each of them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.fitting import Here
from exporter.frame import Frame
from exporter.model import NEW, Model, Scores
from exporter.models.contest import Contest
from exporter.models.interest import Interest
from exporter.models.seasonal import Seasonal
from exporter.models.sktime_detections import SktimeDetections
from exporter.models.sktime_forecasts import SktimeForecasts
from exporter.models.sktime_schedule import Plan
from exporter.models.sktime_work import Spec
from tests.exporter.series import PER_DAY, STEP, THURSDAY, frame, make, times

PLAN = Plan(STEP, refit=86_400.0, update=6 * 3_600.0)
NAIVE = SktimeForecasts(Spec("NaiveForecaster"), PLAN, Here(), Interest(), lambda outcome, message: None)
HAMPEL = SktimeDetections(Spec("HampelDetector"), STEP, 4 * 3_600.0, Here(), Interest(), lambda outcome, message: None)
CONTEST = Contest(Seasonal(), NAIVE, ("default", "NaiveForecaster"), 6 * 3_600.0, lambda promotion: None)
MODELS: list[Model[Any]] = [Seasonal(), NAIVE, HAMPEL, CONTEST]
NUMBERS = st.floats(allow_nan=True, allow_infinity=True, width=64)

pytestmark = pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)


def same(one: Scores, other: Scores) -> None:
    for field in fields(Scores):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


def weekly(days: float, series: int = 3) -> Frame:
    return frame(make("weekly", times(days), series=series, seed=1))


def part(whole: Frame, first: int, last: int) -> Frame:
    return Frame(whole.values[:, first:last], whole.labels, whole.start + first * whole.step, whole.step)


def test_shapes(model: Model[Any]) -> None:
    """Scores have the shape of their columns, forecasts one column for each horizon."""
    whole = weekly(2)
    state, scores = model.update(model.fit(part(whole, 0, PER_DAY)), part(whole, PER_DAY, PER_DAY + 7))
    assert {getattr(scores, field.name).shape for field in fields(Scores)} == {(3, 7)}
    assert model.forecast(state, [1, 12, 288]).mean.shape == (3, 3)


def test_one_by_one_is_all_at_once(model: Model[Any]) -> None:
    """Columns that come one by one are scored as if they had come together."""
    whole = weekly(2)
    together = model.update(model.fit(part(whole, 0, PER_DAY)), part(whole, PER_DAY, PER_DAY + 40))[1]
    state = model.fit(part(whole, 0, PER_DAY))
    apart = []
    for column in range(PER_DAY, PER_DAY + 40):
        state, scores = model.update(state, part(whole, column, column + 1))
        apart.append(scores.score)
    np.testing.assert_array_equal(together.score, np.hstack(apart))


def test_no_score_depends_on_later_values(model: Model[Any]) -> None:
    """Whatever comes later, and however much, no earlier score changes."""
    whole, known = weekly(0.5), PER_DAY // 4
    values = whole.values.copy()
    values[:, known:] = 1e6
    cut, changed = part(whole, 0, known), Frame(values, whole.labels, whole.start, whole.step)
    short = model.update(model.fit(part(whole, 0, 0)), cut)[1]
    long = model.update(model.fit(part(whole, 0, 0)), changed)[1]
    same(short, Scores(*(getattr(long, field.name)[:, :known] for field in fields(Scores))))


def test_series_do_not_know_each_other(model: Model[Any]) -> None:
    """A series is scored alone as it is beside others."""
    whole = weekly(0.5)
    alone = Frame(whole.values[1:2], whole.labels[1:2], whole.start, whole.step)
    beside = model.update(model.fit(part(whole, 0, 0)), whole)[1]
    lonely = model.update(model.fit(part(alone, 0, 0)), alone)[1]
    np.testing.assert_allclose(lonely.score[0], beside.score[1])


def test_rows_come_and_go(model: Model[Any]) -> None:
    """A row that stays is scored as before, a new one as if it were alone; both from the first step."""
    whole = weekly(2, series=2)
    next_columns = part(whole, PER_DAY, PER_DAY + 20)
    kept = model.update(model.fit(part(whole, 0, PER_DAY)), next_columns)[1]
    state = model.resize(model.fit(part(whole, 0, PER_DAY)), np.array([NEW, 1]))
    resized = model.update(state, next_columns)[1]
    np.testing.assert_array_equal(resized.score[1], kept.score[1])
    assert np.isfinite(resized.score[0]).all()
    gone = model.resize(state, np.array([], dtype=np.intp))
    assert model.forecast(gone, [1]).mean.shape == (0, 1)


def test_from_nothing(model: Model[Any]) -> None:
    """A model without any history scores its first column 0 or more and below 1."""
    state = model.fit(Frame(np.empty((2, 0)), ({"a": "1"}, {"a": "2"}), THURSDAY, STEP))
    _, scores = model.update(state, frame(np.array([[5.0], [np.nan]])))
    assert 0 <= scores.score[0, 0] < 1
    assert np.isnan(scores.score[1, 0])


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.lists(NUMBERS, min_size=12, max_size=12), min_size=1, max_size=4))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_missing_and_mad_values(model: Model[Any], rows: list[list[float]]) -> None:
    """Whatever the values, a score is NaN where the value is not a number, else 0 or more."""
    values = np.array(rows)
    state, scores = model.update(model.fit(frame(values[:, :4])), frame(values[:, 4:], THURSDAY + 4 * STEP))
    usable = np.isfinite(values[:, 4:])
    assert np.isnan(scores.score[~usable]).all()
    tame = np.abs(np.where(np.isfinite(values), values, 0.0)).max(axis=1) < 1e30
    assert (scores.score[tame][usable[tame]] >= 0).all()
    model.forecast(state, [1, 2])


def test_constant_series(model: Model[Any]) -> None:
    """A constant series scores 0 until it changes, and then above 1."""
    steps = PER_DAY // 2 if isinstance(model, SktimeDetections) else 2 * PER_DAY  # a detector looks at few, slowly
    values = np.repeat([[0.0], [-3.0], [1e12]], steps, axis=1)
    values[:, -1] += np.abs(values[:, -1]) + 1
    scores = model.update(model.fit(frame(values[:, :0])), frame(values))[1]
    assert scores.score[:, :-1].max() == pytest.approx(0, abs=1e-3)
    assert (scores.score[:, -1] > 1).all()


def test_a_state_is_plain_arrays(model: Model[Any]) -> None:
    """A state that went through its arrays, none of them of objects, scores and forecasts as before."""
    whole = weekly(2)
    state = model.fit(part(whole, 0, PER_DAY))
    arrays = {name: array.copy() for name, array in model.arrays(state).items()}
    assert all(array.dtype.kind in "fi" and (not array.ndim or array.shape[-1] == 3) for array in arrays.values())
    restored, columns = model.restore(arrays), part(whole, PER_DAY, PER_DAY + 40)
    np.testing.assert_array_equal(model.forecast(state, [1, 288]).mean, model.forecast(restored, [1, 288]).mean)
    same(model.update(state, columns)[1], model.update(restored, columns)[1])
