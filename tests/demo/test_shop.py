"""The made-up shop: what a stranger looking at its metrics would expect of a real one."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from demo.processes import run
from demo.serving import serving
from demo.shop.__main__ import Pages
from demo.shop.live import Shop
from demo.shop.past import SAMPLES, STEP_SECONDS, TOTALS, make, write
from demo.shop.rhythm import Floats, listeners
from demo.shop.services import BUCKETS_SECONDS, SERVICES, Service
from demo.shop.simulation import CREEP_SECONDS, FAILING, Series, Stretch, happen
from demo.shop.text import exposition
from tests.real import Binaries

NOW = datetime(2026, 11, 20, 19, 0, tzinfo=UTC).timestamp()  # a Friday evening: the busiest hour
PLAYER = next(service for service in SERVICES if service.region == "eu")


class Watch:
    """A clock that is put forward by hand."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample of an exposition."""
    families = text_string_to_metric_families(text)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def quantile(counts: Mapping[Series, Floats], share: float) -> float:
    """The upper edge of the bucket below which so many of the requests lie, in seconds."""
    buckets = [float(values.sum()) for series, values in counts.items() if series.suffix == "_bucket"]
    reached = next(index for index, count in enumerate(buckets) if count >= share * buckets[-1])
    return [*BUCKETS_SECONDS, float("inf")][reached]


def stretch(**faults: float) -> Stretch:
    times = NOW + np.arange(120, dtype=float)
    return Stretch(times, 1.0, np.random.default_rng(7), {name.replace("_", "-"): at for name, at in faults.items()})


def test_days_and_weeks() -> None:
    """Evenings are several times as busy as nights, and weekends busier than working days."""
    friday = datetime(2026, 11, 20, 19, 30, tzinfo=UTC)
    evening, night, saturday = listeners(
        np.array(
            [friday.timestamp(), (friday - timedelta(hours=15)).timestamp(), (friday + timedelta(days=1)).timestamp()]
        )
    )
    assert evening > 2 * night
    assert saturday > 1.1 * evening


def test_fault_crosses_no_limit() -> None:
    """The slow player is more than twice as slow as ever, and still below the fixed limit of one second."""
    well, slow = happen(PLAYER, stretch()), happen(PLAYER, stretch(slow_player=NOW - CREEP_SECONDS))
    assert quantile(well, 0.9) <= 0.3
    assert 0.5 <= quantile(slow, 0.9) < 1.0


def test_fault_creeps() -> None:
    """The slow player gets slower little by little."""
    slowness = stretch(slow_player=NOW).slowness(PLAYER)
    assert slowness[0] == 1
    assert (np.diff(slowness) >= 0).all()
    assert np.diff(slowness).max() < 0.03


def test_other_players_stay_quick() -> None:
    """The fault is in one region."""
    other = next(service for service in SERVICES if service.region == "us")
    assert (stretch(slow_player=NOW - 100).slowness(other) == 1).all()


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.instance)
def test_exposition_is_what_prometheus_reads(service: Service) -> None:
    """Each page parses, and its histograms are consistent."""
    watch = Watch(NOW)
    shop = Shop(watch, np.random.default_rng(1))
    watch.now += 30
    found = samples(shop.exposition(service))
    assert found
    for (name, labels), value in found.items():
        if name.endswith("_bucket") and dict(labels)["le"] == "+Inf":
            without = tuple(pair for pair in labels if pair[0] != "le")
            assert found[name.replace("_bucket", "_count"), without] == value


def test_now_goes_on_where_the_past_ended(tmp_path: Path) -> None:
    """No counter goes back between the last sample of the past and the first scrape, and none of them is missing."""
    times, past = make(NOW, days=0.05)
    write(tmp_path, times, past)
    watch = Watch(NOW)
    shop = Shop(watch, np.random.default_rng(1))
    shop.go_on(tmp_path / TOTALS)
    for service, rows in past.items():
        before = samples(exposition({series: float(values[-1]) for series, values in rows.items()}))
        after = samples(shop.exposition(service))
        assert after.keys() == before.keys()
        gauges = {series.family.name for series in rows if series.family.kind == "gauge"}
        assert [key for key in before if key[0] not in gauges and after[key] < before[key]] == []


def test_long_after_the_past(tmp_path: Path) -> None:
    """Totals that have grown since are not told again: a counter may begin at 0, but never a little lower."""
    times, past = make(NOW, days=0.02)
    write(tmp_path, times, past)
    watch = Watch(NOW + 3600)
    shop = Shop(watch, np.random.default_rng(1))
    shop.go_on(tmp_path / TOTALS)
    watch.now += 1
    assert 0 < samples(shop.exposition(PLAYER))["http_request_duration_seconds_count", ()] < 1000


@pytest.mark.real
async def test_past_is_made_once(tmp_path: Path, binaries: Binaries) -> None:
    """A second start leaves the totals as they are, and promtool makes no second block of them."""
    past = (sys.executable, "-m", "demo.shop.past", tmp_path, "--days", "0.02")
    assert "samples of" in await run(*past)
    totals = (tmp_path / TOTALS).read_bytes()
    assert await run(*past) == "the past is there already"
    assert (tmp_path / TOTALS).read_bytes() == totals
    blocks = tmp_path / "blocks"
    await run(binaries.promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", tmp_path / SAMPLES, blocks)
    assert list(blocks.iterdir()) == []


def test_fault_ends() -> None:
    """A fault begins at the moment when it is asked for, and ends so."""
    watch = Watch(NOW)
    shop = Shop(watch, np.random.default_rng(1))
    shop.begin("slow-player")
    watch.now += 5
    shop.begin("slow-player")
    assert shop.faults == {"slow-player": NOW}
    shop.end("slow-player")
    assert shop.faults == {}


@pytest.mark.real
async def test_past_becomes_blocks(tmp_path: Path, binaries: Binaries) -> None:
    """promtool takes every sample of the past, and the last block ends at the last one."""
    times, past = make(NOW, days=0.02)
    count = write(tmp_path, times, past)
    said = await run(
        binaries.promtool, "tsdb", "create-blocks-from", "openmetrics", tmp_path / SAMPLES, tmp_path / "blocks"
    )
    rows = [line.split() for line in said.splitlines()[1:]]
    assert sum(int(row[4]) for row in rows) == count
    assert max(int(row[2]) for row in rows) == int(times[-1]) * 1000 + 1
    assert NOW - times[-1] <= STEP_SECONDS


def test_restarts() -> None:
    """A restart mends what is only stuck in that service, and nothing else; each is counted."""
    shop = Shop(Watch(NOW), np.random.default_rng(1))
    for fault in ("stuck-recommender", "failing-catalogue"):
        shop.begin(fault)
    for service in ("cache", "catalogue"):
        shop.restart(service)
    assert sorted(shop.faults) == ["failing-catalogue", "stuck-recommender"]
    shop.restart("recommender")
    assert sorted(shop.faults) == ["failing-catalogue"]
    assert dict(shop.restarts) == {"cache": 1, "catalogue": 1, "recommender": 1}


@pytest.mark.parametrize(("fault", "service"), FAILING.items())
def test_services_that_fail(fault: str, service: str) -> None:
    """A fault by which requests fail is that of one service."""
    failing = [one.name for one in SERVICES if stretch(**{fault.replace("-", "_"): NOW}).failing_share(one) > 0.1]
    assert failing == [service]


async def test_what_runbooks_may_ask_for() -> None:
    """The shop does what it is asked for once, tells how it stands, and knows only its own services."""
    shop = Shop(Watch(NOW), np.random.default_rng(1))
    application = web.Application()
    application.add_routes(Pages(shop).routes())
    async with serving(application) as address, aiohttp.ClientSession(f"http://{address}") as http:
        async with http.put("/admin/catalogue/standby") as answer:
            assert await answer.json() == {"restarts": {}, "standby": ["catalogue"]}
        await http.delete("/admin/catalogue/standby")
        async with http.post("/admin/catalogue/restart") as answer:
            assert await answer.json() == {"restarts": {"catalogue": 1}, "standby": []}
        async with http.post("/admin/nothing/restart") as answer:
            assert answer.status == 404
