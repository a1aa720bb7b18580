"""A whole exporter over a server that answers like Prometheus, on a clock that tests move."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from exporter.app import Exporter
from exporter.config import ExporterConfig
from exporter.frame import Frame
from exporter.names import Key, key_of
from tests.exporter.fake import DOWN, Fake, Value, prometheus
from tests.exporter.series import DAY
from tocsin.clock import ManualClock
from tocsin.promapi import MOST_BYTES

START = datetime(2026, 1, 15, 12, 0, 10, tzinfo=UTC)
NOW = START.timestamp() - 10


def daily(when: float) -> float:
    return 100 + 40 * math.sin(2 * math.pi * when / DAY) + (when / 60 * 7919 % 11) / 5


def until(end: float, value: Value = daily) -> Value:
    return lambda when: value(when) if when < end else None


@dataclass
class Harness:
    exporter: Exporter
    clock: ManualClock
    client: TestClient[Any, Any]

    async def step(self, minutes: float = 0) -> None:
        self.clock.advance(minutes=minutes)
        for watch in self.exporter.watches:
            await watch.step()

    async def metrics(self, path: str = "/metrics") -> dict[Key, float]:
        text = await (await self.client.get(path)).text()
        return {
            key_of(s.labels | {"__name__": s.name}): s.value
            for f in text_string_to_metric_families(text)
            for s in f.samples
        }

    async def scores(self, **labels: str) -> list[float]:
        wanted = set(labels.items()) | {("__name__", "tocsin_anomaly_score")}
        return [value for key, value in (await self.metrics()).items() if wanted <= set(key)]

    async def own(self, name: str, **labels: str) -> float:
        return (await self.metrics("/metrics/self")).get(key_of(labels | {"__name__": name}), 0.0)


@asynccontextmanager
async def exporter(
    *fakes: Fake, queries: list[dict[str, Any]], timeout_seconds: float = 5, most_bytes: int = MOST_BYTES
) -> AsyncIterator[Harness]:
    config = ExporterConfig.model_validate({"prometheus": {"url": "http://127.0.0.1:1"}, "queries": queries})
    clock = ManualClock(START)
    async with prometheus(*fakes, timeout_seconds=timeout_seconds, most_bytes=most_bytes) as api:
        built = Exporter.build(config, api, clock)
        async with TestClient(TestServer(built.application)) as client:
            yield Harness(built, clock, client)


def query(name: str = "q", **settings: Any) -> dict[str, Any]:
    return {"name": name, "expr": name, "step": "1m", "history": "2d", "delay": "10s"} | settings


def two(value: Value = daily) -> list[Any]:
    return [({"__name__": "x", "shop": shop}, value) for shop in ("a", "b")]


async def test_history_once_then_short_ranges() -> None:
    """Who is there, then their history, once; then each step asks from the last one to now minus the delay."""
    fake = Fake({"q": two()})
    async with exporter(fake, queries=[query()]) as harness:
        for minutes in (0, 1, 5, 0):
            await harness.step(minutes)
        assert [(float(ask["start"]), float(ask["end"])) for ask in fake.asked] == [
            (NOW, NOW),
            (NOW - 2 * DAY, NOW - 60),
            (NOW + 60, NOW + 60),
            (NOW + 120, NOW + 360),
        ]
        assert len(await harness.scores(query="q")) == 2
        assert await harness.own("tocsin_exporter_queries_total", query="q") == 3
        assert await harness.own("tocsin_exporter_series", query="q") == 2


async def test_an_anomaly_scores_above_one() -> None:
    """A value at a quarter of the usual scores above 1, its neighbour below."""
    fake = Fake({"q": [({"shop": "a"}, lambda when: daily(when) / (4 if when > NOW else 1)), ({"shop": "b"}, daily)]})
    async with exporter(fake, queries=[query()]) as harness:
        await harness.step()
        assert max(await harness.scores()) < 1
        await harness.step(1)
        assert (await harness.scores(shop="a"))[0] > 1 > (await harness.scores(shop="b"))[0]


async def test_forecasts_where_asked_for() -> None:
    """Horizons bring `0s` and themselves, each with its bounds; without horizons there are none."""
    fake = Fake({"q": two(), "plain": two()})
    async with exporter(fake, queries=[query(horizons=["1h", "24h", "7d"]), query("plain")]) as harness:
        await harness.step()
        metrics = {key: value for key, value in (await harness.metrics()).items() if dict(key)["query"] == "q"}
        for horizon, ahead in (("0s", 0), ("1h", 3600), ("1d", DAY), ("7d", 7 * DAY)):
            labels = {"shop": "a", "query": "q", "horizon": horizon}
            mean, lower, upper = (
                metrics[key_of(labels | {"__name__": f"tocsin_forecast{end}"})] for end in ("", "_lower", "_upper")
            )
            assert lower < mean < upper
            assert mean == pytest.approx(daily(NOW + ahead), abs=15)
        assert not any(
            "forecast" in dict(key)["__name__"] for key in await harness.metrics() if ("query", "plain") in key
        )


async def test_series_come_and_go() -> None:
    """A series that left Prometheus leaves us at once; a new one is scored from its first step."""
    shops = [*two(until(NOW + 90))[:1], ({"shop": "new"}, lambda when: 5.0 if when > NOW + 30 else None)]
    async with exporter(Fake({"q": shops}), queries=[query()]) as harness:
        await harness.step()
        assert len(await harness.scores()) == 1
        await harness.step(1)
        assert len(await harness.scores()) == 2
        await harness.step(1)
        assert await harness.scores(shop="new") == [0.0]
        assert await harness.scores(shop="a") == []


async def test_down_at_the_start() -> None:
    """Nobody there at the start: healthy, ready once tried, nothing published; scores follow when it comes."""
    fake = Fake({"q": two()}, broken={"": DOWN})
    async with exporter(fake, queries=[query()]) as harness:
        assert (await harness.client.get("/-/ready")).status == 503
        await harness.step()
        assert (await harness.client.get("/-/healthy")).status == 200
        assert (await harness.client.get("/-/ready")).status == 200
        assert await harness.metrics() == {}
        fake.broken.clear()
        await harness.step(1)
        assert len(await harness.scores()) == 2


async def test_nothing_stale_though_nobody_steps() -> None:
    """Scores are withdrawn by their age at the scrape, even if reading hangs."""
    async with exporter(Fake({"q": two()}), queries=[query()]) as harness:
        await harness.step()
        harness.clock.advance(minutes=2)
        assert len(await harness.scores()) == 2
        harness.clock.advance(minutes=2)
        assert await harness.scores() == []


async def test_too_many_series() -> None:
    """Beyond max_series, series are left out by the order of their labels, counted, and named once in the log."""
    shops: list[Any] = [({"shop": shop}, daily) for shop in ("b", "c", "a")]
    async with exporter(Fake({"q": shops}), queries=[query(max_series=2)]) as harness:
        with capture_logs() as logs:
            await harness.step()
            await harness.step(1)
        assert [len(await harness.scores(shop=shop)) for shop in "abc"] == [1, 1, 0]
        assert await harness.own("tocsin_exporter_series_left_out", query="q", reason="max_series") == 1
        (told,) = (entry for entry in logs if entry["event"] == "series are left out")
        assert told["examples"] == ['{shop="c"}']


async def test_collisions_are_counted() -> None:
    """Series that differ in their name alone are left out, counted, and told of once."""
    fake = Fake({"q": [({"__name__": name, "shop": "a"}, daily) for name in ("x", "y")]})
    async with exporter(fake, queries=[query()]) as harness:
        with capture_logs() as logs:
            await harness.step()
            await harness.step(1)
        assert await harness.scores() == []
        assert await harness.own("tocsin_exporter_series_left_out", query="q", reason="collision") == 2
        (told,) = (entry for entry in logs if entry["event"] == "series are left out")
        assert told["examples"] == ['{shop="a"}']


async def test_the_front_page() -> None:
    """`/` names every page, and each link leads somewhere."""
    async with exporter(Fake(), queries=[query()]) as harness:
        answer = await harness.client.get("/")
        assert (answer.status, answer.content_type) == (200, "text/html")
        text = await answer.text()
        links = re.findall(r'href="([^"]+)"', text)
        assert {"metrics", "metrics/self", "-/healthy"} <= set(links)
        known = {route.resource.canonical for route in harness.exporter.application.router.routes() if route.resource}
        shown = {*re.findall(r"(?<=[> ])/[\w/.-]+", text)}
        assert shown <= known | {"/api/v1/feedback"}  # which is there where feedback is taken
        for link in {*links} - {"-/ready", "api/v1/feedback"}:
            assert (await harness.client.get(f"/{link}")).status == 200


async def test_reload_is_refused() -> None:
    """`/-/reload` answers 403 while it is not enabled."""
    async with exporter(Fake(), queries=[query()]) as harness:
        assert (await harness.client.post("/-/reload")).status == 403


async def test_what_is_published() -> None:
    """`publish` chooses among score, band and forecast; without the score, too."""
    queries = [
        query("all", horizons=["1h"], publish=["score", "band", "forecast"]),
        query("band", publish=["band"]),
        query("later", horizons=["1h"], publish=["forecast"]),
        query("score", horizons=["1h"], publish=["score"]),
    ]
    async with exporter(Fake({name["name"]: two() for name in queries}), queries=queries) as harness:
        await harness.step()
        found: dict[str, set[str]] = {}
        for key in map(dict, await harness.metrics()):
            found.setdefault(key["query"], set()).add(key["__name__"].removeprefix("tocsin_") + key.get("horizon", ""))
        bands = {"forecast0s", "forecast_lower0s", "forecast_upper0s"}
        ahead = {"forecast1h", "forecast_lower1h", "forecast_upper1h"}
        score = {"anomaly_score"}
        assert found == {"all": score | bands | ahead, "band": bands, "later": ahead, "score": score}
        assert await harness.own("tocsin_exporter_series", query="band") == 2


async def test_a_scrape_in_every_format() -> None:
    """OpenMetrics and UTF-8 names where they were asked for, gzip as well; everything else is the plain text."""
    fake = Fake({"q": [({"größe": "1"}, daily), ({"shop": "a"}, daily)]})
    async with exporter(fake, queries=[query()]) as harness:
        await harness.step()
        for accept, kind, shown in (
            ("", "text/plain; version=0.0.4", 1),
            ("application/openmetrics-text;version=1.0.0", "application/openmetrics-text", 1),
            ("text/plain;version=1.0.0;escaping=allow-utf-8", "text/plain; version=1.0.0", 2),
        ):
            for encoding in ("gzip", "identity"):
                headers = {"Accept": accept, "Accept-Encoding": encoding}
                answer = await harness.client.get("/metrics", headers=headers)
                text = await answer.text()
                assert answer.headers["Content-Type"].startswith(kind)
                assert answer.headers.get("Content-Encoding", "identity") == encoding
                assert text.count("tocsin_anomaly_score{") == shown
                assert text.endswith("# EOF\n") is ("openmetrics" in kind)
        assert await harness.own("tocsin_exporter_series_left_out", query="q", reason="label_name") == 1


async def test_long_history_comes_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is more than memory should hold is read and learned part by part, without gap or overlap, and told of."""
    monkeypatch.setattr("exporter.reading.WINDOW_VALUES", 200)
    monkeypatch.setattr("exporter.reading.PART_VALUES", 1000)
    shares: list[float] = []
    fake = Fake({"q": two()})
    async with exporter(fake, queries=[query(history="1d")]) as harness:
        (watch,) = harness.exporter.watches
        watch._progress = shares.append
        model: Any = watch._scoring.model
        learn, ends = model.learn, set[float]()

        def seen(state: Any, history: Frame, end: float) -> Any:
            ends.update([end] * (history.steps > 0))
            return learn(state, history, end)

        model.learn = seen
        await harness.step()
        ranges = [(float(ask["start"]), float(ask["end"])) for ask in fake.asked]
        assert ranges[0] == (NOW, NOW)
        assert ranges[1][0] == NOW - DAY
        assert ranges[-1][1] == NOW - 60
        assert all(after[0] - before[1] == 60 for before, after in pairwise(ranges[1:]))
        assert ends == {NOW}
        assert len(ranges) == 1 + 15  # 1440 columns, 100 in a request, 500 in a part
        assert shares == sorted(shares)
        assert shares[-1] == 1.0
        assert len(await harness.scores()) == 2
        assert max(await harness.scores()) < 1


async def test_a_scrape_sees_one_step() -> None:
    """Scrapes during a step hand out the whole of the old one or the whole of the new one, never a mixture."""
    fake = Fake({"q": [({"shop": str(shop)}, lambda when: when) for shop in range(300)]})
    async with exporter(fake, queries=[query(history="10m", publish=["band"])]) as harness:
        await harness.step()
        harness.clock.advance(minutes=1)
        stepping = asyncio.create_task(harness.step())
        seen: list[set[float]] = []
        while not stepping.done():
            values = [
                value for key, value in (await harness.metrics()).items() if ("__name__", "tocsin_forecast") in key
            ]
            assert len(values) == 300
            seen.append(set(values))
        after = [value for key, value in (await harness.metrics()).items() if ("__name__", "tocsin_forecast") in key]
        assert all(len(values) == 1 for values in [*seen, set(after)])
        assert set(after) != seen[0]
