"""Retention: what is over goes after its time, whole; what still matters stays."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from receiver.config import ReceiverConfig
from receiver.retention import RetentionSettings
from receiver.store.purge import Purge
from receiver.store.schema import events, finished_jobs, inbox, incidents, jobs, occurrences, quarantine
from tests.receiver.bodies import alert, body
from tests.receiver.harness import Harness, escalation, receiver

TABLES = (incidents, events, occurrences, finished_jobs, jobs, quarantine, inbox)


@pytest.fixture
def config(store_url: str) -> ReceiverConfig:
    """One phone, ninety days for everybody, a week for the tenant `brief`."""
    database = {"database": {"url": store_url}} if store_url else {}
    retention = {"resolved": "90d", "tenants": {"brief": {"resolved": "1w"}}}
    return escalation(("0s", ("alice",)), retention=retention, **database)


async def _story(tocsin: Harness, name: str, *, tenant: str = "acme", ended: bool = True) -> None:
    """An incident of two alerts, told, and perhaps over."""
    pair: list[dict[str, Any]] = [{"instance": n, "tenant": tenant} for n in ("a", "b")]
    assert await tocsin.post(body(*(alert(name, **labels) for labels in pair), group=name)) == 200
    if ended:
        assert await tocsin.post(body(*(alert(name, end=60, **labels) for labels in pair), group=name)) == 200


async def _counts(tocsin: Harness) -> dict[str, int]:
    async with tocsin.database.read() as connection:
        return {
            table.name: (await connection.execute(sa.select(sa.func.count()).select_from(table))).scalar_one()
            for table in TABLES
        }


async def _purged(tocsin: Harness) -> dict[str, int]:
    return dict(await tocsin.receiver.retention.purge())


async def test_resolved_incident_goes_whole(tmp_path: Path, config: ReceiverConfig) -> None:
    """After its time a resolved incident goes with its alerts and events, and the jobs that were done for it."""
    async with receiver(tmp_path, config) as tocsin:
        await _story(tocsin, "over")
        await _story(tocsin, "open", ended=False)
        before = await _counts(tocsin)
        tocsin.clock.advance(days=89)
        assert (await _purged(tocsin)).keys() == {"finished_jobs"}
        tocsin.clock.advance(days=2)
        assert await _purged(tocsin) == {"incidents": 1, "occurrences": 2, "events": before["events"] - 4}
        after = await _counts(tocsin)
        assert (after["incidents"], after["occurrences"], after["events"]) == (1, 2, 4)
        assert await _purged(tocsin) == {}
        metrics = await (await tocsin.client.get("/metrics")).text()
        assert 'tocsin_receiver_purged_rows_total{kind="occurrences"} 2.0' in metrics


async def test_tenant_of_its_own(tmp_path: Path, config: ReceiverConfig) -> None:
    """A tenant's own retention holds for that tenant alone."""
    async with receiver(tmp_path, config) as tocsin:
        await _story(tocsin, "theirs", tenant="brief")
        await _story(tocsin, "others")
        tocsin.clock.advance(days=8)
        assert (await _purged(tocsin))["incidents"] == 1
        assert [incident["tenant"] for incident in await tocsin.incidents()] == ["acme"]


async def test_alert_that_still_fires_stays(tmp_path: Path, config: ReceiverConfig) -> None:
    """An incident that a person resolved stays while its alert fires: else the next notification would page again."""
    async with receiver(tmp_path, config) as tocsin:
        await _story(tocsin, "stubborn", ended=False)
        (incident,) = await tocsin.incidents()
        await tocsin.act(incident["id"], "resolve")
        tocsin.clock.advance(days=200)
        assert "incidents" not in await _purged(tocsin)
        told = len(tocsin.phones["alice"].told)
        await _story(tocsin, "stubborn", ended=False)
        assert len(tocsin.phones["alice"].told) == told


async def test_incident_with_a_waiting_job_stays(tmp_path: Path, config: ReceiverConfig) -> None:
    """An incident about which a message still waits stays, and does not keep the others."""
    async with receiver(tmp_path, config) as tocsin:
        await _story(tocsin, "waits")
        await _story(tocsin, "over")
        (waits,) = [one["id"] for one in await tocsin.incidents() if one["title"] == "waits is up"]
        row = {"key": "k", "lane": "l", "queue": "q", "state": "pending", "attempt": 0, "epoch": 0, "payload": b"{}"}
        async with tocsin.database.write() as connection:
            await connection.execute(sa.insert(jobs), [row | {"incident": waits, "due_at": tocsin.clock.now()}])
        tocsin.clock.advance(days=91)
        assert (await _purged(tocsin))["incidents"] == 1
        assert [one["id"] for one in await tocsin.incidents()] == [waits]


async def test_quarantine(tmp_path: Path, config: ReceiverConfig) -> None:
    """Bodies that were not understood go by the time they came in."""
    async with receiver(tmp_path, config) as tocsin:
        assert await tocsin.post(b'"not a notification"') == 200
        assert (await _counts(tocsin))["quarantine"] == 1
        tocsin.clock.advance(days=91)
        assert (await _purged(tocsin))["quarantine"] == 1


async def test_small_transactions(tmp_path: Path, config: ReceiverConfig) -> None:
    """However large an incident is, no transaction removes more rows than it may; the incident itself goes last."""
    async with receiver(tmp_path, config) as tocsin:
        many: list[dict[str, Any]] = [{"instance": str(n)} for n in range(25)]
        await tocsin.post(body(*(alert(**labels) for labels in many)))
        await tocsin.post(body(*(alert(end=60, **labels) for labels in many)))
        purge = Purge(tocsin.database, config.retention.limits(tocsin.clock.advance(days=91)), rows=10)
        batches = []
        while removed := await purge.batch():
            batches.append(removed)
        assert max(batch.total() for batch in batches) <= 10 + 1
        assert sum(batch["occurrences"] for batch in batches) == 25
        assert batches[-1]["incidents"] == 1


def test_too_short() -> None:
    """What has only just ended cannot be configured away."""
    with pytest.raises(ValueError, match="at least 1h"):
        RetentionSettings.model_validate({"resolved": "5m"})
    assert RetentionSettings().resolved == timedelta(days=90)
