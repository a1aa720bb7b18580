"""The dashboards over the demo's world, in which something went wrong: nothing is refused, nothing stays empty."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import pytest
from PIL import Image

from grafana.source.files import DASHBOARDS
from grafana.source.preview.render import drawn
from grafana.source.preview.window import PIXELS
from grafana.source.world.building import Plan, build
from grafana.source.world.serving import Tools, serving
from tests import real
from tests.grafana.emptiness import empty, read
from tocsin.promapi import Prometheus

MOST_BYTES = 250_000  # of a picture
SCRAPE_SECONDS = 60.0  # of the world
FAULT = "cascading-failure"

# Panels that stay empty in the demo's world, and why.
EMPTY: Mapping[tuple[str, str], str] = {}


@pytest.mark.real
@pytest.mark.slow(seconds=90)
@pytest.mark.timeout(600)
async def test_the_demo_fills_every_panel_and_every_picture(tmp_path: Path) -> None:
    """Each query is answered, each panel shows numbers but those of `EMPTY`, and each dashboard can be drawn."""
    pair = real.pair("current")
    tools, plan = Tools(pair.prometheus, pair.promtool), Plan(time.time() // 60 * 60, FAULT, hours=3)
    await build(tmp_path, tools, plan)
    async with serving(tmp_path, tools) as url, aiohttp.ClientSession() as session:
        prometheus = Prometheus(session, [url])
        found = {name: await drawn(prometheus, read(name), plan.end - 60, SCRAPE_SECONDS) for name in DASHBOARDS}
    assert {(name, title) for name, one in found.items() for title in empty(one)} == EMPTY.keys()
    for one in found.values():
        assert len(one.picture) < MOST_BYTES
        assert Image.open(io.BytesIO(one.picture)).width == PIXELS
