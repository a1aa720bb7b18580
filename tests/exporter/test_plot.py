"""Pictures of series: over HTTP and as a command, beside scoring that goes on."""

from __future__ import annotations

import asyncio
import math
import struct
import sys
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from exporter.frame import Frame
from exporter.models.seasonal import Seasonal
from exporter.plotting.picture import Sheet, draw, runs
from exporter.plotting.units import scaled, unit_of
from exporter.replaying.desk import MOST_WAITING, Desk
from exporter.replaying.replay import Replay, replay
from tests.exporter.fake import BAD_QUERY, Fake
from tests.exporter.series import STEP, THURSDAY, make, times
from tests.exporter.test_watch import NOW, START, daily, exporter, query
from tocsin.clock import ManualClock
from tocsin.errors import UsageError

SVG = "{http://www.w3.org/2000/svg}"


def gapped(when: float) -> float | None:
    """A daily curve, ten times as high for the last hour, missing from four hours ago to two."""
    if NOW - 14_400 < when < NOW - 7_200:
        return None
    return daily(when) * (10 if when > NOW - 3_600 else 1)


def shops(count: int = 2) -> Fake:
    """Series of the query `q`, and each of them alone."""
    found: list[Any] = [({"__name__": "x", "shop": chr(97 + row)}, gapped) for row in range(count)]
    return Fake({"q": found} | {f'q{{shop="{labels["shop"]}"}}': [(labels, value)] for labels, value in found})


def asked(**settings: Any) -> dict[str, Any]:
    return query(step="10m", history="1d", **settings)


def texts(svg: str) -> str:
    """What matplotlib notes of each text beside its outlines."""
    return svg.replace("&quot;", '"').replace("&amp;", "&")


@pytest.mark.parametrize("kind", ["svg", "png"])
async def test_a_picture_is_drawn(kind: str) -> None:
    """`/plot` answers with a picture 800 points wide, of the series that match, and says what is in it."""
    async with exporter(shops(), queries=[asked(), asked(name="other")]) as running:
        parameters = {"query": "q", "labels": 'shop="a"', "since": "1d", "format": kind}
        answer = await running.client.get("/plot", params=parameters)
        content = await answer.read()
        assert answer.status == 200, content
    if kind == "png":
        assert answer.content_type == "image/png"
        assert struct.unpack(">II", content[16:24])[0] == 800
        return
    root = ElementTree.fromstring(content)
    assert root.tag == f"{SVG}svg"
    assert float(root.attrib["width"].removesuffix("pt")) == pytest.approx(800 * 72 / 100)
    written = texts(content.decode())
    for text in ('x{shop="a"}', "no data", "anomalous", "reported", "forecast, 90 %", "times in UTC"):
        assert text in written, text
    assert 'x{shop="b"}' not in written


WRONG = [
    ({"query": "nope"}, 400, "there is no query 'nope'; there are q, other"),
    ({}, 400, "name one query of q, other"),
    ({"query": "q", "labels": "shop=z"}, 400, 'no series of q matches; there are x{shop="a"}, x{shop="b"}'),
    ({"query": "q", "labels": "shop"}, 400, "is no matcher"),
    ({"query": "q", "since": "long"}, 400, "'long' is no duration"),
    ({"query": "q", "since": "0s"}, 400, "longer than nothing"),
    ({"query": "q", "since": "9y"}, 400, "since is too long: 20000 steps"),
    ({"query": "q", "until": "soon"}, 400, "'soon' is no time"),
    ({"query": "q", "format": "gif"}, 400, "format 'gif' is unknown; known: svg, png"),
    ({"query": "q", "shop": "a"}, 400, "unknown parameter shop"),
    ({"query": "q"}, 400, "6 series of q match where at most 4 can be looked at"),
    ({"query": "other"}, 502, "unclosed left parenthesis"),
]


@pytest.mark.parametrize(("parameters", "status", "message"), WRONG)
async def test_a_wrong_question_is_told(parameters: dict[str, str], status: int, message: str) -> None:
    """What cannot be drawn is answered with a problem that says why; it disturbs no scoring."""
    many = 6 if "6 series" in message else 2
    fake = Fake(shops(many).series, {"other": BAD_QUERY})
    async with exporter(fake, queries=[asked(), asked(name="other")]) as running:
        answer = await running.client.get("/plot", params=parameters)
        told = await answer.json(content_type="application/problem+json")
    assert (answer.status, told["status"]) == (status, status)
    assert message in told["detail"]


async def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the extra is missing, 501 names it, before anything is asked of Prometheus."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    fake = shops()
    async with exporter(fake, queries=[asked()]) as running:
        answer = await running.client.get("/plot", params={"query": "q"})
        assert (answer.status, "tocsin[plot]" in (await answer.json())["detail"]) == (501, True)
        assert fake.asked == []


async def test_an_unknown_parameter() -> None:
    """An unknown parameter is refused with those that are known."""
    async with exporter(shops(), queries=[asked()]) as running:
        answer = await running.client.get("/plot", params={"querry": "q"})
        said = (await answer.json())["detail"]
        assert said == "unknown parameter querry; known: query, labels, since, until, format"


async def test_one_picture_at_a_time() -> None:
    """A page that everybody opens is worked on once at a time; beyond a few who wait, 503 says to come back."""
    async with exporter(shops(), queries=[asked()]) as running:
        answers = await asyncio.gather(
            *(running.client.get("/plot", params={"labels": "shop=a", "since": "1h"}) for _ in range(MOST_WAITING + 3))
        )
        statuses = sorted(answer.status for answer in answers)
        assert statuses == [200] * (MOST_WAITING + 1) + [503] * 2
        assert all("Retry-After" in answer.headers for answer in answers if answer.status == 503)


async def test_turns_do_not_overlap() -> None:
    """A question begins when the one before has ended, also when that one failed."""
    desk, told = Desk(list, lambda query: Seasonal(), ManualClock(START)), []

    async def work(name: str) -> None:
        async with desk.turn():
            told.append(f"{name} begins")
            await asyncio.sleep(0)
            told.append(f"{name} ends")
            raise UsageError(name)

    await asyncio.gather(*map(work, "ab"), return_exceptions=True)
    assert told == ["a begins", "a ends", "b begins", "b ends"]


async def test_only_one_series_is_read() -> None:
    """History is asked for the chosen series alone: its labels stand in the selector."""
    fake = shops()
    async with exporter(fake, queries=[asked()]) as running:
        assert (await running.client.get("/plot", params={"labels": "shop=a"})).status == 200
    longest = max(fake.asked, key=lambda form: float(form["end"]) - float(form["start"]))
    assert longest["query"] == 'q{shop="a"}'
    assert float(longest["end"]) - float(longest["start"]) == 3 * 86_400


def replayed(values: Any, days: float = 1.0) -> Replay:
    frame = Frame(values, ({"shop": "$a$"},), THURSDAY, STEP)
    return replay(Seasonal(), frame, THURSDAY + (values.shape[1] * STEP - days * 86_400), 3_600)


@pytest.mark.parametrize(
    "values",
    [
        np.full((1, 600), np.nan),
        np.zeros((1, 600)),
        np.full((1, 600), -1e30),
        np.where(np.arange(600) % 2, np.nan, 1.0)[None],
        np.where(np.arange(600) == 599, 1.0, np.nan)[None],
        np.array([[1.0]]),
    ],
    ids=["nothing", "zero", "huge", "every other", "single", "one column"],
)
def test_odd_series_are_drawn(values: Any) -> None:
    """Whatever a series is like, there is a picture and no warning; a `$` in a label is no formula."""
    assert b"<svg" in draw(replayed(values), ["{shop='$a$'}"], Sheet("q"), "svg")


def test_a_replay_is_what_was_scored_live() -> None:
    """Scores of the shown part are those of a model that was given history first and then point after point."""
    values = make("daily", times(5), series=1, seed=1)
    played, model = replayed(values), Seasonal()
    state = model.fit(Frame(values[:, :-288], ({},), THURSDAY, STEP))
    live = []
    for column in range(values.shape[1] - 288, values.shape[1]):
        frame = Frame(values[:, column : column + 1], ({},), THURSDAY + column * STEP, STEP)
        state, scores = model.update(state, frame)
        live.append(scores.score[0, 0])
    np.testing.assert_array_equal(played.scores.score[0], live)


@pytest.mark.parametrize(
    ("holds", "expected"),
    [([], []), ([0, 0], []), ([1], [(0, 0)]), ([1, 1, 0, 1], [(0, 1), (3, 3)]), ([0, 1, 1], [(1, 2)])],
)
def test_runs(holds: list[int], expected: list[tuple[int, int]]) -> None:
    """Runs are told by their first and last index."""
    assert runs(np.array(holds, dtype=bool)) == expected


@pytest.mark.parametrize(
    ("expr", "largest", "sign", "scale"),
    [
        ("process_resident_memory_bytes", 3e9, "GiB", 2.0**30),
        ("rate(node_network_receive_bytes_total[5m])", 3e6, "MiB/s", 2.0**20),
        ("histogram_quantile(0.9, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))", 0.25, "ms", 1e-3),
        ("sum(rate(http_requests_total[5m]))", 250, "/s", 1.0),
        ("sum(rate(http_requests_total[5m]))", 2.5e6, "M/s", 1e6),
        ("rate(process_cpu_seconds_total[5m])", 0.5, "", 1.0),
        ("rate(a_seconds_sum[5m]) / rate(a_seconds_count[5m])", 0.5, "", 1.0),
        ('errors{path="/x"}', 20, "", 1.0),
        ("node_hwmon_temp_celsius", 60, "°C", 1.0),
        ("up", 0.0, "", 1.0),
        ("scrape_duration_seconds", 0.0, "s", 1.0),
    ],
)  # fmt: skip
def test_units(expr: str, largest: float, sign: str, scale: float) -> None:
    """The unit comes from the names in the expression, scaled to the largest value; none where it is unsure."""
    unit = scaled(unit_of(expr), largest)
    assert unit.sign == sign
    assert math.isclose(unit.scale, scale)
