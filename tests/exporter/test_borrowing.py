"""A new series borrows from those like it, where they agree, and only until it knows itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from exporter.frame import Floats, Frame
from exporter.model import NEW, Arrays, Scores
from exporter.models.borrowing import GIVEN_BACK
from exporter.models.contest import Contest, Trial
from exporter.models.kinship import NOBODY, by_labels
from exporter.models.seasonal import Seasonal
from exporter.models.state import SeasonalState
from exporter.names import key_of
from tests.exporter.series import DAY, THURSDAY

STEP = 900
PER_DAY = DAY // STEP
DAYS = 3
TROUGH = 11 * PER_DAY // 20  # of a day, in steps
ARRIVAL = THURSDAY + DAYS * DAY + TROUGH * STEP
HISTORY = DAYS * PER_DAY + TROUGH
METRICS = ("rate", "below_zero", "few", "disagreeing", "of_two_kinds", "young")
KNOWN = 4  # series of each
SHOP = slice(0, KNOWN)

Labels = Mapping[str, str]


def day(first: float, length: int) -> Floats:
    """The day's shape from a time on: a fifth of its mean at the trough, nearly twice that at the peak."""
    hour = (first + STEP * np.arange(length)) % DAY / DAY
    shape: Floats = 1 + 0.8 * np.sin(2 * np.pi * (hour - 0.8))
    return shape


def known(first: float, length: int) -> Floats:
    """Four series of each metric, (24, length), each with noise of its own."""
    rng, shape = np.random.default_rng(round(first)), day(first, length)
    noise = rng.normal(0, 1, (len(METRICS) * KNOWN, length))
    sizes = np.array([[0.8], [0.9], [1.1], [1.2]])
    replicas = 100 * sizes * shape
    turned = np.array([100 * day(first + part * DAY / KNOWN, length) for part in range(KNOWN)])
    mirrored = 100 * sizes * np.where(np.arange(KNOWN)[:, None] < 2, shape, 2 - shape)
    each = [replicas, 20 * shape - 20 + 0 * sizes, replicas, turned, mirrored, replicas]
    values: Floats = np.vstack(each) + np.where(np.arange(len(noise)) // KNOWN == 1, 1, 3)[:, None] * noise
    values[2 * KNOWN + 2 : 3 * KNOWN] = np.nan
    if first < ARRIVAL:
        values[5 * KNOWN :, : length - PER_DAY // 2] = np.nan
    return values


def called(metric: str, number: str) -> Labels:
    return {"__name__": metric, "service": "shop", "pod": f"shop-{number}", "instance": f"10.0.0.{number}:80"}


LABELS = [called(metric, str(number)) for metric in METRICS for number in range(KNOWN)]
NEWCOMER, STRANGER = called("rate", "9"), called("strange", "9")


@pytest.fixture(scope="module")
def before() -> Arrays:
    return Seasonal().fit(Frame(known(THURSDAY, HISTORY), LABELS, THURSDAY, STEP)).arrays()


def welcomed(before: Arrays, newcomer: Floats, *names: Labels) -> tuple[SeasonalState, Scores]:
    """What is said from the newcomer's first step on, of it under each of these names."""
    model, length = Seasonal(), len(newcomer)
    state = model.resize(model.restore(before), np.r_[np.arange(len(LABELS)), np.full(len(names), NEW)])
    values = np.vstack([known(ARRIVAL, length), np.repeat(newcomer[None], len(names), axis=0)])
    return model.update(state, Frame(values, [*LABELS, *names], ARRIVAL, STEP))


def replica(length: int = PER_DAY, level: float = 60.0) -> Floats:
    noise = np.random.default_rng(3).normal(0, 1, length)
    values: Floats = level * day(ARRIVAL, length) * (1 + 0.03 * noise)
    return values


def test_a_first_morning(before: Arrays) -> None:
    """A replica that comes at the trough scores below 1 all day, in a band half as wide as it would have alone."""
    state, scores = welcomed(before, replica(), NEWCOMER, STRANGER)
    assert state.borrowing.lenders[-2:].tolist() == [KNOWN, 0]
    assert scores.score[-2].max() < 1
    width, alone = (scores.upper - scores.lower)[-2:, 16:]
    assert (width < 0.5 * alone).all()


@pytest.mark.parametrize("factor", [2.0, 0.2])
def test_a_spike_is_told(before: Arrays, factor: float) -> None:
    """On its first morning half an hour of something else is reported; without kin it is not."""
    values = replica(48)
    values[40:43] *= factor
    _, scores = welcomed(before, values, NEWCOMER, STRANGER)
    assert scores.event[-2, 40:43].max() > 1
    assert scores.event[-1, 40:43].max() == 0


@pytest.mark.parametrize("hours", [2, 5])
def test_what_warms_up_waits(before: Arrays, hours: int) -> None:
    """A replica whose load comes over hours borrows when it has it all, and its way there is no event."""
    warming, length = hours * 3_600 // STEP, PER_DAY
    values = replica(length)
    values[:warming] *= np.arange(1, warming + 1) / warming
    state, scores = welcomed(before, values, NEWCOMER)
    assert state.borrowing.lenders[-1] == KNOWN
    assert scores.score[-1].max() < 1


def test_odd_first_values(before: Arrays) -> None:
    """The first value of a process does not spoil its level."""
    for first in (0.0, 200.0):
        values = replica(PER_DAY // 2)
        values[0] = first
        assert welcomed(before, values, NEWCOMER)[1].score[-1, 1:].max() < 1


def test_another_size(before: Arrays) -> None:
    """What is borrowed is relative: a replica a hundred times as large has a band about as wide in proportion."""
    small, large = ((each.upper - each.lower)[-1, 10:] for each in
                    (welcomed(before, replica(40, level), NEWCOMER)[1] for level in (60.0, 6_000.0)))  # fmt: skip
    np.testing.assert_allclose(100 * small, large, rtol=0.5)


def test_shapes_below_zero_are_shifted(before: Arrays) -> None:
    """Where values are not all positive, the shape is shifted to the newcomer's level instead of stretched."""
    own = 20 * day(ARRIVAL, 60) - 50
    noise = np.random.default_rng(4).normal(0, 1, 60)
    state, scores = welcomed(before, own + noise, called("below_zero", "9"))
    assert state.borrowing.lenders[-1] == KNOWN
    assert np.abs(scores.expected[-1, 10:] - own[10:]).mean() < 3


def test_nothing_is_borrowed(before: Arrays) -> None:
    """From series that are too few, do not agree or do not know the day."""
    names = [called(metric, "9") for metric in ("few", "disagreeing", "of_two_kinds", "young")]
    state, scores = welcomed(before, replica(20), *names, STRANGER)
    assert state.borrowing.lenders[-5:].tolist() == [0] * 5
    np.testing.assert_array_equal(scores.score[-5:-1], np.repeat(scores.score[-1:], 4, axis=0))


def test_from_unusual_ones_later(before: Arrays) -> None:
    """As long as its kin are in trouble a newcomer borrows nothing; when that is over it does."""
    model, values = Seasonal(), np.vstack([known(ARRIVAL, 24), replica(24)])
    values[SHOP, :5] *= 10
    state = model.resize(model.restore(before), np.r_[np.arange(len(LABELS)), NEW])
    state, _ = model.update(state, Frame(values[:, :5], [*LABELS, NEWCOMER], ARRIVAL, STEP))
    assert state.borrowing.lenders[-1] == 0
    state, _ = model.update(state, Frame(values[:, 5:], [*LABELS, NEWCOMER], ARRIVAL + 5 * STEP, STEP))
    assert state.borrowing.lenders[-1] == KNOWN


def test_its_own_outweighs(before: Arrays) -> None:
    """A newcomer whose day is flatter than its kin's expects its own after a few days."""
    own = 1.5 + 58.5 * day(ARRIVAL, 4 * PER_DAY)
    state, scores = welcomed(before, own, NEWCOMER)
    assert state.borrowing.lenders[-1] == KNOWN
    off = np.abs(scores.expected[-1] - own)
    assert off[3 * PER_DAY :].mean() < 0.5 * off[3:PER_DAY].mean()


def test_what_does_not_fit_is_given_back(before: Arrays) -> None:
    """A newcomer that is unusual for hours on its first day has another day than its kin: it goes on as if alone."""
    own = 60 * day(ARRIVAL + DAY // 2, 3 * PER_DAY)
    state, scores = welcomed(before, own, NEWCOMER)
    assert state.borrowing.lenders[-1] == GIVEN_BACK
    assert (scores.score[-1] > 1).sum() <= 12
    assert np.abs(scores.expected[-1] - own)[2 * PER_DAY :].mean() < 6


def test_lenders_lose_nothing(before: Arrays) -> None:
    """Whoever lends is scored as if nobody had come."""
    lent, alone = (welcomed(before, replica(20), name)[1] for name in (NEWCOMER, STRANGER))
    np.testing.assert_array_equal(lent.score[:-1], alone.score[:-1])
    assert (lent.upper[-1, 4:] != alone.upper[-1, 4:]).all()


def test_heirs_lend(before: Arrays) -> None:
    """Whoever has borrowed lends: what a service is like outlives all of its replicas."""
    model, names = Seasonal(), [called("rate", f"{number}") for number in range(12)]
    state = model.resize(model.restore(before), np.r_[np.arange(KNOWN), np.full(KNOWN, NEW)])
    values = 100 * day(ARRIVAL, 24) + 3 * np.random.default_rng(2).normal(0, 1, (2 * KNOWN, 24))
    state, _ = model.update(state, Frame(values[:, :12], names[:8], ARRIVAL, STEP))
    state = model.resize(state, np.r_[np.arange(KNOWN, 2 * KNOWN), np.full(KNOWN, NEW)])
    state, _ = model.update(state, Frame(values[:, 12:], names[4:], ARRIVAL + 12 * STEP, STEP))
    assert state.borrowing.lenders.tolist() == [KNOWN] * 2 * KNOWN


def test_a_restart_keeps_it(before: Arrays) -> None:
    """What was borrowed, and the values that a newcomer waits with, go through the state's arrays."""
    model, names, values = Seasonal(), [*LABELS, NEWCOMER], np.vstack([known(ARRIVAL, 12), replica(12)])
    _, whole = welcomed(before, replica(12), NEWCOMER)
    state = model.resize(model.restore(before), np.r_[np.arange(len(LABELS)), NEW])
    for first, last in ((0, 2), (2, 8), (8, 12)):
        state = model.restore(model.arrays(state))
        state, scores = model.update(state, Frame(values[:, first:last], names, ARRIVAL + first * STEP, STEP))
        np.testing.assert_array_equal(scores.score, whole.score[:, first:last])
    assert state.borrowing.lenders[-1] == KNOWN


def test_not_after_a_day() -> None:
    """Whoever knows a day of its own borrows no more, however many columns come at once."""
    values = np.tile(100 + 50 * np.sin(np.arange(60) / 24 * 2 * np.pi), (KNOWN + 1, 1))
    values[-1, :3] = np.nan
    together = Frame(values, [*LABELS[SHOP], NEWCOMER], THURSDAY, 3_600)
    state, _ = Seasonal().update(SeasonalState.fresh(KNOWN + 1, 3_600), together)
    assert state.borrowing.lenders.tolist() == [0] * (KNOWN + 1)


def test_in_a_contest(before: Arrays) -> None:
    """A default model that is one of two borrows, too."""
    one, other = Seasonal(), Seasonal()
    model: Contest[Any, Any] = Contest(one, other, ("one", "other"), DAY, lambda promotion: None)
    series = len(LABELS)
    state = Trial(one.restore(before), other.restore(before), np.zeros((2, series)), np.zeros(series))
    state = model.resize(state, np.r_[np.arange(series), NEW])
    values = np.vstack([known(ARRIVAL, 6), replica(6)])
    state, _ = model.update(state, Frame(values, [*LABELS, NEWCOMER], ARRIVAL, STEP))
    assert [each.borrowing.lenders[-1] for each in (state.first, state.second)] == [KNOWN, KNOWN]


PODS = [
    {"zone": zone, "service": service, "pod": f"{service}-{zone}-{pod}"}
    for service in "ab"
    for zone in "xy"
    for pod in range(3)
]


@pytest.mark.parametrize(
    ("newcomer", "others", "expected"),
    [
        ({"zone": "x", "service": "a", "pod": "a-x-9"}, PODS, [[0, 1, 2]]),
        ({"zone": "z", "service": "a", "pod": "a-z-0"}, PODS, [[0, 1, 2, 3, 4, 5]]),
        ({"zone": "z", "service": "c", "pod": "c-z-0"}, PODS, [list(range(9))]),
        ({"zone": "x", "service": "a", "pod": "0"}, [one | {"pod": one["pod"][-1]} for one in PODS], [[0, 1, 2]]),
        ({"zone": "x", "service": "a", "task": "a-x-9"}, PODS, []),
        ({"zone": "x", "service": "a"}, PODS, []),
        ({"__name__": "m", "pod": "9"}, [{"__name__": "n", "pod": str(pod)} for pod in range(3)], []),
        ({"__name__": "n", "pod": "9"}, [{"__name__": "n", "pod": str(pod)} for pod in range(3)], [[0, 1, 2]]),
    ],
    ids=["another pod", "another zone", "another service", "pods of a set", "a name", "fewer", "metric", "one metric"],
)
def test_who_is_kin(newcomer: Labels, others: list[Labels], expected: list[list[int]]) -> None:
    """Closest are those that share all labels but the rarest; never those of another metric or other label names."""
    keys = [key_of(one) for one in (*others, newcomer)]
    found = []
    for kinship in by_labels(keys, np.array([len(others)]), np.arange(len(others))):
        for way in range(kinship.ways):
            rows = kinship.members(way, np.array([0]))[0]
            found += [rows[rows != NOBODY].tolist()] if (rows != NOBODY).sum() >= 3 else []
    if expected and len(expected[0]) < 9:
        assert expected[0] in found[:2]
    elif expected:
        assert [len(set(rows)) for rows in found[-1:]] == [9]
    else:
        assert found == []
