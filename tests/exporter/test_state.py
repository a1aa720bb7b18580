"""Invariances of the default model, and its state as plain arrays."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from exporter.model import Scores
from exporter.models.seasonal import Seasonal
from exporter.models.state import SeasonalState
from tests.exporter.series import PER_DAY, STEP, THURSDAY, frame, make, scored, times


def test_state_is_plain_arrays() -> None:
    """A state that went through arrays, none of them of objects, scores and forecasts exactly as before."""
    values = make("weekly", times(4), series=3, seed=1)
    model = Seasonal()
    state = model.fit(frame(values[:, : 3 * PER_DAY]))
    arrays = state.arrays()
    assert all(array.dtype.kind in "fi" for array in arrays.values())
    restored = SeasonalState.from_arrays(arrays)
    later = frame(values[:, 3 * PER_DAY :], THURSDAY + 3 * PER_DAY * STEP)
    np.testing.assert_array_equal(model.forecast(state, [1, 288]).mean, model.forecast(restored, [1, 288]).mean)
    one, other = model.update(state, later)[1], model.update(restored, later)[1]
    for field in fields(Scores):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


def test_state_is_small() -> None:
    """A series costs at most 15 KB, so that 100,000 fit into 1.5 GB."""
    arrays = SeasonalState.fresh(100, STEP).arrays()
    assert sum(array.nbytes for array in arrays.values()) / 100 < 15_000


def test_units_do_not_matter() -> None:
    """Another unit changes no score; another zero hardly any."""
    values = make("daily", times(5), series=3, seed=2)
    values[:, -2] += 60
    every = scored(np.vstack([values, 1000.0 * values, 0.25 * values, values + 64.0])).score[:, 2 * PER_DAY :]
    one, thousandfold, quarter, moved = np.split(every, 4)
    for closeness, other in ((1e-3, thousandfold), (1e-3, quarter), (0.25, moved)):
        np.testing.assert_allclose(one, other, rtol=closeness, atol=closeness)


def test_a_gap_of_one_is_nobody_elses() -> None:
    """A series without values has no scores, and those beside it are what they were."""
    values = make("daily", times(2), series=3, seed=3)
    gaps = values.copy()
    gaps[1, 100:200] = np.nan
    one, other = (Seasonal().update(SeasonalState.fresh(3, STEP), frame(v))[1].score for v in (values, gaps))
    np.testing.assert_array_equal(one[[0, 2]], other[[0, 2]])
    assert np.isnan(other[1, 100:200]).all()
    assert np.isfinite(other[1, 200:]).all()
