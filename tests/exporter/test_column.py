"""The model's arithmetic on columns: what is done in fewer passes is what was meant."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from exporter import calibration as tails
from exporter.calibration import Calibration
from exporter.frame import Floats
from exporter.models.column import begin_or_follow, bounded, everywhere
from exporter.models.profiles import SHARPNESS, blend

NAN = np.nan


@pytest.mark.parametrize(
    ("known", "newest", "then"),
    [
        ([4.0, 4.0], [8.0, 0.0], [5.0, 3.0]),
        ([NAN, 4.0], [8.0, 8.0], [8.0, 5.0]),  # what is unknown begins
        ([4.0, 4.0], [NAN, 8.0], [4.0, 5.0]),  # what is missing teaches nothing
        ([NAN, NAN], [NAN, 8.0], [NAN, 8.0]),
    ],
)
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_begin_or_follow(kind: type, known: list[float], newest: list[float], then: list[float]) -> None:
    """What is known moves by a share of its distance to the newest."""
    row: NDArray[Any] = np.array(known, dtype=kind)
    begin_or_follow(row, np.array(newest), 0.25)
    np.testing.assert_array_equal(row, then)


def test_bounded() -> None:
    """Nothing is further from 0 than its limit; what is missing stays missing."""
    np.testing.assert_array_equal(bounded(np.array([-5.0, 5.0, 1.0, NAN]), 2.0), [-2.0, 2.0, 1.0, NAN])


def test_everywhere() -> None:
    """A mask of all is True, and any other one itself."""
    some = np.array([True, False])
    assert everywhere(np.array([True, True])) is True
    assert everywhere(some) is some


def power_mean(expected: Floats, wrong: Floats) -> float:
    known = np.isfinite(expected)
    if not known.any():
        return NAN
    weights = (1.0 / np.where(np.isfinite(wrong), wrong, 1.0)[known]) ** SHARPNESS
    return float((weights * expected[known]).sum() / weights.sum())


def test_blend() -> None:
    """Views are weighted by the inverse power of their errors; who knows nothing has no say, nor has anybody then."""
    expected = np.array([[1.0, NAN, NAN], [2.0, 2.0, NAN], [4.0, 5.0, NAN]])
    wrong = np.array([[1.0, 0.1, 1.0], [1.5, NAN, 1.0], [0.5, 0.8, 1.0]])
    with np.errstate(invalid="ignore"):
        mixed = blend(expected, wrong)
    np.testing.assert_allclose(mixed, [power_mean(*column) for column in zip(expected.T, wrong.T, strict=True)])


def test_many_are_as_few() -> None:
    """Where tails begin is the same to the last bit for a series alone and among so many that rows are added up."""
    known = np.random.default_rng(1).random((tails.BINS, 2 * tails.LONG)).astype(np.float32)
    whole = tails._begin(known)
    np.testing.assert_array_equal(whole, np.hstack([tails._begin(part) for part in np.split(known, 10, axis=1)]))


def test_the_histogram_may_lie_anyhow_in_memory() -> None:
    """Evidence is counted in the bins of its own series and piece, whatever the order of the axes in memory."""
    plain, turned = Calibration.fresh(3, 2), Calibration.fresh(3, 2)
    turned.known = np.asfortranarray(turned.known)
    size, trust = np.log(np.array([[0.1, 1.0, 300.0], [2.0, 3.0, 4.0]])), np.ones(3)
    before = plain.known.copy()
    for each in (plain, turned):
        tails._count(each, size, trust)
    np.testing.assert_array_equal(plain.known, turned.known)
    added = plain.known - before
    np.testing.assert_allclose(added.sum(axis=0), 1.0, rtol=1e-5)
    assert added[0, 0, 0] > 0.9
    assert added[-1, 0, 2] > 0.9
