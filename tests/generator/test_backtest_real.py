"""A backtest beside a real Prometheus that evaluates the same rules: they fire at the same evaluations."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from demo.processes import run
from generator.backtest.asking import connected
from generator.backtest.evaluations import EPOCH
from generator.backtest.outcome import Firing, RuleOutcome
from generator.backtest.replay import replay
from generator.gathering import gather
from tests.generator.backtests import Case, History, generated, serving
from tests.real import Binaries
from tocsin.problem import has_errors

RULES = 30
BEFORE, UNTIL_STEADY, COMPARED = 200, 30, 60  # steps, one a second
STEADY_SHARE = 0.98  # of all evaluations at which both say the same, not only one evaluation apart

PLAYED, WARM = 120, timedelta(minutes=30)  # minutes for promtool, and until windows and states are full
CONFIG = "global: {evaluation_interval: 1s}\nrule_files: [rules.yml]\n"

Key = tuple[tuple[str, str], ...]
Times = Sequence[int]


@pytest.mark.slow(seconds=120)
@pytest.mark.real
async def test_alerts_of_a_prometheus(tmp_path: Path, binaries: Binaries) -> None:
    """A Prometheus evaluates 30 generated rules as time passes; the backtest finds its alerts to one evaluation."""
    cases = generated(RULES)
    history = History.of(int(time.time()) - BEFORE, BEFORE + UNTIL_STEADY + COMPARED + 60, 1)
    history.write_blocks(tmp_path, binaries.promtool, BEFORE + UNTIL_STEADY + COMPARED + 60)
    with_offset = binaries.name == "current"
    groups = [group for number, case in enumerate(cases) for group in case.groups(number, 1, query_offset=with_offset)]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": groups}))
    async with serving(binaries, tmp_path, CONFIG, "--query.lookback-delta=3s") as url:
        start = datetime.fromtimestamp(int(time.time()) + UNTIL_STEADY, UTC)
        end = start + timedelta(seconds=COMPARED)
        await asyncio.sleep((end - datetime.now(UTC)).total_seconds() + 4)  # the history's own length
        async with connected(url, None, 30) as server:
            replayed = await replay(gather([tmp_path / "rules.yml"]).running(), server, start, end)
        real = await _firing(url, end)
    assert replayed.problems == ()
    outcomes = {outcome.rule.name: outcome for outcome in replayed.rules}
    compared: list[Compared] = []
    for number, case in enumerate(cases):
        outcome = outcomes[f"Case{number}"]
        assert not has_errors(outcome.problems), (case, outcome.problems)
        shift = 1000 * case.query_offset if with_offset else 0  # ALERTS bear the query's time
        evaluated = _within([when + shift for when in real[f"Control{number}"][()]], start, end)
        fired = {key: [when + shift for when in times] for key, times in real.get(f"Case{number}", {}).items()}
        compared += _compared(case, outcome, fired, evaluated)
    exactly = sum(one.exactly for one in compared)
    assert exactly / len(compared) >= STEADY_SHARE
    assert len({one.case for one in compared if one.fires}) >= RULES // 2


@dataclass(frozen=True)
class Compared:
    """One alert at one evaluation: whether it fires, and whether the backtest says so of this very one."""

    case: Case
    fires: bool
    exactly: bool


def _compared(case: Case, outcome: RuleOutcome, real: Mapping[Key, Times], evaluated: Times) -> Iterator[Compared]:
    """Raises AssertionError where the two differ by more than one evaluation.

    What the server saw first, with no record yet to look back on, may have fired, and be kept firing for long: until
    both say the same for once, such an alert may differ.
    """
    ours: dict[Key, list[Firing]] = {}
    for firing in outcome.firings:
        labels = {name: value for name, value in firing.labels.items() if name != "alertname"}
        ours.setdefault(tuple(sorted(labels.items())), []).append(firing)
    apart = outcome.interval // timedelta(milliseconds=1)
    for key in {*real, *ours}:
        settled = not case.keep
        for when in evaluated:
            fires = when in set(real.get(key, ()))
            said = [_fires(ours.get(key, ()), when + shift) for shift in (-apart, 0, apart)]
            settled = settled or said[1] == fires
            assert fires in said or not settled, f"{case}: {dict(key)} at {when}: {real.get(key)} {ours.get(key)}"
            yield Compared(case, fires, said[1] == fires)


def _fires(firings: Sequence[Firing], when: int) -> bool:
    at = EPOCH + timedelta(milliseconds=when)
    return any(one.start <= at and (one.end is None or at < one.end) for one in firings)


def _within(times: Times, start: datetime, end: datetime) -> Times:
    return [when for when in times if start <= EPOCH + timedelta(milliseconds=when) <= end]


@pytest.mark.slow(seconds=6)
@pytest.mark.real
async def test_alerts_of_promtool(tmp_path: Path, binaries: Binaries) -> None:
    """promtool plays an hour and more to 40 generated rules; the backtest finds each of its alerts at each minute."""
    cases = generated(40, where=lambda case: case.interval == 1 and not case.apart)
    start = datetime(2026, 3, 1, tzinfo=UTC)
    history = History.of(int(start.timestamp()), PLAYED, 60)
    history.write_blocks(tmp_path, binaries.promtool, PLAYED)
    groups = [group for number, case in enumerate(cases) for group in case.groups(number, 60, query_offset=False)]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": groups}))
    async with (
        serving(binaries, tmp_path, "", "--storage.tsdb.retention.time=20y") as url,
        connected(url, None, 30) as server,
    ):
        rules = gather([tmp_path / "rules.yml"]).running()
        replayed = await replay(rules, server, start + WARM, start + timedelta(minutes=PLAYED - 1))
    outcomes = [outcome for outcome in replayed.rules if outcome.rule.name.startswith("Case")]
    assert sum(bool(outcome.firings) for outcome in outcomes) >= len(cases) // 2
    expected = [
        {"alertname": outcome.rule.name, "eval_time": f"{minute}m", "exp_alerts": _expected(outcome, minute, start)}
        for minute in range(WARM // timedelta(minutes=1), PLAYED)
        for outcome in outcomes
    ]
    played = {"interval": "1m", "input_series": history.played(tmp_path, PLAYED), "alert_rule_test": expected}
    test = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [played]}
    (tmp_path / "test.yml").write_text(json.dumps(test))
    said = await run(binaries.promtool, "test", "rules", tmp_path / "test.yml")
    assert "SUCCESS" in said


def _expected(outcome: RuleOutcome, minute: int, start: datetime) -> list[dict[str, Any]]:
    milliseconds = round((start.timestamp() + 60 * minute) * 1000)
    firing = [one for one in outcome.firings if _fires([one], milliseconds)]
    return [{"exp_labels": {k: v for k, v in one.labels.items() if k != "alertname"}} for one in firing]


async def _firing(url: str, end: datetime) -> Mapping[str, Mapping[Key, Times]]:
    """The evaluations (Unix milliseconds) at which each alert of the real one fired, by its name and labels."""
    query = {"query": 'ALERTS{alertstate="firing"}[3m]', "time": str(end.timestamp() + 3)}
    async with aiohttp.ClientSession() as http, http.post(f"{url}/api/v1/query", data=query) as answer:
        result = (await answer.json())["data"]["result"]
    found: dict[str, dict[Key, Times]] = {}
    for series in result:
        metric = series["metric"]
        labels = {name: value for name, value in metric.items() if name not in ("__name__", "alertname", "alertstate")}
        times = [round(seconds * 1000) for seconds, _ in series["values"]]
        found.setdefault(metric["alertname"], {})[tuple(sorted(labels.items()))] = times
    return found
