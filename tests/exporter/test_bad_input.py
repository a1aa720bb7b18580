"""Queries and servers that do not behave: the others go on, it is counted and said once, nothing stale is fresh."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from tests.exporter.fake import BAD_QUERY, DOWN, HTML, Answer, Fake, half, reset, silent
from tests.exporter.test_watch import NOW, daily, exporter, query, two


def answer(kind: str, result: object) -> Answer:
    return 200, json.dumps({"status": "success", "data": {"resultType": kind, "result": result}})


def matrix(*points: list[object], labels: object = None) -> Answer:
    return answer("matrix", [{"metric": {"shop": "a"} if labels is None else labels, "values": list(points)}])


FAILURES: dict[str, tuple[Answer, str]] = {
    "down": (DOWN, "unavailable"),
    "slow": (silent, "timeout"),
    "reset": (reset, "unavailable"),
    "half": (half, "unavailable"),
    "half of the JSON": ((200, answer("matrix", [])[1][:-9]), "not_prometheus"),  # type: ignore[index]
    "html": (HTML, "not_prometheus"),
    "login": ((401, ""), "unauthorized"),
    "bad query": (BAD_QUERY, "refused"),
    "too many samples": (
        (422, '{"status":"error","error":"query processing would load too many samples"}'),
        "too_large",
    ),
    "too long": ((200, " " * 1_000_001), "too_large"),
    "nothing": (answer("matrix", []), "empty"),
    "a scalar": (answer("scalar", [1, "2"]), "empty"),
    "a string": (answer("string", [1, "x"]), "empty"),
    "a vector": (answer("vector", [{"metric": {}, "value": [1, "2"]}]), "empty"),
    "histograms": (answer("matrix", [{"metric": {}, "histograms": [[1, {}]]}]), "histograms"),
    "shifted samples": (matrix([NOW + 31, "1"]), "off_grid"),
    "stale samples": (matrix([NOW - 3600, "1"]), "off_grid"),
    "no numbers": (matrix([NOW, "many"]), "not_prometheus"),
    "no points": (matrix([NOW]), "not_prometheus"),
    "no labels": (matrix([NOW, "1"], labels={"shop": 1}), "not_prometheus"),
}


@pytest.mark.parametrize(("failure", "reason"), FAILURES.values(), ids=FAILURES)
async def test_one_query_fails_and_the_others_go_on(failure: Answer, reason: str) -> None:
    """A failing query is counted by reason, logged once, its scores withdrawn; it comes back by itself."""
    fake = Fake({"q": two(), "good": two()})
    queries = [query(history="5m"), query("good", history="5m")]
    async with exporter(fake, queries=queries, timeout_seconds=0.2, most_bytes=1_000_000) as harness:
        await harness.step()
        fake.broken["q"] = failure
        with capture_logs() as logs:
            for minutes in (1, 1, 2):
                await harness.step(minutes)
        assert [entry["reason"] for entry in logs if entry["log_level"] == "error"] == [reason]
        assert await harness.own("tocsin_query_failures_total", query="q", reason=reason) == 3
        assert (len(await harness.scores(query="q")), len(await harness.scores(query="good"))) == (0, 2)
        assert await harness.own("tocsin_exporter_series", query="q") == 0
        del fake.broken["q"]
        await harness.step(1)
        assert len(await harness.scores(query="q")) == 2


VALUES = {
    "all NaN": lambda when: math.nan,
    "constant": lambda when: 7.0,
    "a single sample": lambda when: 7.0 if when == NOW else None,
    "infinite": lambda when: math.inf,
    "huge": lambda when: 1e308 * math.sin(when),
    "zero": lambda when: 0.0,
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
async def test_strange_series(value: Any) -> None:
    """A strange series hurts neither its query nor its neighbours, and none of it is an anomaly out of nothing."""
    async with exporter(
        Fake({"q": [({"shop": "odd"}, value), ({"shop": "a"}, daily)]}), queries=[query(history="1d")]
    ) as harness:
        for minutes in (0, 1, 1):
            await harness.step(minutes)
            assert len(await harness.scores(shop="a")) == 1
            assert all(score <= 1 for score in await harness.scores())
        assert "tocsin_query_failures_total" not in {
            dict(key)["__name__"] for key in await harness.metrics("/metrics/self")
        }


async def test_histograms_among_numbers() -> None:
    """Series that are native histograms are left out and counted, their neighbours scored."""
    numbers = {"metric": {"shop": "a"}, "values": [[NOW, "1"]]}
    histogram = {"metric": {"shop": "b"}, "histograms": [[NOW, {}]]}
    fake = Fake(broken={"q": answer("matrix", [numbers, histogram])})
    async with exporter(fake, queries=[query(history="0s")]) as harness:
        await harness.step()
        assert (len(await harness.scores(shop="a")), len(await harness.scores())) == (1, 1)
        assert await harness.own("tocsin_exporter_series_left_out", query="q", reason="histogram") == 1


async def test_duplicates() -> None:
    """A label set that comes twice in an answer counts once, as it came first, and is counted."""
    twice = [{"metric": {"shop": "a"}, "values": [[NOW, value]]} for value in ("1", "2")]
    async with exporter(
        Fake(broken={"q": answer("matrix", twice)}), queries=[query(history="0s", publish=["band"])]
    ) as harness:
        await harness.step()
        assert await harness.own("tocsin_exporter_series_left_out", query="q", reason="duplicate") == 1
        assert await harness.own("tocsin_exporter_series", query="q") == 1


async def test_ten_times_the_series() -> None:
    """A query that suddenly answers with ten times its series keeps those that it had, and tells of the rest once."""
    few = [({"pod": f"b{row}"}, daily) for row in range(5)]
    many = [
        ({"pod": f"{name}{row}"}, lambda when: daily(when) if when > NOW else None)
        for name in "ac"
        for row in range(25)
    ]
    fake = Fake({"q": [*many, *few]})
    async with exporter(fake, queries=[query(max_series=5, history="1h")]) as harness:
        with capture_logs() as logs:
            for minutes in (0, 1, 1):
                await harness.step(minutes)
        assert [len(await harness.scores(pod=f"b{row}")) for row in range(5)] == [1] * 5
        assert len(await harness.scores()) == 5
        assert await harness.own("tocsin_exporter_series_left_out", query="q", reason="max_series") == 50
        assert sum(entry["event"] == "series are left out" for entry in logs) == 1
        fake.series["q"] = list(few)
        await harness.step(1)
        assert await harness.own("tocsin_exporter_series_left_out", query="q", reason="max_series") == 0


async def test_history_that_is_too_large() -> None:
    """Where the server refuses a range for its size, shorter ones are asked for."""
    fake = Fake({"q": two()})
    async with exporter(fake, queries=[query(history="3h")], most_bytes=4_000) as harness:
        await harness.step()
        assert len(await harness.scores()) == 2
        assert len(fake.asked) > 4


class Impatient(Fake):
    """Never ends its answer where more than an hour is asked for."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        span = float(str(form["end"])) - float(str(form["start"]))
        return await (silent(request) if span > 3600 else super().answer(request))


@pytest.mark.parametrize(("history", "reason"), [("3h", ""), ("9h", "timeout")])
async def test_history_that_is_too_slow(history: str, reason: str) -> None:
    """What takes too long is asked for in shorter ranges, but not for ever."""
    fake = Impatient({"q": two()})
    async with exporter(fake, queries=[query(history=history)], timeout_seconds=0.1) as harness:
        await harness.step()
        assert len(await harness.scores()) == (0 if reason else 2)
        assert await harness.own("tocsin_query_failures_total", query="q", reason=reason) == bool(reason)


async def test_two_queries_of_the_same_series() -> None:
    """Two queries over the same series stay apart by the label `query`."""
    fake = Fake({"x": two()})
    async with exporter(fake, queries=[query("a", expr="x"), query("b", expr="x")]) as harness:
        await harness.step()
        assert [len(await harness.scores(query=name)) for name in "ab"] == [2, 2]
        assert len(await harness.metrics()) == 4
