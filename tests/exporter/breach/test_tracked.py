"""A tracked model: the inner model's answers, and beside them what simulation needs, in the same rows."""

from __future__ import annotations

import numpy as np

from exporter.breach.condition import Comparison, Condition
from exporter.breach.tracked import Tracked
from exporter.frame import Frame
from exporter.model import NEW
from exporter.models.seasonal import Seasonal
from tests.exporter.series import STEP, THURSDAY, frame, make, times

ABOVE = tuple(Condition(((Comparison(">", number),),)) for number in (100.0, 1e9))
MODEL = Tracked(Seasonal(), ABOVE)


def test_the_inner_model_speaks() -> None:
    """Scores and forecasts are those of the model within; each condition has its own run."""
    values = make("daily", times(1.0), series=3, seed=1)
    history = frame(values[:, :-1])
    newest = Frame(values[:, -1:], history.labels, THURSDAY + history.steps * STEP, STEP)
    state, scores = MODEL.update(MODEL.fit(history), newest)
    alone = Seasonal()
    first = history.steps // 2
    inner = alone.fit(frame(values[:, :first]))
    inner, _ = alone.update(inner, Frame(values[:, first:-1], history.labels, THURSDAY + first * STEP, STEP))
    inner, expected = alone.update(inner, newest)
    assert scores.score.tolist() == expected.score.tolist()
    assert MODEL.forecast(state, [1, 12]).mean.tolist() == alone.forecast(inner, [1, 12]).mean.tolist()
    above = values > 100
    lasting = [float(np.argmin(row[::-1])) for row in above]
    assert state.runs[0].lasting.tolist() == lasting
    assert state.runs[1].lasting.tolist() == [0.0] * 3


def test_rows_come_and_go_in_every_part() -> None:
    """A row that moves takes errors and runs along; one that is new begins with none."""
    values = make("daily", times(0.5), series=3, seed=1)
    state = MODEL.fit(frame(values))
    seen, lasting = state.errors.seen.tolist(), state.runs[0].lasting.tolist()
    resized = MODEL.resize(state, np.array([2, NEW, 0, 1], dtype=np.intp))
    assert resized.errors.seen.tolist() == [seen[2], 0.0, seen[0], seen[1]]
    assert resized.runs[0].lasting.tolist() == [lasting[2], 0.0, lasting[0], lasting[1]]
    newest = frame(np.array([[1.0], [2.0], [np.nan], [200.0]]), start=THURSDAY + values.shape[1] * STEP)
    after, scores = MODEL.update(resized, newest)
    assert scores.score.shape == (4, 1)
    assert after.errors.seen.tolist() == [seen[2] + 1, 0.0, seen[0], seen[1] + 1]
    assert after.runs[0].lasting.tolist() == [0.0, 0.0, 0.0, lasting[1] + 1]


def test_hardly_any_history() -> None:
    """No column, one column, a series without values: nothing breaks, nothing is known."""
    for steps in (0, 1, 2):
        state = MODEL.fit(frame(np.full((2, steps), np.nan)))
        assert state.errors.seen.tolist() == [0.0, 0.0]
        assert state.runs[0].lasting.tolist() == [0.0, 0.0]


def test_what_is_tracked_outlives_a_restart() -> None:
    """A state that went through its arrays learns and forecasts as before, and so do its errors and runs."""
    values = 100 + 20 * np.random.default_rng(5).standard_normal((3, 80))
    state = MODEL.fit(Frame(values[:, :60], ({"a": "1"}, {"a": "2"}, {"a": "3"}), 0.0, 300.0))
    restored = MODEL.restore({name: array.copy() for name, array in MODEL.arrays(state).items()})
    newer = Frame(values[:, 60:], ({"a": "1"}, {"a": "2"}, {"a": "3"}), 60 * 300.0, 300.0)
    (one, scores), (other, again) = MODEL.update(state, newer), MODEL.update(restored, newer)
    np.testing.assert_array_equal(scores.score, again.score)
    one_kept, other_kept = MODEL.arrays(one), MODEL.arrays(other)
    assert one_kept.keys() == other_kept.keys()
    for name, array in one_kept.items():
        np.testing.assert_array_equal(array, other_kept[name], err_msg=name)
