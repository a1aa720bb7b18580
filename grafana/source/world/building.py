"""The stack's history as blocks, and a Prometheus over them.

First the demo's past with a fault; then what our rules make of it (recorded series of objectives, alerts as
`tocsin rules backtest` finds them) and what Tocsin would have told of itself.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from demo.processes import run
from demo.shop import past
from demo.shop.faults import Fault
from demo.shop.past import Page
from grafana.source.world import exporter_story, receiver_story, rules_story, stack_story
from grafana.source.world.samples import Samples
from grafana.source.world.serving import Tools, serving
from grafana.source.world.stack_story import Firing

HOUR, DAY = 3600.0, 86_400.0
STEP = 60  # seconds between two samples
TOCSIN = Path(sys.executable).with_name("tocsin")
PACKS = Path(__file__).resolve().parents[3] / "rulepacks"
OBJECTIVES = "slo"  # the pack whose recorded series the dashboards read
LEVELS = (  # what it records that dashboards read, or others of these; each reads what the one before recorded
    ("tocsin:sli_total:rate",),
    ("tocsin:sli_errors:rate",),
    ("tocsin:slo_objective:ratio", *(f"tocsin:sli_errors:ratio_{window}" for window in ("5m", "1h", "2h", "30d"))),
    ("tocsin:slo_burn_rate:ratio", "tocsin:slo_error_budget_remaining:ratio"),
)
RATES = 2  # of these levels; the others read them over the whole period
TENANT = "listen"  # as the demo's targets say (demo/shop)
NOBODYS = {"prometheus-stack"}
SCORED_HOURS = 9  # of the time shown
LIMITED = {"capacity_database_connections"}  # queries with a threshold
LONG_BLOCKS = "--max-block-duration=162h"  # as many points as one query may have; by default two hours
EARLIER = (("codec-regression", 4.5 * HOUR, 0.6 * HOUR), ("login-brute-force", 2.5 * HOUR, 0.4 * HOUR))  # that are over
LONG_AGO = ("http_", "business_")  # what is kept for longer: objectives and comparisons read it


@dataclass(frozen=True, slots=True)
class Plan:
    """How long everything is kept, and what goes wrong when; `end` in Unix seconds."""

    end: float
    fault: str = "cascading-failure"
    fault_seconds: float = 40 * 60
    hours: float = 26
    days: float = 0  # of the few series that are kept for longer
    earlier: Sequence[tuple[str, float, float]] = ()  # faults that are over: when, in seconds before the end, how long

    @property
    def start(self) -> float:
        """When everything begins."""
        return self.end - self.hours * HOUR

    @property
    def begin(self) -> float:
        """When the first series begin."""
        return min(self.start, self.end - self.days * DAY)

    @property
    def fault_at(self) -> float:
        """When it goes wrong."""
        return self.end - self.fault_seconds


async def build(folder: Path, tools: Tools, plan: Plan, packs: Path = PACKS) -> None:
    """Writes it all as blocks in the folder's `data`."""
    await _shop(folder, tools, plan)
    tenant = _tenant(folder, packs)
    await _record(folder, tools, plan, [tenant, packs])
    await _score(folder, tools, plan, packs)
    samples, firings = Samples(), await _firings(folder, tools, plan, [tenant, packs])
    incidents = receiver_story.usual(plan.start, plan.fault_at) + receiver_story.of_earlier(plan.end, plan.earlier)
    receiver_story.tell(samples, plan.start, plan.end, incidents)
    exporter_story.tell(samples, plan.start, plan.end, plan.fault_at, exporter_story.SERIES)
    stack_story.tell(samples, plan.start, plan.end, firings)
    rules_story.tell(samples, plan.start, plan.end, rules_story.groups(folder / "rules"))
    samples.write(folder / "own.om")
    await _blocks(folder, tools, folder / "own.om")


async def _shop(folder: Path, tools: Tools, plan: Plan) -> None:
    """The demo's past: all of it for hours, and some of it for days."""
    if plan.begin < plan.start:
        earlier = past.make(plan.start, days=(plan.start - plan.begin) / DAY, step=STEP, seed=2)
        past.write(folder, [_only(page) for page in earlier if _only(page).rows])
        await _blocks(folder, tools, folder / past.SAMPLES)
    faults = [Fault(plan.fault, plan.fault_at)]
    faults += [Fault(name, plan.end - ago, plan.end - ago + long) for name, ago, long in plan.earlier]
    past.write(folder, past.make(plan.end, days=plan.hours * HOUR / DAY, faults=faults, step=STEP))
    await _blocks(folder, tools, folder / past.SAMPLES)


def _only(page: Page) -> Page:
    return replace(page, rows={one: v for one, v in page.rows.items() if one.family.name.startswith(LONG_AGO)})


def _tenant(folder: Path, packs: Path) -> Path:
    """A tenant's file that chooses every pack but the one that watches Prometheus and Tocsin, which have no tenant."""
    chosen = sorted(pack.parent.name for pack in packs.glob("*/pack.yml") if pack.parent.name not in NOBODYS)
    tenant = {
        "apiVersion": "tocsin/v1alpha1", "kind": "Tenant", "metadata": {"name": TENANT}, "packs": chosen,
        "matchers": {"tenant": TENANT},
    }  # fmt: skip
    file = folder / "tenant.yml"
    file.write_text(yaml.safe_dump(tenant), encoding="utf-8")
    return file


async def _record(folder: Path, tools: Tools, plan: Plan, rules: Sequence[Path]) -> None:
    """What objectives record, as a server would have it that had had the rules all the time."""
    await run(TOCSIN, "rules", "build", *rules, "-o", folder / "rules", "--no-cache")
    built = _built(folder / "rules")
    recorded = folder / "recorded"
    for number, level in enumerate(LEVELS):
        file = folder / f"records-{number}.yml"
        file.write_text(yaml.safe_dump({"groups": [_at(level, group) for group in built["groups"]]}), encoding="utf-8")
        start = plan.begin if number < RATES else plan.start
        async with serving(folder, tools) as url:
            asked = [f"--url={url}", f"--start={start:.0f}", f"--end={plan.end:.0f}", "--eval-interval=60s"]
            out = [f"--output-dir={recorded}", LONG_BLOCKS]
            await run(tools.promtool, "tsdb", "create-blocks-from", "rules", *asked, *out, file)
        _move(recorded, folder / "data")


def _built(folder: Path) -> dict[str, Any]:
    text = (folder / f"{TENANT}-{OBJECTIVES}.yml").read_text(encoding="utf-8")
    built: dict[str, Any] = yaml.safe_load(text)
    return built


def _move(blocks: Path, to: Path) -> None:
    for block in blocks.iterdir():
        block.rename(to / block.name)


def _at(level: Sequence[str], group: dict[str, Any]) -> dict[str, Any]:
    """A group with those of its records alone that are of this level."""
    return {**group, "rules": [rule for rule in group["rules"] if rule.get("record", "") in level]}


async def _score(folder: Path, tools: Tools, plan: Plan, packs: Path) -> None:
    """What the exporter would have published of the packs' queries, with a forecast for each."""
    queries = list(_queries(packs, plan.end - plan.begin))
    scores, config = folder / "scores.om", folder / "exporter.yml"
    async with serving(folder, tools) as url:
        config.write_text(yaml.safe_dump({"prometheus": {"url": url}, "queries": queries}), encoding="utf-8")
        span = [f"--start={max(plan.start + HOUR, plan.end - SCORED_HOURS * HOUR):.0f}", f"--end={plan.end - STEP:.0f}"]
        await run(TOCSIN, "exporter", "backfill", f"--config.file={config}", *span, "-o", scores)
    await _blocks(folder, tools, scores)


def _queries(packs: Path, seconds: float) -> Iterator[dict[str, Any]]:
    for file in sorted(packs.glob("*/queries.yml")):
        for query in yaml.safe_load(file.read_text(encoding="utf-8"))["queries"]:
            limits = {"thresholds": [{"name": "full", "above": 0.95}]} if query["name"] in LIMITED else {}
            yield {**query, "horizons": ["1h"], "history": f"{seconds:.0f}s", **limits}


async def _firings(folder: Path, tools: Tools, plan: Plan, rules: Sequence[Path]) -> list[Firing]:
    """What would have fired."""
    told = folder / "backtest.json"
    async with serving(folder, tools) as url:
        span = ["--since", _told(plan.start + HOUR), "--until", _told(plan.end)]
        asked: list[str | Path] = ["--prometheus.url", url, *span, "--format", "json", "-o", told]
        await run(TOCSIN, "rules", "backtest", *rules, *asked)
    return [
        Firing({**one["labels"]}, _time(one["start"]), _time(one["end"]) if one["end"] else plan.end)
        for one in _all_firings(json.loads(told.read_text(encoding="utf-8")))
    ]


def _all_firings(answer: dict[str, Any]) -> Sequence[dict[str, Any]]:
    return [firing for rule in answer["rules"] for firing in rule["firings"]]


def _told(time: float) -> str:
    return datetime.fromtimestamp(time).astimezone().isoformat()


def _time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


async def _blocks(folder: Path, tools: Tools, file: Path) -> None:
    make: list[str | Path] = [tools.promtool, "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=384h"]
    await run(*make, "--quiet", file, folder / "data")
