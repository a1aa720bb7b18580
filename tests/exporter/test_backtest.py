"""What would have been reported: counted rightly, and told so that people can read it."""

from __future__ import annotations

import json
import math
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from exporter.assembly import model_of
from exporter.backtesting import tally as tallies
from exporter.backtesting.events import Event, Events
from exporter.backtesting.page import page
from exporter.backtesting.report import report
from exporter.backtesting.run import _stride, backtest, run
from exporter.backtesting.tally import Tally
from exporter.backtesting.text import signs, text
from exporter.config import QuerySettings
from exporter.frame import Floats, Frame
from exporter.model import Forecast, Scores
from exporter.models.seasonal import Seasonal
from exporter.replaying.asking import Ask, show_time
from exporter.replaying.choosing import Span
from exporter.replaying.desk import Case, Desk
from tests.exporter.fake import Fake, prometheus
from tests.exporter.series import DAY, STEP, THURSDAY, make, times
from tests.exporter.test_watch import START
from tocsin.clock import ManualClock
from tocsin.errors import UsageError

DAYS, SHOWN = 6, 2
BEGIN = THURSDAY + (DAYS - SHOWN) * DAY
ATTACK = "<script>alert(1)</script>"


def nothing(what: str, share: float) -> None:
    """Shows no progress."""


def case(values: Floats, names: list[str] | None = None, **settings: Any) -> Case:
    """Series of `DAYS`, of which the last `SHOWN` are looked at."""
    query = QuerySettings.model_validate({"name": "q", "expr": "x", "step": "5m"} | settings)
    keys = [(("shop", name),) for name in names or [f"s{row}" for row in range(len(values))]]
    frame = Frame(values, tuple(map(dict, keys)), THURSDAY, STEP)
    return Case(query, keys, frame, Span(BEGIN, THURSDAY + DAYS * DAY - STEP), Seasonal())


@pytest.fixture(scope="module")
def ran() -> tuple[Case, Tally]:
    """Three ordinary series: one with a spike of an hour, one with half a day missing."""
    values = make("daily", times(DAYS), series=3, seed=4)
    values[1, -300:-288] += 200
    values[2, -144:] = np.nan
    chosen = case(values, ["a", ATTACK, "c"])
    return chosen, run(chosen, nothing)


def test_what_happened_is_found(ran: tuple[Case, Tally]) -> None:
    """The spike is the one event, with its beginning, value and what was expected; the figures fit the data."""
    found = report(*ran)
    assert (found["series"], found["events_total"], found["points"]) == (3, 1, 3 * 576 - 144)
    event = found["events"][0]
    assert event["labels"] == {"shop": ATTACK}
    assert event["start"] == show_time(THURSDAY + DAYS * DAY - 300 * STEP)
    assert event["end"] >= show_time(THURSDAY + DAYS * DAY - 289 * STEP)
    assert event["value"] - event["expected"] == pytest.approx(200, abs=25)
    assert found["missing_share"] == pytest.approx(144 / 3 / 576, abs=1e-4)
    assert found["events_per_series_month"] == pytest.approx(1 / found["series_months"], rel=0.01)
    assert found["series_months"] == pytest.approx((3 * 2 - 0.5) / 30, abs=1e-3)
    assert [row["events"] for row in found["by_series"]] == [1, 0, 0]
    assert found["by_series"][0]["events_per_week"] == 3.5
    assert found["band_share"] > 0.98
    assert [row["horizon"] for row in found["forecasts"]] == ["1h", "6h", "1d"]
    assert all(row["error_to_naive"] < 1.1 and row["held_share"] > 0.7 for row in found["forecasts"])


def test_a_detector_has_no_band() -> None:
    """Points that have a score and no band are counted; of a band that is not there no share is told."""
    values = np.arange(12.0)[None]
    frame = Frame(values, ({"shop": "a"},), BEGIN, STEP)
    score, none = np.where(values > 9, 2.0, 0.1), np.full(values.shape, np.nan)
    tally = tallies.begin(1, BEGIN, frame.last, 4, [])
    tallies.count(tally, frame, Scores(score, none, none, none, np.where(values == 10, 2.0, 0.0)))
    found = report(case(values), tally)
    assert (found["points"], found["events_total"], found["high_share"]) == (12, 1, round(2 / 12, 4))
    assert found["band_share"] is None


def test_parts_make_no_difference() -> None:
    """A run scores what the model would have scored in one go."""
    values = make("daily", times(DAYS), series=2, seed=5)
    values[0, -200:-190] *= 3
    chosen = case(values)
    tally = run(chosen, nothing)
    state = Seasonal().fit(Frame(values[:, :-576], chosen.frame.labels, THURSDAY, STEP))
    _, scores = Seasonal().update(state, Frame(values[:, -576:], chosen.frame.labels, BEGIN, STEP))
    np.testing.assert_array_equal(tally.counts.high, (scores.score > 1).sum(axis=1))
    np.testing.assert_array_equal(np.nanmax(tally.worst, axis=1), scores.score.max(axis=1))
    assert [event.score for event in tally.found] == [scores.score[0].max()]


@pytest.mark.parametrize(
    ("score", "event", "expected"),
    [
        ([0.5, 0.9], [0, 0], []),
        ([2, 3, 0.5], [2, 0, 0], [(0, 1, 3.0)]),
        ([2, 0.5, 4, 0.1], [2, 0, 0, 0], [(0, 2, 4.0)]),
        ([2, 0.5, 4, 3], [2, 0, 4, 0], [(0, 0, 2.0), (2, 3, 4.0)]),
        ([3, 3, 2, 2], [0, 0, 2, 0], [(2, 3, 2.0)]),
        ([math.nan, 2, math.nan, 2], [0, 2, 0, 0], [(1, 3, 2.0)]),
    ],
)
def test_events(score: list[float], event: list[float], expected: list[tuple[int, int, float]]) -> None:
    """An event lasts to its last high step before the next one, however the steps come in."""
    for size in (1, 3, len(score)):
        events = Events()
        for first in range(0, len(score), size):
            part = [np.array([row[first : first + size]], dtype=float) for row in (score, event)]
            nothing_else = np.zeros_like(part[0])
            scores = Scores(part[0], nothing_else, nothing_else, nothing_else, part[1])
            events.take(Frame(nothing_else, ({},), float(first), 1.0), scores)
        assert events.found == [Event(0, first, last, peak, 0.0, 0.0) for first, last, peak in expected], size


def test_forecasts_are_compared_with_what_came() -> None:
    """An error is that of the forecast's target, the naive one that of a day before; bounds hold or not."""
    whole = Frame(np.arange(10.0)[None] ** 2, ({},), 0.0, 43_200.0)
    tally = tallies.begin(1, 0.0, 9 * 43_200.0, 2, [43_200.0, 86_400.0, 5 * 86_400.0])
    ahead = Forecast(np.array([[26.0, 30.0, 0.0]]), np.array([[24.0, 37.0, 0.0]]), np.array([[27.0, 40.0, 0.0]]))
    tallies.compare(tally, whole, 5, ahead)  # 0 … 16 are known; 25 and 36 come
    first, second, beyond = tally.errors
    assert (first.ours[0], first.naive[0], first.held[0]) == (1.0, 25 - 9, 1.0)
    assert (second.ours[0], second.naive[0], second.held[0]) == (6.0, 36 - 16, 0.0)
    assert beyond.count[0] == 0


def test_text_is_told(ran: tuple[Case, Tally]) -> None:
    """The report of a terminal has the figures, a line for each series and the events; no line is wider than 140."""
    told = text(*ran, report(*ran))
    assert "3 series, 1,584 points, 8.3 % missing" in told
    assert "1 event would have been reported" in told
    assert "Strongest events" in told
    lines = [line for line in told.splitlines() if "shop=" in line and "event" in line]
    assert "█" in lines[0] or "▅" in lines[0]
    assert max(map(len, told.splitlines())) <= 140


def test_signs() -> None:
    """A timeline's sign grows with the score, and is blank where there is none."""
    assert signs(np.array([0.0, 1.0, 1.5, 3.0, 9.0, math.nan])) == "··▂▅█ "


def test_page_is_told(ran: tuple[Case, Tally]) -> None:
    """The page stands alone, holds an overview and a picture of the event's series, and runs nothing of a label's."""
    made = page(*ran, report(*ran))
    assert ATTACK not in made
    assert made.count("<svg") == 2
    for part in made.split("<svg")[1:]:
        ElementTree.fromstring("<svg" + part.split("</svg>")[0] + "</svg>")


async def test_from_prometheus() -> None:
    """What is read is what is asked for: by name, labels and time, the JSON of plain data."""
    fake = Fake({"x": [({"shop": name}, lambda when: 5.0 + when % 7_200 / 7_200) for name in ("a", "b")]})
    fake.series['x{shop="b"}'] = fake.series["x"][1:]
    query = QuerySettings.model_validate({"name": "q", "expr": "x", "step": "1h", "history": "2d", "horizons": ["2h"]})
    async with prometheus(fake) as api:
        desk = Desk(lambda: [(query, api)], model_of, ManualClock(START))
        chosen, tally = await backtest(desk, Ask.of(labels=["shop=b"], since="1d"), nothing)
        with pytest.raises(UsageError, match="no series of q matches"):
            await backtest(desk, Ask.of(labels=["shop=~z"], since="1d"), nothing)
    found = json.loads(json.dumps(report(chosen, tally)))
    assert [row["labels"] for row in found["by_series"]] == [{"shop": "b"}]
    assert [row["horizon"] for row in found["forecasts"]] == ["2h"]
    assert found["points"] == 25
    assert chosen.frame.steps == 3 * 24 + 1


@pytest.mark.parametrize("every", [1, 6, 72, 360, 1440, 21600, 7919])
def test_a_part_ends_where_a_forecast_is_made(every: int) -> None:
    """Parts are small, and their length divides the distance of forecasts."""
    assert every % _stride(every) == 0
    assert _stride(every) <= 288


def test_nothing_at_all() -> None:
    """Series without any value make a report, too."""
    chosen = case(np.full((1, DAYS * 288), np.nan))
    tally = run(chosen, nothing)
    found = report(chosen, tally)
    assert found["points"] == 0
    assert found["events_per_series_month"] is None
    assert text(chosen, tally, found)
    assert page(chosen, tally, found)
