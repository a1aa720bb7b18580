"""The probability that an alert fires: against what comes out when the same process is played many times."""

from __future__ import annotations

import numpy as np
import pytest

from exporter.breach.condition import Comparison, Condition
from exporter.breach.errors import Correlation
from exporter.breach.firing import Drawn, probabilities
from exporter.breach.runs import Runs, learn
from exporter.frame import Floats
from tests.exporter.breach.test_paths import ahead, process

DRAWN = Drawn.of(np.random.default_rng(1), 48)


def above(number: float) -> Condition:
    return Condition(((Comparison(">", number),),))


def errors(series: int, share: float = 0.0, memory: float = 0.0) -> Correlation:
    whole = np.ones(series)
    return Correlation(share * whole, memory * whole, 0.0 * whole, share * whole)


def seen(condition: Condition, values: list[list[float]]) -> Runs:
    runs = Runs.fresh(len(values))
    learn(runs, condition, np.array(values) + 0.001)
    return runs


def fires(values: Floats, number: float, needed: int) -> Floats:
    """How often the first run of so many values above a number has been by each step, (steps,)."""
    runs, fired, shares = np.zeros(len(values)), np.zeros(len(values), np.bool_), []
    for column in values.T:
        runs = np.where(column > number, runs + 1, 0)
        fired |= runs >= needed
        shares.append(fired.mean())
    return np.array(shares)


@pytest.mark.parametrize("needed", [1, 3, 6])
@pytest.mark.parametrize(("share", "memory"), [(0.0, 0.0), (1.0, 0.9), (0.6, 0.95)])
def test_runs_are_counted_as_they_come(share: float, memory: float, needed: int) -> None:
    """For white, fading and mixed errors, the probability is what many plays of the process give."""
    truth = fires(process(share, memory, 48, 20_000), 1.0, needed)
    runs = seen(above(1.0), [[0.0]])
    found = probabilities(ahead(np.zeros((1, 48))), errors(1, share, memory), runs, above(1.0), needed, DRAWN)[0]
    assert np.abs(found - truth).max() < 0.06


def test_a_run_that_lasts_counts() -> None:
    """With `for` nearly over, the alert is likelier to fire than from the beginning; firing already is 1."""
    condition = above(0.0)
    runs = seen(condition, [[-1.0] * 9, [-1.0] * 5 + [1.0] * 4, [1.0] * 9])
    assert runs.lasting.tolist() == [0.0, 4.0, 9.0]
    found = probabilities(ahead(np.full((3, 48), 0.5)), errors(3), runs, condition, 6.0, DRAWN)
    assert found[0, 1] == 0.0
    assert found[1, 1] == pytest.approx(0.69**2, abs=0.05)
    assert found[2].tolist() == [1.0] * 48
    assert (np.diff(found, axis=1) >= 0).all()


def test_far_from_the_number_nothing_is_simulated() -> None:
    """What no path reaches is 0 for sure; without a forecast there is no probability."""
    mean = np.array([[0.0] * 48, [np.nan] * 48])
    found = probabilities(ahead(mean), errors(2), seen(above(7.0), [[0.0]] * 2), above(7.0), 1.0, DRAWN)
    assert found[0].tolist() == [0.0] * 48
    assert np.isnan(found[1]).all()


@pytest.mark.parametrize(("text", "expected"), [(((">", 1.0),), 0.16), (((">", 1.0), ("<", 2.0)), 0.136)])
def test_conditions_of_several_comparisons(text: tuple[tuple[str, float], ...], expected: float) -> None:
    """Comparisons hold together or one for another, as PromQL's `and` and `or`."""
    parts = tuple(Comparison(*part) for part in text)
    runs = seen(above(9.0), [[0.0]])
    together = probabilities(ahead(np.zeros((1, 1))), errors(1), runs, Condition((parts,)), 1.0, DRAWN)
    either = Condition((parts, (Comparison("<", -1.0),)))
    assert together[0, 0] == pytest.approx(expected, abs=0.01)
    assert probabilities(ahead(np.zeros((1, 1))), errors(1), runs, either, 1.0, DRAWN)[0, 0] == pytest.approx(
        expected + 0.16, abs=0.01
    )


def test_up_and_down() -> None:
    """`== 0` on what is 0 or 1 follows how often it went down, and how long it stayed so."""
    random, down = np.random.default_rng(3), Condition(((Comparison("==", 0.0),),))
    value: Floats = np.ones(400)
    history = []
    for _ in range(4000):
        value = np.array(random.random(400) < np.where(value == 1, 0.995, 0.2), dtype=np.float64)
        history.append(value)
    runs = Runs.fresh(4)
    learn(runs, down, np.array(history)[:, :4].T)
    runs.lasting[:] = [0.0, 1.0, 0.0, 0.0]
    found = probabilities(ahead(np.ones((4, 48)), 0.01, 0.01), errors(4), runs, down, 3.0, DRAWN)
    began = np.array(history)[2000:2049].T == 0
    truth = fires(began[~began[:, 0], 1:].astype(np.float64), 0.5, 3)[-1]
    assert found[0, -1] == pytest.approx(truth, abs=0.05)
    assert found[1, 1] == pytest.approx(0.8**2, abs=0.08)
    never = Runs.fresh(1)
    learn(never, down, np.ones((1, 4000)))
    assert probabilities(ahead(np.ones((1, 48))), errors(1), never, down, 3.0, DRAWN)[0, -1] == 0.0


def test_whole_numbers_stay_whole() -> None:
    """A count that is 5 is not a little above 5."""
    values = np.tile([[3.0, 5.0, 4.0]], 20)
    runs = Runs.fresh(1)
    learn(runs, above(5.0), values)
    found = probabilities(ahead(np.full((1, 1), 4.0), 1.6, 1.6), errors(1), runs, above(5.0), 1.0, DRAWN)
    assert found[0, 0] == pytest.approx(0.175, abs=0.02)  # beyond 5.5


def test_nothing_holds_of_what_is_missing() -> None:
    """A gap ends a run, as it does in Prometheus; columns may come one by one or together."""
    condition = Condition(((Comparison("!=", 5.0),),))
    values = np.array([[1.0, 1.0, np.nan, 1.0, 2.0], [np.nan] * 5, [1.0] * 5])
    together, apart = Runs.fresh(3), Runs.fresh(3)
    learn(together, condition, values)
    for column in values.T:
        learn(apart, condition, column[:, None])
    assert together.lasting.tolist() == apart.lasting.tolist() == [2.0, 0.0, 5.0]
    assert apart.chances() == pytest.approx(together.chances(), rel=0.01)
