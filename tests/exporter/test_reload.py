"""Reading the exporter's configuration again: what did not change keeps what it has learned."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from exporter.app import Exporter
from exporter.config import ExporterConfig
from exporter.metrics import Metrics
from tests.exporter.fake import Fake, prometheus
from tocsin.clock import ManualClock


def queries(**steps: str) -> ExporterConfig:
    listed = [{"name": name, "expr": "up", "step": step, "history": "10m"} for name, step in steps.items()]
    return ExporterConfig.model_validate({"prometheus": {"url": "http://127.0.0.1:1"}, "queries": listed})


async def test_queries_come_and_go() -> None:
    """A query that stays keeps its snapshot, a changed one begins anew, and of one that went nothing remains."""
    fake = Fake({"up": [({"instance": "a"}, lambda when: 1.0)]})
    clock, metrics = ManualClock(datetime(2026, 11, 21, tzinfo=UTC)), Metrics()
    async with prometheus(fake) as first, prometheus(fake) as second:
        exporter = Exporter.build(queries(stays="1m", changes="1m", goes="1m"), first, clock, metrics=metrics)
        async with asyncio.TaskGroup() as tasks:
            for watch in exporter.watches:
                await watch.step()
            exporter.roster.run(tasks)
            stays, changes, _ = exporter.watches
            exporter.roster.take(queries(comes="1m", changes="2m", stays="1m").queries, second)
            assert [watch.query.name for watch in exporter.watches] == ["comes", "changes", "stays"]
            assert exporter.watches[2] is stays
            assert stays.snapshot.series == 1
            assert stays.prometheus is second
            assert exporter.watches[1] is not changes
            assert not exporter.watches[0].tried
            exporter.roster.stop()
    told = {sample.labels.get("query") for family in metrics.registry.collect() for sample in family.samples} - {None}
    assert told == {"stays", "changes", "comes"}
