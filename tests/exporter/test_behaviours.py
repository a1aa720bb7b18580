"""What the default model does with each kind of trouble, and with series that are only unlike others."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import fields
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from exporter.frame import Floats
from exporter.model import Scores
from exporter.models.interest import Interest
from exporter.models.moment import Calendar
from exporter.models.seasonal import Seasonal
from exporter.models.state import SeasonalState
from tests.exporter.series import DAY, PER_DAY, STEP, THURSDAY, frame, make, times

AT = 16 * PER_DAY + 150  # where trouble begins
DAYS = 20.0
TROUBLES = ("spike", "shift", "leak", "lost season", "death", "stuck", "burst", "change", "nothing")


def calm() -> Floats:
    """A row for each trouble, all well: seasons and noise, but for the last three."""
    when = times(DAYS)
    rows = make("daily", when, series=len(TROUBLES), seed=21)
    rows[TROUBLES.index("burst")] = np.random.default_rng(3).poisson(0.02, len(when))
    rows[TROUBLES.index("change")] = 40.0
    return rows


def troubled() -> Floats:
    rows = calm()
    row = {trouble: rows[index] for index, trouble in enumerate(TROUBLES)}
    row["spike"][AT : AT + 4] += 120
    row["shift"][AT:] += 60
    row["leak"][AT : AT + 2 * PER_DAY] += np.linspace(0, 120, 2 * PER_DAY)
    row["lost season"][AT : AT + PER_DAY] = 100 + (row["lost season"][AT : AT + PER_DAY] % 7)
    row["death"][AT : AT + 120] = 0
    row["stuck"][AT : AT + 144] = row["stuck"][AT]
    row["burst"][AT : AT + 8] += 12
    row["change"][AT:] = 50
    return rows


WITHIN = {
    "spike": 4,
    "shift": 12,
    "leak": 2 * PER_DAY,
    "lost season": PER_DAY,
    "death": 12,
    "stuck": 60,
    "burst": 12,
    "change": 6,
}


@pytest.mark.slow(20)
def test_troubles() -> None:
    """Each kind of trouble is reported in its time, and once: what stays is learned, not told again.

    Where nothing is wrong, nothing is reported after the first week; three days after a shift all is well again.
    """
    values = troubled()
    scores = Seasonal().update(SeasonalState.fresh(len(values), STEP), frame(values))[1]
    for trouble, within in WITHIN.items():
        events = np.flatnonzero(scores.event[TROUBLES.index(trouble), AT - PER_DAY :]) + AT - PER_DAY
        assert len(events) == 1, (trouble, events - AT)
        assert 0 <= events[0] - AT < within, trouble
    assert not scores.event[:, 7 * PER_DAY : AT].any()
    assert not scores.event[TROUBLES.index("nothing"), 7 * PER_DAY :].any()
    assert (scores.score[TROUBLES.index("shift"), AT + 3 * PER_DAY :] < 1).mean() > 0.95


def test_a_thinned_history_and_a_held_sample() -> None:
    """A saw in steps of a minute is normal after a thinned history; a value may be held for 5 steps, not for 60."""
    when = times(4, step=60)
    saw = 100 + 40 * np.sin(2 * np.pi * when / DAY) + (when // 60 * 7919) % 11
    history, then = saw[None, :-90], saw[None, -90:].copy()
    then[0, 30:] = then[0, 30]
    model = Seasonal()
    state = model.fit(frame(history, step=60))
    score = model.update(state, frame(then, THURSDAY + 60 * history.shape[1], 60))[1].score[0]
    assert score[:36].max() < 1
    assert score[36:].max() > 1


def test_clocks_change() -> None:
    """Series that live by Berlin's clocks bring no event when those change, given the time zone."""
    start = datetime(2026, 3, 16, tzinfo=UTC).timestamp()
    when = times(16, int(start))
    local = when + np.where(when >= datetime(2026, 3, 29, 1, tzinfo=UTC).timestamp(), 7200, 3600)
    values = make("square", local, series=8, seed=5)
    model = Seasonal(Calendar(ZoneInfo("Europe/Berlin")))
    events = model.update(SeasonalState.fresh(8, STEP), frame(values, start))[1].event
    assert not events[:, 12 * PER_DAY :].any()


def test_a_holiday_is_a_sunday() -> None:
    """A Wednesday that is like a Sunday scores lower when it is known to be a holiday."""
    when = times(14)
    wednesday = THURSDAY + 13 * DAY
    shifted = np.where(when >= wednesday, when + 4 * DAY, when)  # that day lives as a Sunday does
    values = make("weekly", shifted, series=4, seed=6)
    holiday = datetime.fromtimestamp(wednesday, UTC).date()
    before, day = frame(values[:, : 13 * PER_DAY]), frame(values[:, 13 * PER_DAY :], wednesday)
    state, means = Seasonal().update(SeasonalState.fresh(4, STEP), before)[0], []
    for calendar in (Calendar(), Calendar(holidays=frozenset({holiday}))):
        scored = Seasonal(calendar).update(deepcopy(state), day)[1]
        means.append(scored.score.mean())
    assert means[1] < 0.5 * means[0]


LEARNED = {"direction": 7, "matters": 8, "bounds": 9, "asked": 10}  # rows of the history below, and their seed


@pytest.fixture(scope="module")
def learned() -> tuple[SeasonalState, Floats]:
    """What a model knows after eight days and a half of two series for each test below, and half a day to come.

    What is worth an alarm changes what is told, so each test tells it only then.
    """
    rows = {test: make("daily", times(9), series=2, seed=seed) for test, seed in LEARNED.items()}
    rows["bounds"] = np.clip(rows["bounds"] / 150, 0, 1)
    values = np.vstack(list(rows.values()))
    before = frame(values[:, : -PER_DAY // 2])
    return Seasonal().update(SeasonalState.fresh(len(values), STEP), before)[0], values[:, -PER_DAY // 2 :]


def go_on(
    learned: tuple[SeasonalState, Floats], test: str, interest: Interest, last: float | list[float] = 0.0
) -> tuple[SeasonalState, Scores]:
    """The state after the half day, and the scores of a test's two rows; to their last values something is added."""
    row = 2 * list(LEARNED).index(test)
    values = learned[1].copy()
    values[row : row + 2, -1] += last
    start = THURSDAY + 9 * DAY - STEP * values.shape[1]
    state, scores = Seasonal(interest=interest).update(deepcopy(learned[0]), frame(values, start))
    return state, Scores(*(getattr(scores, field.name)[row : row + 2] for field in fields(Scores)))


@pytest.mark.parametrize(
    ("direction", "seen"), [("both", [True, True]), ("up", [True, False]), ("down", [False, True])]
)
def test_direction(learned: tuple[SeasonalState, Floats], direction: str, seen: list[bool]) -> None:
    """Only what goes into the direction of interest scores."""
    interest = Interest(direction=direction)  # type: ignore[arg-type]
    scores = go_on(learned, "direction", interest, [90, -90])[1]
    assert (scores.score[:, -1] > 1).tolist() == seen


@pytest.mark.parametrize("interest", [Interest(least=200.0), Interest(least_share=3.0)])
def test_what_does_not_matter(learned: tuple[SeasonalState, Floats], interest: Interest) -> None:
    """A deviation that is smaller than what matters does not score above 1, however unusual."""
    before, after = (go_on(learned, "matters", each, 100)[1].score[:, -1] for each in (Interest(), interest))
    assert (before > 1).all()
    assert (after < 1).all()


def test_bounds(learned: tuple[SeasonalState, Floats]) -> None:
    """No forecast and no band leaves what is possible."""
    interest = Interest(bounds=(0.0, 1.0))
    state, scores = go_on(learned, "bounds", interest)
    ahead, row = Seasonal(interest=interest).forecast(state, [1, 288, 2016]), 2 * list(LEARNED).index("bounds")
    for array in (scores.lower, scores.upper, ahead.lower[row : row + 2], ahead.upper[row : row + 2]):
        assert np.isfinite(array).all()
        assert array.min() >= 0
        assert array.max() <= 1
    assert go_on(learned, "bounds", Interest())[1].upper.max() > 1


def test_false_alarms_are_asked_for(learned: tuple[SeasonalState, Floats]) -> None:
    """Whoever allows more false alarms gets higher scores from the same values."""
    few, many = (go_on(learned, "asked", Interest(asked))[1].score for asked in (0.1, 10.0))
    assert (many > 1.2 * few).all()
