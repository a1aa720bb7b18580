"""The whole loop on the current binaries: two weeks of history, a score, a rule, a person; and the dashboards."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from demo.stack import Stack, running_stack
from demo.story import creep
from grafana.source.queries import queries
from tests.acceptance.telling import told
from tests.real import ROOT, pair

DASHBOARDS = sorted((ROOT / "grafana/dashboards").glob("*.json"))


@pytest.mark.slow(seconds=150)
@pytest.mark.real
@pytest.mark.timeout(600)
async def test_whole_loop() -> None:
    """What crosses no fixed limit is seen by the score, and a person hears once; no panel of the dashboard is empty."""
    async with running_stack(pair("current").prometheus.parent, escalate_after_seconds=15) as stack:
        await told(creep(stack), check=stack.check)
        assert await _empty_panels(stack) == []
        for process in stack.processes:
            assert "Traceback" not in process.log.read_text(encoding="utf-8"), process.name


async def _empty_panels(stack: Stack) -> list[str]:
    """The queries of the dashboards that Prometheus answers with nothing, or not at all."""
    empty = []
    for file in DASHBOARDS:
        for title, expr in queries(json.loads(file.read_text(encoding="utf-8"))):
            async with stack.http.get(f"{stack.urls['prometheus']}/api/v1/query?query={quote(expr)}") as response:
                found = await response.json()
            if not found.get("data", {}).get("result"):
                empty.append(f"{title}: {expr}: {found.get('error', 'no series')}")
    return empty


def test_there_are_dashboards() -> None:
    """The query test has something to ask."""
    assert len([ask for file in DASHBOARDS for ask in queries(json.loads(file.read_text(encoding="utf-8")))]) >= 20
