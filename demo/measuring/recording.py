"""What the packs' recording rules would have recorded, back-filled by promtool in passes: each rests on the last."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

from demo.measuring.history import unix
from demo.measuring.plan import DAY, HOUR, Plan
from demo.measuring.rulefiles import Needed, Rule
from demo.measuring.server import serving
from demo.processes import run

EVERY = timedelta(minutes=1)
AT_ONCE = 2

# A median of a day costs a sort of the day at each evaluation, and hardly moves in five minutes: Prometheus looks back
# so far for a sample.
LONG, SELDOM = 6 * HOUR, timedelta(minutes=5)

# promtool asks for no more than a block at once, and Prometheus answers at most 11,000 evaluations.
STRETCH = "--max-block-duration=162h"


async def record(plan: Plan, needed: Sequence[Needed], binaries: Path, folder: Path) -> None:
    """Back-fills below `folder`/data; each pass reads the one before from a Prometheus started anew."""
    for level, some in groupby(needed, lambda one: one.level):
        async with serving(binaries, folder) as url, asyncio.TaskGroup() as passes:
            turn = asyncio.Semaphore(AT_ONCE)
            for number, (start, rules) in enumerate(_by_start(plan, list(some))):
                file = folder / f"pass-{level}-{number}.yml"
                file.write_text(_file(rules), encoding="utf-8")
                passes.create_task(_back_fill(turn, binaries, url, file, start, plan.end, folder / "data"))


def _by_start(plan: Plan, needed: Sequence[Needed]) -> Iterator[tuple[datetime, Sequence[Rule]]]:
    """What is recorded from the same midnight on (most of a day or two, some of weeks), in two portions each."""
    days: dict[int, list[Rule]] = {}
    for one in needed:
        days.setdefault(-(-one.back // DAY), []).append(one.rule)
    for back, rules in days.items():
        half = -(-len(rules) // 2)
        yield from ((plan.normal_begin - back * DAY, some) for some in (rules[:half], rules[half:]) if some)


async def _back_fill(
    turn: asyncio.Semaphore, binaries: Path, url: str, file: Path, start: datetime, end: datetime, data: Path
) -> None:
    where = f"--url={url}", f"--start={unix(start)}", f"--end={unix(end)}", f"--output-dir={data}"
    async with turn:
        await run(binaries / "promtool", "tsdb", "create-blocks-from", "rules", STRETCH, "--quiet", *where, file)


def _file(rules: Iterable[Rule]) -> str:
    """A rule file with a group for each rule, so that each has its own rhythm."""
    groups = [
        {
            "name": f"{number} {rule.name}",
            "interval": f"{(SELDOM if rule.sorts >= LONG else EVERY).total_seconds():.0f}s",
            "rules": [{"record": rule.name, "expr": rule.expr, "labels": dict(rule.labels)}],
        }
        for number, rule in enumerate(rules)
    ]
    return json.dumps({"groups": groups})
