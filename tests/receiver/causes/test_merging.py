"""Nobody is paged twice for one thing, and nobody is left unpaged because two things became one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.receiver.bodies import alert, body
from tests.receiver.harness import Harness, escalation, receiver

TOPOLOGY: dict[str, Any] = {"topology": {"edges": {"player": ["catalog"], "search": ["catalog"]}}}
STEPS = (("0s", ("alice",)), ("10m", ("bob",)))


def on(name: str, service: str, *, start: float, end: float | None = None, severity: str = "critical") -> bytes:
    return body(alert(name, service=service, start=start, end=end, severity=severity), group=f"{name}/{service}")


async def consequence(tocsin: Harness, severity: str = "critical") -> str:
    """An alert of a caller, whose cause has not been told yet."""
    await tocsin.post(on("HighErrorRate", "player", start=0, severity=severity))
    (incident,) = await tocsin.incidents()
    return str(incident["id"])


async def cause(tocsin: Harness) -> str:
    await tocsin.post(on("DatabaseDown", "catalog", start=-30))
    (alert,) = [one for one in await tocsin.alerts() if one["labels"]["alertname"] == "DatabaseDown"]
    return str(alert["incident"])


async def test_a_cause_within_the_settling_time_makes_one_page(tmp_path: Path) -> None:
    """Nobody is paged before causes that come a little late have come."""
    async with receiver(tmp_path, escalation(*STEPS, **TOPOLOGY)) as tocsin:
        await consequence(tocsin)
        await tocsin.advance(seconds=2)
        await cause(tocsin)
        assert tocsin.phones["alice"].keys == []
        await tocsin.advance(seconds=3)
        assert tocsin.phones["alice"].keys == ["page/0/alice"]
        await tocsin.advance(minutes=9)
        assert tocsin.phones["alice"].keys == ["page/0/alice"]


async def test_who_was_paged_for_the_consequence_is_not_paged_for_its_cause(tmp_path: Path) -> None:
    """The clock of the escalation goes on, and everybody hears of the end once."""
    async with receiver(tmp_path, escalation(*STEPS, **TOPOLOGY)) as tocsin:
        await consequence(tocsin)
        await tocsin.advance(seconds=5)
        assert tocsin.phones["alice"].keys == ["page/0/alice"]
        found = await cause(tocsin)
        await tocsin.advance(minutes=10, seconds=5)
        assert (tocsin.phones["alice"].keys, tocsin.phones["bob"].keys) == (["page/0/alice"], ["page/1/bob"])
        await tocsin.post(on("HighErrorRate", "player", start=0, end=900))
        await tocsin.post(on("DatabaseDown", "catalog", start=-30, end=900))
        assert (await tocsin.get(f"/api/v1/incidents/{found}"))["status"] == "resolved"
        assert tocsin.phones["alice"].keys == ["page/0/alice", "resolved/alice"]
        assert tocsin.phones["bob"].keys == ["page/1/bob", "resolved/bob"]


@pytest.mark.parametrize(("severity", "paged"), [("critical", 1), ("warning", 2)])
async def test_a_worse_cause_pages_although_its_consequence_did(tmp_path: Path, severity: str, paged: int) -> None:
    """Who had a warning in hand must hear that something critical is behind it."""
    async with receiver(tmp_path, escalation(*STEPS, **TOPOLOGY)) as tocsin:
        first = await consequence(tocsin, severity)
        await tocsin.advance(seconds=5)
        await tocsin.act(first, "acknowledge")
        found = await cause(tocsin)
        await tocsin.advance(seconds=5)
        assert len(tocsin.phones["alice"].keys) == paged
        status = (await tocsin.get(f"/api/v1/incidents/{found}"))["status"]
        assert status == ("acknowledged" if paged == 1 else "open")


async def test_a_page_that_nobody_got_is_not_counted_on(tmp_path: Path) -> None:
    """The page of the consequence fails until it is merged: the cause pages for itself."""
    async with receiver(tmp_path, escalation(*STEPS, **TOPOLOGY)) as tocsin:
        tocsin.phones["alice"].failures = [OSError("the network is gone")]
        await consequence(tocsin)
        await tocsin.advance(seconds=3)
        assert tocsin.phones["alice"].keys == []
        await cause(tocsin)
        await tocsin.advance(minutes=5)
        assert tocsin.phones["alice"].keys == ["page/0/alice"]


async def test_alerts_of_a_merged_incident_are_listed_with_their_cause(tmp_path: Path) -> None:
    """In the store, too, and after a restart; a late end counts there."""
    async with receiver(tmp_path, escalation(*STEPS, **TOPOLOGY)) as tocsin:
        first = await consequence(tocsin)
        found = await cause(tocsin)
        assert {one["incident"] for one in await tocsin.alerts()} == {found}
        assert (await tocsin.get(f"/api/v1/incidents/{first}"))["alerts"] == 0
    async with receiver(tmp_path, escalation(*STEPS, **TOPOLOGY)) as tocsin:
        assert {one["incident"] for one in await tocsin.alerts()} == {found}
        await tocsin.post(on("HighLatency", "search", start=20))  # the anchor is known again
        assert {one["incident"] for one in await tocsin.alerts()} == {found}
        await tocsin.post(on("HighErrorRate", "player", start=0, end=60))
        assert (await tocsin.get(f"/api/v1/incidents/{found}"))["firing"] == 2
