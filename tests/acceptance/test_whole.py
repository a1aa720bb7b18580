"""The whole loop on the current binaries: two weeks of history, a score, a rule, a person; and the dashboards."""

from __future__ import annotations

import time

import pytest

from demo.stack import Stack, running_stack
from demo.story import creep
from grafana.source.files import DASHBOARDS
from grafana.source.preview.render import drawn
from tests.acceptance.telling import told
from tests.grafana.emptiness import empty, read
from tests.real import pair
from tocsin.promapi import Prometheus

SCRAPE_SECONDS = 60.0  # of the history, which was made at this pace
FULL = {"internals"}  # dashboards of which no panel is empty in this story; tests/grafana fills the others


@pytest.mark.slow(seconds=150)
@pytest.mark.real
@pytest.mark.timeout(600)
async def test_whole_loop() -> None:
    """What crosses no fixed limit is seen by the score, a person hears once, and dashboards show what Tocsin does."""
    async with running_stack(pair("current").prometheus.parent, escalate_after_seconds=15) as stack:
        await told(creep(stack), check=stack.check)
        assert await _empty_panels(stack) == set()
        for process in stack.processes:
            assert "Traceback" not in process.log.read_text(encoding="utf-8"), process.name


async def _empty_panels(stack: Stack) -> set[tuple[str, str]]:
    """The panels of the dashboards that show nothing; a query that Prometheus refuses is an error here."""
    prometheus = Prometheus(stack.http, [stack.urls["prometheus"]])
    found = {name: await drawn(prometheus, read(name), time.time(), SCRAPE_SECONDS) for name in DASHBOARDS}
    return {(name, title) for name in FULL for title in empty(found[name])}
