"""How long a backtest takes beside what Prometheus itself needs for the same range queries.

A part of bench/generator.py (`--backtest 100`). A real Prometheus holds the demo's two weeks; rules of the usual kinds
are replayed over them at 30 s. Then the very queries that the backtest sent for the rules are asked again, as many at
once, their answers read and thrown away. In turns; the best of each. What the backtest asks beside (whether there is
data, the server's rhythm), and all it does with the answers, is in its time alone.
"""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import yaml

from demo.processes import free_port, running
from demo.shop.past import DAYS, SAMPLES, make, write
from generator.backtest.asking import AT_ONCE, connected
from generator.backtest.outcome import Replayed
from generator.backtest.replay import replay
from generator.gathering import gather
from generator.rule import Pack
from tocsin.promapi import MOST_POINTS

STEP = timedelta(seconds=30)
MOST_TO_QUERIES = 2.0  # what is asked
TIMEOUT_SECONDS = 120.0

SERVICES = ("gateway", "catalogue", "player", "recommender")
RECORDED = {"record": "service:requests:rate5m", "expr": "sum by (service) (rate(http_requests_total[5m]))"}
ALERTS = (
    'sum by (service) (rate(http_requests_total{{service="{service}"}}[{window}])) > {busy}',
    'sum by (service) (rate(http_requests_total{{service="{service}",code=~"5.."}}[{window}]))'
    ' / sum by (service) (rate(http_requests_total{{service="{service}"}}[{window}])) > 0.00{small}',
    "histogram_quantile(0.9{small}, sum by (service, region, le)"
    ' (rate(http_request_duration_seconds_bucket{{service="{service}"}}[{window}]))) > 0.{busy}',
    "sum(pg_stat_activity_count) > {busy}",
    'service:requests:rate5m{{service="{service}"}} > 1.{small} * avg_over_time(service:requests:rate5m[1h])',
)


@dataclass(frozen=True)
class Turn:
    """One turn: seconds of the backtest and of its queries alone, and what both got."""

    backtest: float
    queries: float
    asked: int
    bytes: int
    firings: int


def measure(rules: int, rounds: int, binaries: Path) -> bool:
    """Prints each turn, and the best of each beside what is asked; whether that is met."""
    return asyncio.run(_measure(rules, rounds, binaries))


async def _measure(rules: int, rounds: int, binaries: Path) -> bool:
    with tempfile.TemporaryDirectory() as named:
        folder = Path(named)
        end = datetime.fromtimestamp(int(time.time()) // 60 * 60, UTC)
        await asyncio.to_thread(_write_history, folder, binaries, end)
        packs = _packs(folder, rules)
        turns = []
        async with _serving(folder, binaries) as url:
            for number in range(rounds):
                turns.append(await _turn(url, packs, end))
                print(_shown(f"turn {number + 1}", turns[-1]), flush=True)
    backtest, queries = min(turn.backtest for turn in turns), min(turn.queries for turn in turns)
    met = backtest / queries <= MOST_TO_QUERIES
    verdict = "met" if met else "MISSED"
    print(f"{rules} rules over {DAYS} days: backtest / queries: {backtest / queries:.2f}, asked: at most 2: {verdict}")
    return met


def _shown(name: str, turn: Turn) -> str:
    return (
        f"{name}: backtest {turn.backtest:.2f} s ({turn.firings:,} firings), {turn.asked} queries alone"
        f" {turn.queries:.2f} s ({turn.bytes / 1e6:.0f} MB), ratio {turn.backtest / turn.queries:.2f}"
    )


async def _turn(url: str, packs: Sequence[Pack], end: datetime) -> Turn:
    start = end - timedelta(days=DAYS)
    begin = time.perf_counter()
    async with connected(url, None, TIMEOUT_SECONDS) as server:
        replayed = await replay(packs, server, start, end, default_interval=STEP)
    between = time.perf_counter()
    assert replayed.problems == ()
    asked, size = await _ask(url, replayed)
    firings = sum(len(outcome.firings) for outcome in replayed.rules)
    return Turn(between - begin, time.perf_counter() - between, asked, size, firings)


async def _ask(url: str, replayed: Replayed) -> tuple[int, int]:
    """The queries of the rules, read and thrown away: how many there were, and of how many bytes."""
    waiting = [
        (outcome.asked.text, begin, min(begin + (MOST_POINTS - 1) * STEP, replayed.end))
        for outcome in replayed.rules
        if outcome.asked
        for begin in _begins(replayed.start - outcome.rule.hold - STEP, replayed.end)
    ][::-1]
    count, size = len(waiting), 0
    async with aiohttp.ClientSession(headers={"Accept-Encoding": "identity"}) as session:

        async def work() -> None:
            nonlocal size
            while waiting:
                query, begin, end = waiting.pop()
                form = {"query": query, "start": begin.isoformat(), "end": end.isoformat(), "step": "30"}
                async with session.post(f"{url}/api/v1/query_range", data=form, raise_for_status=True) as answer:
                    async for part in answer.content.iter_any():
                        size += len(part)

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return count, size


def _begins(start: datetime, end: datetime) -> list[datetime]:
    return [start + number * STEP for number in range(0, (end - start) // STEP + 1, MOST_POINTS)]


def _packs(folder: Path, count: int) -> Sequence[Pack]:
    """So many alerts, no two alike, every fifth over a record that never ran."""
    alerts = [
        {
            "alert": f"Bench{number}",
            "expr": ALERTS[number % len(ALERTS)].format(
                service=SERVICES[number % len(SERVICES)],
                window=f"{2 + number // 20}m",
                busy=10 + number,
                small=1 + number % 9,
            ),
            "for": f"{number % 4 * 5}m",
        }
        for number in range(count)
    ]
    file = folder / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "bench", "rules": [RECORDED, *alerts]}]}))
    return gather([file]).running()


def _write_history(folder: Path, binaries: Path, end: datetime) -> None:
    write(folder, make(end.timestamp()))
    command: list[str | Path] = [
        binaries / "promtool",
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        "--max-block-duration=384h",
    ]
    subprocess.run([*command, folder / SAMPLES, folder / "data"], check=True, stdout=subprocess.DEVNULL)


@asynccontextmanager
async def _serving(folder: Path, binaries: Path) -> AsyncIterator[str]:
    """The address of a Prometheus over the history."""
    url = f"http://127.0.0.1:{free_port()}"
    (folder / "prometheus.yml").write_text("")
    command: list[str | Path] = [
        binaries / "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={url.removeprefix('http://')}",
    ]
    async with aiohttp.ClientSession() as http, running("prometheus", command, folder) as process:
        await process.ready(http, f"{url}/-/ready")
        yield url
