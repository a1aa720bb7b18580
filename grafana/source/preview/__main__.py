"""`python -m grafana.source.preview`: a picture of every dashboard; `make dashboard-previews` runs it."""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from grafana.source.files import DASHBOARDS, FOLDER, ROOT
from grafana.source.preview.render import drawn
from tocsin.promapi import Prometheus

PICTURES = ROOT / "docs/dashboards"
BINARIES = ROOT / ".tools/bin"
DAYS = 14  # of what objectives are judged by, as the demo's stack has them when it starts


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which dashboards are drawn, and where they go."""

    names: Sequence[str]
    folder: Path
    scrape_seconds: float


async def draw(url: str, now: float, wanted: Wanted) -> None:
    """Draws them from a Prometheus as they are opened at `now`, in Unix seconds, and tells of each."""
    async with aiohttp.ClientSession() as session:
        prometheus = Prometheus(session, [url])
        for name in wanted.names:
            dashboard = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
            found = await drawn(prometheus, dashboard, now, wanted.scrape_seconds)
            picture = wanted.folder / f"{name}.png"
            picture.write_bytes(found.picture)
            print(f"{picture}: {len(found.picture) / 1000:.0f} kB", flush=True)


async def draw_the_demo(wanted: Wanted) -> None:
    """Draws them from the demo's world after a fault, which is built first: that takes minutes."""
    from grafana.source.world.building import EARLIER, Plan, build
    from grafana.source.world.serving import Tools, serving

    tools = Tools(BINARIES / "prometheus", BINARIES / "promtool")
    plan = Plan(time.time() // 60 * 60, days=DAYS, earlier=EARLIER)
    with tempfile.TemporaryDirectory() as name:
        await build(Path(name), tools, plan)
        async with serving(Path(name), tools) as url:
            await draw(url, plan.end - 60, wanted)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m grafana.source.preview", description="Pictures of the dashboards.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(DASHBOARDS)}; default all")
    parser.add_argument("--prometheus.url", dest="url", help="whose series are shown; default: the demo's past")
    parser.add_argument("--now", type=float, metavar="UNIX", help="when it is opened; default now")
    parser.add_argument("--scrape-seconds", type=float, default=60, help="the data source's scrape interval")
    parser.add_argument("-o", "--output", type=Path, default=PICTURES, metavar="DIR")
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    wanted = Wanted(given.names or list(DASHBOARDS), given.output, given.scrape_seconds)
    asyncio.run(draw(given.url, given.now or time.time(), wanted) if given.url else draw_the_demo(wanted))


if __name__ == "__main__":
    main()
