"""A history that is learned part by part is learned as if it had come at once."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from exporter.frame import Frame
from exporter.model import LearnsInParts
from exporter.models.seasonal import Seasonal
from tests.exporter.series import DAY, THURSDAY

SECONDS = 300.0


def frame(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], start: float, step: float) -> Frame:
    return Frame(values, tuple({"row": str(row)} for row in range(len(values))), start, step)


@pytest.mark.parametrize("length", [1, 100, 288])
def test_parts_are_the_whole(length: int) -> None:
    """The next scores are the same, however long the parts were."""
    columns = 2 * round(DAY / SECONDS)
    rng = np.random.default_rng(7)
    values = 100 + 20 * np.sin(np.arange(columns + 1) / 46) + rng.normal(0, 2, (3, columns + 1))
    model, end = Seasonal(), THURSDAY + columns * SECONDS
    assert isinstance(model, LearnsInParts)
    whole = model.fit(frame(values[:, :-1], THURSDAY, SECONDS))
    state = model.fit(frame(values[:, :0], THURSDAY, SECONDS))
    for first in range(0, columns, length):
        part = frame(values[:, first : min(first + length, columns)], THURSDAY + first * SECONDS, SECONDS)
        state = model.learn(state, part, end)
    newest = frame(values[:, -1:], end, SECONDS)
    _, meant = model.update(whole, newest)
    _, found = model.update(state, newest)
    for field in fields(meant):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(meant, field.name))
