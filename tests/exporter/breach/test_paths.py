"""Paths from here: as wide as the forecast says, and no wilder than the errors were."""

from __future__ import annotations

import numpy as np
import pytest

from exporter.breach.errors import Correlation, Errors, correlation, learn
from exporter.breach.paths import NINETY, Ahead, grid, noise, paths, thinned, widening
from exporter.frame import Floats
from exporter.model import NEW, Forecast

STEP = 300.0
RANDOM = np.random.default_rng(7)


def ahead(mean: Floats, up: float = 1.0, down: float = 1.0) -> Ahead:
    steps = np.arange(1, mean.shape[1] + 1)
    return Ahead(steps, STEP, mean, np.full(mean.shape, up), np.full(mean.shape, down))


def process(share: float, memory: float, steps: int, series: int) -> Floats:
    """Errors of deviation 1 of which a share fades, (series, steps)."""
    noise = RANDOM.normal(0, 1, (2, series, steps))
    fading = np.empty((series, steps))
    fading[:, 0] = np.sqrt(share) * noise[0, :, 0]
    for step in range(1, steps):
        fading[:, step] = memory * fading[:, step - 1] + np.sqrt(share * (1 - memory**2)) * noise[0, :, step]
    whole: Floats = fading + np.sqrt(1 - share) * noise[1]
    return whole


def test_paths_keep_the_intervals() -> None:
    """At each step about 5 % of the paths lie below the lower bound and 5 % above the upper one, however skewed."""
    model = Forecast(*(np.full((3, 40), number) for number in (10.0, 8.0, 16.0)))
    steps = list(range(1, 41))
    of = Ahead.of(model, steps, steps, STEP)
    together = Correlation(*(np.array(numbers) for numbers in ([0, 0.5, 0.9], [0, 0.9, 0.5], [0.0] * 3, [0, 0.5, 0.9])))
    values = np.stack(list(paths(of, together, noise(np.random.default_rng(1), 40))), axis=-1)
    assert values.shape == (3, 200, 40)
    assert (values < 8.0).mean(axis=(1, 2)) == pytest.approx(0.05, abs=0.012)
    assert (values > 16.0).mean(axis=(1, 2)) == pytest.approx(0.05, abs=0.012)
    assert np.median(values) == pytest.approx(10.0, abs=0.1)


def test_paths_hang_together_as_errors_did() -> None:
    """From step to step, paths of white errors jump; paths of errors that fade move little."""
    errors = Correlation(*(np.array(numbers) for numbers in ([0.0, 1.0], [0.0, 0.95], [0.0, 0.0], [0.0, 1.0])))
    values = np.stack(list(paths(ahead(np.zeros((2, 60))), errors, noise(np.random.default_rng(1), 60))), axis=-1)
    together = [np.corrcoef(row[:, :-1].ravel(), row[:, 1:].ravel())[0, 1] for row in values]
    assert together == pytest.approx([0.0, 0.95], abs=0.03)


def test_what_is_off_now_fades() -> None:
    """A series that is two deviations too high now is expected to come back as its errors did."""
    errors = Correlation(*(np.array([number]) for number in (1.0, 0.9, 2.0, 0.0)))
    means = [values.mean() for values in paths(ahead(np.zeros((1, 20))), errors, noise(np.random.default_rng(1), 20))]
    assert means == pytest.approx([2.0 * 0.9**step for step in range(1, 21)], abs=0.1)


@pytest.mark.parametrize(("share", "memory"), [(0.0, 0.0), (0.6, 0.9), (1.0, 0.7), (0.9, 0.97)])
def test_how_errors_hang_together_is_learned(share: float, memory: float) -> None:
    """Share and memory are found from the errors, and how far the fading part is off now."""
    errors, values = Errors.fresh(20), process(share, memory, 2500, 20)
    for column in range(values.shape[1]):
        learn(errors, 3.0 * values[:, column], np.full(20, 10.0))
    found = correlation(errors)
    assert np.mean(found.share) == pytest.approx(share, abs=0.1)
    if share:
        assert np.mean(found.memory) == pytest.approx(memory, abs=0.06)
        ahead_of = np.corrcoef(found.present, values[:, -1])[0, 1]
        assert ahead_of > 0.5
    assert (found.doubt <= found.share + 1e-12).all()


def test_gaps_teach_nothing_and_rows_move() -> None:
    """A missing error leaves what was learned; rows keep theirs when others come and go."""
    errors, values = Errors.fresh(2), process(1.0, 0.8, 400, 2)
    for column in range(400):
        learn(errors, values[:, column], np.ones(2))
    before = correlation(errors)
    learn(errors, np.array([np.nan, np.nan]), np.ones(2))
    after = correlation(errors.resized(np.array([NEW, 1], dtype=np.intp)))
    assert after.share.tolist() == [0.0, before.share[1]]
    assert after.present[1] == pytest.approx(before.present[1] * before.memory[1])


def test_forecasts_are_asked_for_seldom() -> None:
    """Between the steps that a model was asked for lie straight lines; nothing is left out at either end."""
    known = thinned(list(range(1, 101)), 10)
    assert (known[:5], known[-1], len(known) <= 16) == ([1, 2, 3, 4, 11], 100, True)
    line = np.array([[float(step) for step in known]])
    of = Ahead.of(Forecast(line, line - NINETY, line + 2 * NINETY), known, list(range(1, 101)), STEP)
    assert of.mean[0].tolist() == pytest.approx(list(range(1, 101)))
    assert (of.down.max(), of.up.min()) == pytest.approx((1.0, 2.0))


@pytest.mark.parametrize("last", [1, 5, 60, 1440, 10_080])
def test_grids_end_where_they_should(last: int) -> None:
    """Steps ascend to the last one, and there are never more than some hundreds."""
    for steps in (grid(last), widening(last, 60), thinned(grid(last), 100)):
        assert steps == sorted(set(steps))
        assert (steps[0], steps[-1]) == (1, last)
        assert len(steps) < 410
