"""NAB's score, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bench.nab import NOT_SCORED, OUTSIDE, PROFILES, File, evaluate, worth
from exporter.frame import Floats


def sigmoid(position: float) -> float:
    return float(2.0 / (1.0 + np.exp(5.0 * position)) - 1.0)


FILE = File("f/a.csv", np.arange(100.0), np.zeros(100), ((50, 59),))
FIRST = 1.0  # a hit at a window's first point
LAST = sigmoid(-0.1) / sigmoid(-1.0)


def scores(**points: float) -> Floats:
    """0 but at the points `at_N`."""
    found = np.zeros(100)
    for name, score in points.items():
        found[int(name.removeprefix("at_"))] = score
    return found


def test_worth() -> None:
    """Fifteen points are not scored; a window's worth falls from 1; after it a report costs ever more, up to 1."""
    window, value = worth(FILE)
    assert (window[:15] == NOT_SCORED).all()
    assert (window[15:50] == OUTSIDE).all()
    assert (window[50:60] == 0).all()
    assert (value[50], value[59]) == (pytest.approx(FIRST), pytest.approx(LAST))
    assert value[49] == -1
    assert value[60] == pytest.approx(sigmoid(1 / 9))
    assert value[99] == -1  # more than three widths after


@pytest.mark.parametrize(
    ("found", "standard", "low_fp", "low_fn"),
    [
        (scores(), 0.0, 0.0, 0.0),
        (scores(at_50=1), 100.0, 100.0, 100.0),
        (scores(at_59=1), 50 * (1 + LAST), 50 * (1 + LAST), 100 * (2 + LAST) / 3),
        (scores(at_59=2, at_50=1), 100.0, 100.0, 100.0),  # the earliest counts, once
        (scores(at_50=2, at_30=1), 100.0, 100.0, 100.0),  # the threshold lies between
        (scores(at_50=1, at_30=2), 94.5, 89.0, 100 * (3 - 0.11) / 3),  # what costs comes first
        (scores(at_50=1, at_30=1), 94.5, 89.0, 100 * (3 - 0.11) / 3),  # equal scores are added together
        (scores(at_5=9, at_50=1), 100.0, 100.0, 100.0),  # too early to be scored
    ],
)
def test_evaluate(found: Floats, standard: float, low_fp: float, low_fn: float) -> None:
    """Each profile's score at its best threshold, computed by hand."""
    got = [evaluate([FILE], [found], profile).score for profile in PROFILES.values()]
    assert got == [pytest.approx(expected) for expected in (standard, low_fp, low_fn)]


def test_one_threshold_for_all() -> None:
    """The threshold is the corpus': a file whose false alarm outscores another's hit pays for it."""
    other = File("g/b.csv", np.arange(100.0), np.zeros(100), ())
    result = evaluate([FILE, other], [scores(at_50=1), scores(at_40=2)], PROFILES["standard"])
    assert result.score == pytest.approx(94.5)
    assert result.folders == {"f": pytest.approx(100.0), "g": pytest.approx(-0.11)}
