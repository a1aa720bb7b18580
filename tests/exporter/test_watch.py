"""A whole exporter over a server that answers like Prometheus, on a clock that tests move."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from exporter.app import Exporter
from exporter.config import ExporterConfig
from exporter.reading import Key, key_of
from tests.exporter.fake import BAD_QUERY, DOWN, HTML, Fake, Value, prometheus
from tests.exporter.series import DAY
from tocsin.clock import ManualClock

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
async def exporter(*fakes: Fake, queries: list[dict[str, Any]]) -> AsyncIterator[Harness]:
    config = ExporterConfig.model_validate({"prometheus": {"url": "http://127.0.0.1:1"}, "queries": queries})
    clock = ManualClock(START)
    async with prometheus(*fakes) as api:
        built = Exporter.build(config, api, clock)
        async with TestClient(TestServer(built.application)) as client:
            yield Harness(built, clock, client)


def query(name: str = "q", **settings: Any) -> dict[str, Any]:
    return {"name": name, "expr": name, "step": "1m", "history": "2d", "delay": "10s"} | settings


def two(value: Value = daily) -> list[Any]:
    return [({"__name__": "x", "shop": shop}, value) for shop in ("a", "b")]


async def test_history_once_then_short_ranges() -> None:
    """History is read once; then each step asks from the last one to now minus the delay, without a hole."""
    fake = Fake({"q": two()})
    async with exporter(fake, queries=[query()]) as harness:
        for minutes in (0, 1, 5, 0):
            await harness.step(minutes)
        assert [(float(ask["start"]), float(ask["end"])) for ask in fake.asked] == [
            (NOW - 2 * DAY, NOW),
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


FAILURES = {
    "down": (DOWN, "unavailable"),
    "html": (HTML, "not_prometheus"),
    "bad query": (BAD_QUERY, "refused"),
    "empty": ((200, '{"status":"success","data":{"resultType":"matrix","result":[]}}'), "empty"),
    "scalar": ((200, '{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}'), "empty"),
    "histograms": (
        (200, '{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"histograms":[[1,{}]]}]}}'),
        "histograms",
    ),
}


@pytest.mark.parametrize(("failure", "reason"), FAILURES.values(), ids=FAILURES)
async def test_one_query_fails_and_the_others_go_on(failure: tuple[int, str], reason: str) -> None:
    """A failing query is counted by reason, logged once, its scores withdrawn; it comes back by itself."""
    fake = Fake({"q": two(), "good": two()})
    async with exporter(fake, queries=[query(), query("good")]) as harness:
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
    """More series than max_series fail the query, with the count's reason."""
    async with exporter(Fake({"q": two()}), queries=[query(max_series=1)]) as harness:
        await harness.step()
        assert await harness.own("tocsin_query_failures_total", query="q", reason="too_many_series") == 1


async def test_collisions_are_counted() -> None:
    """Series that differ in their name alone are left out, counted, and told of once."""
    fake = Fake({"q": [({"__name__": name, "shop": "a"}, daily) for name in ("x", "y")]})
    async with exporter(fake, queries=[query()]) as harness:
        with capture_logs() as logs:
            await harness.step()
            await harness.step(1)
        assert await harness.scores() == []
        assert await harness.own("tocsin_exporter_series_left_out", query="q", reason="collision") == 2
        assert sum(entry["event"] == "series are left out" for entry in logs) == 1


async def test_reload_is_refused() -> None:
    """`/-/reload` answers 403 while it is not enabled."""
    async with exporter(Fake(), queries=[query()]) as harness:
        assert (await harness.client.post("/-/reload")).status == 403
