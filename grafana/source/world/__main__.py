"""`python -m grafana.source.world DIR`: builds it, and serves it until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import time
from contextlib import suppress
from pathlib import Path

from demo.shop.faults import FAULTS
from grafana.source.world.building import EARLIER, PACKS, Plan, build
from grafana.source.world.serving import Tools, serving


async def serve(folder: Path, tools: Tools, plan: Plan, packs: Path) -> None:
    """Builds it, and waits."""
    await build(folder, tools, plan, packs)
    async with serving(folder, tools) as url:
        print(f"{url} as of {plan.end:.0f}", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m grafana.source.world", description="A stack to look at.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--binaries", type=Path, default=Path(".tools/bin"), metavar="DIR")
    parser.add_argument("--packs", type=Path, default=PACKS, metavar="DIR")
    parser.add_argument("--fault", default="cascading-failure", choices=FAULTS)
    parser.add_argument("--hours", type=float, default=26, help="how long everything is kept")
    parser.add_argument("--days", type=float, default=14, help="how long what objectives read is kept")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    plan = Plan(time.time() // 60 * 60, given.fault, hours=given.hours, days=given.days, earlier=EARLIER)
    tools = Tools(given.binaries / "prometheus", given.binaries / "promtool")
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(given.folder, tools, plan, given.packs))


if __name__ == "__main__":
    main()
