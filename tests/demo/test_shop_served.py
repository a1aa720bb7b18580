"""The made-up shop as programs see it: over HTTP, and as blocks of a Prometheus."""

from __future__ import annotations

import sys
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from aiohttp import web

from demo.processes import run
from demo.serving import serving
from demo.shop.__main__ import Pages
from demo.shop.faults import FAULTS, Fault
from demo.shop.live import Shop
from demo.shop.past import SAMPLES, TOTALS, fault, make, write
from tests.demo.test_shop import NOW, Watch
from tests.real import Binaries


def pages(shop: Shop) -> web.Application:
    application = web.Application()
    application.add_routes(Pages(shop).routes())
    return application


async def test_what_runbooks_may_ask_for() -> None:
    """The shop does what it is asked for once, tells how it stands, and knows only its own services."""
    shop = Shop(Watch(NOW), np.random.default_rng(1))
    async with serving(pages(shop)) as address, aiohttp.ClientSession(f"http://{address}") as http:
        async with http.put("/admin/catalogue/standby") as answer:
            assert await answer.json() == {"restarts": {}, "standby": ["catalogue"]}
        await http.delete("/admin/catalogue/standby")
        async with http.post("/admin/catalogue/restart") as answer:
            assert await answer.json() == {"restarts": {"catalogue": 1}, "standby": []}
        async with http.post("/admin/nothing/restart") as answer:
            assert answer.status == 404


async def test_faults_over_http() -> None:
    """A fault can begin now or have begun before; what is no fault, no time or a time to come is refused."""
    shop = Shop(Watch(NOW), np.random.default_rng(1))
    async with serving(pages(shop)) as address, aiohttp.ClientSession(f"http://{address}") as http:
        async with http.post("/faults/error-burst") as answer:
            assert await answer.json() == {"faults": ["error-burst"]}
        async with http.post(f"/faults/disk-filling?since={NOW - 7200:.0f}") as answer:
            assert answer.status == 200
        async with http.get("/faults") as answer:
            told = await answer.json()
        assert told["since"] == {"error-burst": NOW, "disk-filling": NOW - 7200}
        assert set(told["known"]) == set(FAULTS)
        for wrong in ("nan", "soon", str(NOW + 1), str(NOW - 15 * 86_400)):
            async with http.post("/faults/model-drift", params={"since": wrong}) as answer:
                assert answer.status == 400, wrong
        async with http.post("/faults/nothing") as answer:
            assert answer.status == 404
        async with http.delete("/faults/error-burst") as answer:
            assert await answer.json() == {"faults": ["disk-filling"]}
        async with http.get("/metrics/nothing") as answer:
            assert answer.status == 404


async def test_silence() -> None:
    """A dead recommender still answers a scrape, and says nothing; the others go on."""
    shop = Shop(Watch(NOW), np.random.default_rng(1))
    shop.begin("silent-death")
    async with serving(pages(shop)) as address, aiohttp.ClientSession(f"http://{address}") as http:
        async with http.get("/metrics/recommender") as answer:
            assert (answer.status, await answer.text()) == (200, "")
        async with http.get("/metrics/catalogue") as answer:
            assert "http_requests_total" in await answer.text()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("disk-filling@-10800", Fault("disk-filling", NOW - 10_800)),
        ("error-burst@-7200/-3600", Fault("error-burst", NOW - 7200, NOW - 3600)),
        ("error-burst@1700000000/1700003600", Fault("error-burst", 1_700_000_000, 1_700_003_600)),
    ],
)
def test_faults_of_the_past(text: str, meant: Fault) -> None:
    """A fault of the past is named with its times, absolute or before the end."""
    assert fault(text, NOW) == meant


@pytest.mark.parametrize("text", ["nothing@-5", "error-burst", "error-burst@", "error-burst@soon", "error-burst@-5/-9"])
def test_no_faults_of_the_past(text: str) -> None:
    """What is no fault, has no time or ends before it begins is refused."""
    with pytest.raises(ValueError, match=r"fault|NAME@BEGIN"):
        fault(text, NOW)


@pytest.mark.real
async def test_past_is_made_once(tmp_path: Path, binaries: Binaries) -> None:
    """A second start leaves the totals as they are, and promtool makes no second block of them."""
    past = (sys.executable, "-m", "demo.shop.past", tmp_path, "--days", "0.02", "--fault", "error-burst@-600/-300")
    assert "samples of" in await run(*past)
    totals = (tmp_path / TOTALS).read_bytes()
    assert await run(*past) == "the past is there already"
    assert (tmp_path / TOTALS).read_bytes() == totals
    blocks = tmp_path / "blocks"
    await run(binaries.promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", tmp_path / SAMPLES, blocks)
    assert list(blocks.iterdir()) == []


@pytest.mark.real
async def test_past_becomes_blocks(tmp_path: Path, binaries: Binaries) -> None:
    """promtool takes every sample of the past, silences included, and the last block ends at the last one."""
    past = make(NOW, days=0.05, faults=[Fault("silent-death", NOW - 1800, NOW - 900)])
    count = write(tmp_path, past)
    assert count < sum(len(page.times) * len(page.rows) for page in past)
    said = await run(
        binaries.promtool, "tsdb", "create-blocks-from", "openmetrics", tmp_path / SAMPLES, tmp_path / "blocks"
    )
    rows = [line.split() for line in said.splitlines()[1:]]
    assert sum(int(row[4]) for row in rows) == count
    newest = max(page.times[-1] for page in past)
    assert max(int(row[2]) for row in rows) == int(newest) * 1000 + 1
    assert NOW - newest <= 30
