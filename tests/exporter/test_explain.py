"""Why a point scored as it did: the figures are those that made the score, and the words say what they mean."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from exporter.assembly import model_of
from exporter.config import QuerySettings
from exporter.explaining.explain import EARLIER_STEPS, figures
from exporter.explaining.meaning import MEAN_OF, PIECES_MEAN, VIEWS_MEAN, lasting, meaning
from exporter.explaining.numbers import Figures
from exporter.explaining.words import words
from exporter.feedback.verdict import About, Said, Verdict
from exporter.frame import Floats, Frame
from exporter.model import Forecast, Rows, Scores
from exporter.models.evidence import PIECES, SIGNED
from exporter.models.profiles import VIEWS
from exporter.replaying.asking import show_time
from exporter.replaying.choosing import Span
from exporter.replaying.desk import Case
from tests.exporter.fake import Fake
from tests.exporter.series import DAY, STEP, THURSDAY, make, times
from tests.exporter.test_plot import WRONG, asked, shops
from tests.exporter.test_watch import NOW, daily, exporter, query
from tocsin.errors import UsageError

KEY = (("shop", "a"),)
DAYS = 9


def case(values: Floats, verdicts: tuple[Verdict, ...] = (), model: Any = None, **settings: Any) -> Case:
    query = QuerySettings.model_validate({"name": "q", "expr": "x_seconds", "step": "5m"} | settings)
    end = THURSDAY + (values.shape[1] - 1) * STEP
    span = Span(end - EARLIER_STEPS * STEP, end)
    frame = Frame(values, (dict(KEY),), THURSDAY, STEP)
    return Case(query, [KEY], frame, span, model or model_of(query, lambda: verdicts))


def spiked(size: float = 30.0) -> Floats:
    """Two weeks of a weekly shape; the last five values are higher."""
    values = make("weekly", times(DAYS), series=1, seed=3)
    values[0, -5:] += size
    return values


@pytest.fixture(scope="module")
def found() -> Figures:
    return figures(case(spiked()), None)


def scored(values: Floats) -> Scores:
    """What a model says of the last column that has learned the rest as an explanation's does."""
    first, chosen = values.shape[1] - 1 - EARLIER_STEPS, case(values)
    state = chosen.model.fit(Frame(values[:, :first], ({},), THURSDAY, STEP))
    _, scores = chosen.model.update(state, Frame(values[:, first:], ({},), THURSDAY + first * STEP, STEP))
    return scores


def test_figures_are_those_of_the_score(found: Figures) -> None:
    """Value, expectation, band and score are what the model says; evidence makes the score, views the expectation."""
    values = spiked()
    scores = scored(values)
    for name, expected in (
        ("value", values[0, -1]),
        ("score", scores.score[0, -1]),
        ("expected", scores.expected[0, -1]),
        ("lower", scores.lower[0, -1]),
        ("upper", scores.upper[0, -1]),
    ):
        assert found[name] == pytest.approx(expected, rel=1e-5), name
    assert found["anomalous"] is True
    assert found["at"] == show_time(THURSDAY + (DAYS * 288 - 1) * STEP)
    alone = [one["score_alone"] for one in found["evidence"]]
    assert np.sqrt(np.sum(np.square(alone))) == pytest.approx(found["score"], rel=1e-3)
    assert sum(one["part"] for one in found["evidence"]) == pytest.approx(1, abs=1e-3)
    assert {one["piece"] for one in found["evidence"]} == set(PIECES)
    assert found["evidence"][0]["direction"] == "up"
    assert found["evidence"][0]["once_in_points"] > 1_000
    weighed = sum(one["part"] * one["expected"] for one in found["views"])
    assert weighed == pytest.approx(found["expected"], rel=1e-3)
    assert sum(one["part"] for one in found["views"]) == pytest.approx(1, abs=1e-3)


def test_learning_is_told(found: Figures) -> None:
    """A run of unusual points teaches less; an ordinary point teaches in full; a short history calls for caution."""
    assert found["learning"]["suspect_steps"] >= 4
    assert found["learning"]["tail_teaching"] < 0.3
    calm = figures(case(spiked(0.0)), None)["learning"]
    assert (calm["suspect_steps"], calm["tail_teaching"], calm["new_normal"]) == (0, 1.0, 0.0)
    assert calm["caution"] == 1.0
    young = figures(case(spiked()[:, -100:]), None)["learning"]
    assert young["values_seen"] == 100
    assert young["caution"] > 1.2


def test_an_earlier_point_is_not_told_by_later_ones() -> None:
    """A point's figures are the same whatever came after it."""
    values = spiked()[:, -3 * 288 :]
    other = values.copy()
    other[0, -4:] = 0.0
    at = THURSDAY + (values.shape[1] - 5) * STEP
    assert figures(case(values), at) == figures(case(other), at)


def test_feedback_is_told(found: Figures) -> None:
    """Who said what of the series, and what that changes in this score; without it the score is as before."""
    high, low = (dict.fromkeys(PIECES, size) for size in (100.0, -100.0))
    known = About(shares=high, sizes=high, highest=high, lowest=low, strength=found["score"])
    said = Said("q", KEY, 0.0, "normal", "a sale", "alice", 1.0).verdict_on(known, 1.0)
    heard = figures(case(spiked(), (said,)), None, (said,))
    assert heard["score"] < 1 < heard["score_without_feedback"]
    assert heard["score_without_feedback"] == pytest.approx(found["score"], rel=1e-5)
    (one,) = heard["feedback"]
    assert (one["id"], one["by"]) == (said.id, "alice")
    assert one["changes"] == pytest.approx(heard["score"] - found["score"], abs=1e-3)
    text = words(heard, "UTC")
    assert f"Without what people said it would be {found['score']:.2f}." in text
    assert "(alice: a sale); changes this score by -" in text


def test_words(found: Figures) -> None:
    """The text says in sentences, with units and local time, what the figures say."""
    text = words(found, "Europe/Berlin")
    assert 'q: {shop="a"} at 2026-01-10 00:55:00 (Europe/Berlin)' in text
    assert "was expected" in text
    assert "usual deviations." in text
    assert "anomalous (the bar is 1)" in text
    assert "the mean of about 20 min, against what was expected" in text
    assert "the same time of other days" in text
    assert "steps in a row" in text
    assert max(map(len, text.splitlines())) <= 140


def test_odd_points_are_told() -> None:
    """The first value of all, a constant series and one after a gap have words, too."""
    first = np.array([[5.0]])
    assert "the first value, so that nothing was expected" in words(figures(case(first), None), "UTC")
    for values in (
        np.full((1, 400), 5.0),
        np.where(np.arange(400) % 300 < 290, 5.0 + np.arange(400) % 2, np.nan)[None],
    ):
        told = figures(case(values), None)
        json.dumps(told, allow_nan=False)
        assert words(told, "UTC")


@pytest.mark.parametrize("at", [THURSDAY - 1, THURSDAY + 100 * DAY, THURSDAY + 398 * STEP])
def test_no_value_at_that_time(at: float) -> None:
    """Before, after, or where a value is missing, there is nothing to explain."""
    values = np.ones((1, 400))
    values[0, 398] = np.nan
    with pytest.raises(UsageError, match="no value at that time"):
        figures(case(values), at)


class Plain:
    """A model that knows nothing of evidence."""

    def fit(self, history: Frame) -> int:
        return history.steps

    def resize(self, state: int, rows: Rows) -> int:
        return state

    def update(self, state: int, columns: Frame) -> tuple[int, Scores]:
        half = np.full(columns.values.shape, 0.5)
        return state + columns.steps, Scores(half, half, half, half, half)

    def forecast(self, state: int, steps: Any) -> Forecast:
        raise NotImplementedError


def test_another_model_tells_what_every_model_knows() -> None:
    """A model without evidence tells value, expectation and score."""
    found = figures(case(np.ones((1, 10)), model=Plain()), None)
    assert (found["value"], found["expected"], found["score"]) == (1.0, 0.5, 0.5)
    assert "Score 0.50: not anomalous (the bar is 1)." in words(found, "UTC")
    assert "Evidence" not in words(found, "UTC")


def test_every_piece_and_view_has_words() -> None:
    """What the model knows is what is put into words."""
    assert tuple(PIECES_MEAN) == PIECES
    assert [signed for _, signed in PIECES_MEAN.values()] == [place < SIGNED for place in range(len(PIECES))]
    assert len(VIEWS_MEAN) == VIEWS
    assert set(MEAN_OF) == {piece for piece, (text, _) in PIECES_MEAN.items() if "{}" in text}
    assert meaning("hour", 60.0) == "the mean of about 12 min, against what was expected"


@pytest.mark.parametrize(
    ("seconds", "text"), [(45, "45 s"), (240, "4 min"), (3_600, "1 h"), (21_600, "6 h"), (259_200, "3 days")]
)
def test_times_are_told_in_their_unit(seconds: float, text: str) -> None:
    """A time is told in the unit in which people would tell it."""
    assert lasting(seconds) == text


async def test_over_http() -> None:
    """`/api/v1/explain` answers for the newest point or another, as JSON or as text."""
    async with exporter(shops(), queries=[asked()]) as running:
        answer = await running.client.get("/api/v1/explain", params={"labels": "shop=a"})
        newest = await answer.json()
        assert newest["at"] == show_time(NOW // 600 * 600)
        assert newest["labels"] == {"__name__": "x", "shop": "a"}
        calm = {"labels": "shop=a", "at": show_time(NOW - 21_600), "format": "text"}
        text = await (await running.client.get("/api/v1/explain", params=calm)).text()
        assert "not anomalous" in text
        missing = {"labels": "shop=a", "at": str(NOW - 10_800)}
        assert (await running.client.get("/api/v1/explain", params=missing)).status == 400
        for parameters in ({"format": "svg"}, {"since": "1d"}, {}, *(wrong for wrong, *_ in WRONG[:1])):
            assert (await running.client.get("/api/v1/explain", params=parameters)).status == 400


async def test_a_new_series_is_told_beside_its_kin() -> None:
    """One that came hours ago is played with those that it borrows from, and it is told from how many."""
    came = NOW - 5 * 3_600
    found: list[Any] = [({"shop": shop}, daily) for shop in "abc"]
    found.append(({"shop": "d"}, lambda when: 3 * daily(when) if when >= came else None))
    fake = Fake({"q": found} | {f'q{{shop="{labels["shop"]}"}}': [(labels, value)] for labels, value in found})
    async with exporter(fake, queries=[query(step="10m", history="2d")]) as running:
        told = await (await running.client.get("/api/v1/explain", params={"labels": "shop=d"})).json()
        assert told["learning"]["borrowed_from"] == 3
        assert told["labels"] == {"shop": "d"}
        text = await (await running.client.get("/api/v1/explain", params={"labels": "shop=d", "format": "text"})).text()
        assert "new: its day, scale and tails began as the median of 3 series" in text
        old = await (await running.client.get("/api/v1/explain", params={"labels": "shop=a"})).json()
        assert old["learning"]["borrowed_from"] == 0
    assert sum(ask["query"] == 'q{shop="b"}' for ask in fake.asked) == 2  # for the new one alone, twice
