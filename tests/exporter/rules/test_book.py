"""A whole exporter that reads alert rules from a server that answers like Prometheus."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from exporter.app import Exporter
from exporter.config import ExporterConfig
from exporter.reading import Key, key_of
from tests.exporter.fake import DOWN, HTML, Fake, prometheus
from tests.exporter.test_watch import START, daily
from tocsin.clock import ManualClock
from tocsin.promapi import Prometheus

RULES = {"history": "30h", "delay": "10s", "horizons": ["1h", "6h", "1d"]}
BREACH = "tocsin_breach_probability"
TIME = "tocsin_time_to_threshold"


def rule(name: str, expr: str, *, seconds: float = 0, severity: str = "warning") -> dict[str, Any]:
    return {"name": name, "query": expr, "duration": seconds, "labels": {"severity": severity}, "type": "alerting"}


def group(*rules: dict[str, Any], name: str = "shop", interval: float = 300) -> dict[str, Any]:
    return {"name": name, "interval": interval, "rules": list(rules)}


@dataclass
class Harness:
    exporter: Exporter
    clock: ManualClock
    client: TestClient[Any, Any]
    api: Prometheus

    async def step(self, minutes: float = 0) -> None:
        self.clock.advance(minutes=minutes)
        await self.exporter.rules.refresh()
        for watch in self.exporter.watches:
            await watch.step()

    async def values(self, family: str, page: str = "/metrics", **labels: str) -> dict[Key, float]:
        text = await (await self.client.get(page)).text()
        samples = (sample for found in text_string_to_metric_families(text) for sample in found.samples)
        wanted = set(labels.items())
        return {key_of(s.labels): s.value for s in samples if s.name == family and wanted <= set(s.labels.items())}

    def names(self) -> list[str]:
        return [watch.query.name for watch in self.exporter.watches]


def settings(**changed: Any) -> dict[str, Any]:
    query = {"name": "q", "expr": "shop", "step": "5m", "history": "2d", "delay": "10s"}
    return {"prometheus": {"url": "http://127.0.0.1:1"}, "queries": [query], "rules": RULES} | changed


@asynccontextmanager
async def exporter(fake: Fake, **changed: Any) -> AsyncIterator[Harness]:
    clock = ManualClock(START)
    async with prometheus(fake) as api:
        built = Exporter.build(ExporterConfig.model_validate(settings(**changed)), api, clock)
        async with TestClient(TestServer(built.application)) as client:
            yield Harness(built, clock, client, api)


def shop(*groups: dict[str, Any]) -> Fake:
    """Two shops: a daily curve between 60 and 142, noon is at 100 and falling, the peak at 06:00."""
    series: list[Any] = [({"__name__": "shop", "shop": name, "severity": "theirs"}, daily) for name in ("a", "b")]
    return Fake(dict.fromkeys(("shop", "-shop", "half"), series), groups=list(groups))


async def test_a_rule_is_forecast_for_each_of_its_series() -> None:
    """Each series has its probability by horizon, under the rule's labels; a source's own ones are renamed."""
    rules = (rule("Busy", "shop > 130", seconds=900), rule("Quiet", "70 > shop"), rule("Never", "shop > 500"))
    async with exporter(shop(group(*rules)), rules=RULES | {"history": "2d"}) as harness:
        await harness.step()
        busy = await harness.values(BREACH, rule="Busy", shop="a")
        assert [dict(key) | {"query": ""} for key in busy] == [
            {"shop": "a", "exported_severity": "theirs", "severity": "warning", "rule": "Busy", "rule_group": "shop",
             "query": "", "horizon": horizon}
            for horizon in ("1h", "6h", "1d")
        ]  # fmt: skip
        assert [value < 0.02 for value in busy.values()] == [True, True, False]
        assert [value > 0.9 for value in busy.values()] == [False, False, True]
        quiet = list((await harness.values(BREACH, rule="Quiet", shop="a")).values())
        assert quiet[0] < 0.1
        assert quiet[1] > 0.9
        assert list((await harness.values(BREACH, rule="Never", shop="a")).values()) == [0.0] * 3
        scored = {dict(key)["query"] for key in await harness.values("tocsin_anomaly_score")}
        assert scored == {"q"}
        assert list((await harness.values("tocsin_exporter_series", "/metrics/self")).values()) == [2.0] * 2


async def test_rules_do_not_keep_it_unready() -> None:
    """Ready once the configured queries were tried: neither rules that are still read nor a rules API that is down."""
    fake = shop(group(rule("Busy", "shop > 130")))
    async with exporter(fake) as harness:
        await harness.exporter.rules.refresh()
        (configured, of_rule) = harness.exporter.watches
        assert (await harness.client.get("/-/ready")).status == 503
        await configured.step()
        assert not of_rule.tried
        assert (await harness.client.get("/-/ready")).status == 200
        fake.broken["rules"] = DOWN
        await harness.exporter.rules.refresh()
        assert (await harness.client.get("/-/ready")).status == 200


async def test_for_is_a_run_of_steps() -> None:
    """The longer `for`, the less likely; a rule whose run is over fires for sure."""
    expr = "shop > 137"
    rules = [rule(f"For{minutes}", expr, seconds=60 * minutes) for minutes in (0, 15, 60, 360)]
    firing = rule("Firing", "shop > 50", seconds=3600)
    async with exporter(shop(group(*rules, firing))) as harness:
        await harness.step()
        found = [
            value
            for minutes in (0, 15, 60, 360)
            for value in (await harness.values(BREACH, rule=f"For{minutes}", horizon="1d", shop="a")).values()
        ]
        assert found == sorted(found, reverse=True)
        assert found[0] > 0.5 > found[-1]
        assert set((await harness.values(BREACH, rule="Firing")).values()) == {1.0}


async def test_rules_come_and_go_and_the_others_stay() -> None:
    """A rule that came is watched, one that went is not, and what did not change keeps its watch."""
    fake = shop(group(rule("A", "-shop < -130"), rule("B", "shop > 120")))
    async with exporter(fake) as harness:
        await harness.step()
        before = list(harness.exporter.watches)
        fake.groups = [group(rule("B", "shop > 120"), rule("C", "half > 110"))]
        await harness.step(5)
        after = list(harness.exporter.watches)
        assert [name.split(":")[:2] for name in harness.names()] == [["q"], ["rule", "shop"], ["rule", "half"]]
        assert after[:2] == [before[0], before[2]]
        assert {dict(key)["rule"] for key in await harness.values(BREACH)} == {"B", "C"}
        harness.exporter.take(ExporterConfig.model_validate(settings(rules=None)), harness.api)
        assert list(harness.exporter.watches) == [before[0]]
        assert await harness.values(BREACH) == {}


async def test_what_is_not_simulated_is_counted_by_reason() -> None:
    """Nothing is dropped silently: each rule counts under its reason, Tocsin's own among them."""
    own = [rule("Odd", "tocsin_anomaly_score > 1"), rule("Risk", "team:risk > 0.5")]
    record = {"name": "team:risk", "query": "max(tocsin_breach_probability)", "type": "recording"}
    others = [rule("Absent", "absent(shop)"), rule("Guarded", "shop > 5 and up == 1"), rule("Fine", "shop > 130")]
    async with exporter(shop(group(*own, record, *others))) as harness:
        with capture_logs() as logs:
            await harness.step()
            await harness.step(5)
        counts = {dict(key)["reason"]: value for key, value in
                  (await harness.values("tocsin_exporter_rules", "/metrics/self")).items()}  # fmt: skip
        assert {reason: value for reason, value in counts.items() if value} == {
            "own": 2.0, "no_comparison": 1.0, "guard": 1.0, "": 1.0,
        }  # fmt: skip
        assert sum("not simulated" in entry["event"] for entry in logs) == 1


async def test_a_rules_api_that_fails() -> None:
    """While rules cannot be read, those that were read stay; it is said once, counted, and gets over it."""
    fake = shop(group(rule("A", "shop > 130")))
    async with exporter(fake) as harness:
        await harness.step()
        fake.broken["rules"] = DOWN
        with capture_logs() as logs:
            await harness.step(5)
            await harness.step(5)
        assert len(harness.names()) == 2
        assert [entry["reason"] for entry in logs if entry["log_level"] == "error"] == ["unavailable"]
        failed = await harness.values("tocsin_exporter_rule_failures_total", "/metrics/self")
        assert list(failed.values()) == [2.0]
        fake.broken["rules"] = HTML
        await harness.step(5)
        fake.broken.clear()
        fake.groups = []
        await harness.step(5)
        assert harness.names() == ["q"]


async def test_one_expression_that_fails_hinders_nobody() -> None:
    """A rule whose expression brings nothing is counted like a query; the other rules go on."""
    fake = shop(group(rule("A", "shop > 130"), rule("Gone", "nothing_is_called_so > 1")))
    async with exporter(fake) as harness:
        await harness.step()
        failures = await harness.values("tocsin_query_failures_total", "/metrics/self", reason="empty")
        assert [dict(key)["query"].split(":")[1] for key in failures] == ["nothing_is_called_so"]
        assert {dict(key)["rule"] for key in await harness.values(BREACH)} == {"A"}


async def test_rules_on_one_expression_share_its_query() -> None:
    """It is read once for all of them; only rules of the very same labels stand apart, so that none is lost."""
    other = [rule("A", "shop > 140", severity="critical"), rule("B", "70 > shop"), rule("A", "shop > 1 or -shop > 2")]
    async with exporter(shop(group(rule("A", "shop > 130"), *other))) as harness:
        await harness.step()
        names = harness.names()[1:]
        assert [name[: name.rindex(":")] for name in names] == ["rule:shop"] * 3
        assert names[1] == f"{names[0]}.2"
        found = await harness.values(BREACH, shop="a", horizon="1h")
        assert sorted((dict(key)["rule"], dict(key)["severity"], names.index(dict(key)["query"])) for key in found) == [
            ("A", "critical", 0),
            ("A", "warning", 0),
            ("A", "warning", 1),
            ("A", "warning", 2),
            ("B", "warning", 0),
        ]
        await harness.step(5)
        assert harness.names()[1:] == names


async def test_rules_from_files_alone(tmp_path: Path) -> None:
    """With `prometheus: false` the rules API is not asked."""
    text = "groups: [{name: g, interval: 5m, rules: [{alert: Busy, expr: 'shop > 130'}]}]"
    (tmp_path / "rules.yml").write_text(text)
    rules = {"prometheus": False, "files": [str(tmp_path / "*.yml")], "history": "30h", "delay": "10s"}
    async with exporter(Fake(shop().series, broken={"rules": DOWN}), rules=rules) as harness:
        await harness.step()
        assert len(await harness.values(BREACH, rule="Busy", rule_group="g")) == 6


async def test_time_to_threshold() -> None:
    """A query's thresholds tell when half the paths are beyond, with both bounds; +Inf where never within a week."""
    thresholds = [{"name": "peak", "above": 130}, {"name": "low", "below": 70}, {"name": "never", "above": 500},
                  {"name": "now", "above": 50}]  # fmt: skip
    query = settings()["queries"][0] | {"thresholds": thresholds, "horizons": ["1h"]}
    async with exporter(shop(), queries=[query], rules=None) as harness:
        await harness.step()
        ends = ("_lower_seconds", "_seconds", "_upper_seconds")
        hours = {
            name: [
                value / 3600
                for end in ends
                for value in (await harness.values(TIME + end, threshold=name, shop="a")).values()
            ]
            for name in ("peak", "low", "never", "now")
        }
        assert 13 < hours["peak"][0] <= hours["peak"][1] < 19
        assert hours["peak"][1] <= hours["peak"][2] < 48
        assert 1.5 < hours["low"][0] <= hours["low"][1] < 6
        assert hours["low"][1] <= hours["low"][2] < 48
        assert hours["never"] == [float("inf")] * 3
        assert hours["now"] == [0.0] * 3
