"""What real Alertmanagers send in situations that mislead receivers: duplicates, split brain, restarts, silences."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from demo.processes import free_port
from tests import real
from tests.acceptance.receiving import Receiving, receiving
from tests.alertmanagers import RunningAlertmanager, alertmanager, alertmanagers, tells

pytestmark = [pytest.mark.slow(seconds=15), pytest.mark.real]

A, B = {"alertname": "Disk", "n": "a"}, {"alertname": "Disk", "n": "b"}
SETTLE_SECONDS = 3.0  # longer than Alertmanager's group_interval in `tells`, and than a peer waits for the one before


@pytest.mark.parametrize("joined", [True, False], ids=["one cluster", "split brain"])
async def test_three_peers(binaries: real.Binaries, tmp_path: Path, joined: bool) -> None:
    """Three peers that know the same alerts, gossiping or not, are one incident, one page, one all-clear."""
    async with (
        receiving(tmp_path, {}) as tocsin,
        alertmanagers(binaries, tmp_path, tells(tocsin.hook), count=3, joined=joined) as peers,
    ):
        began = datetime.now(UTC)
        await asyncio.gather(*(peer.fire(A, B, since=began) for peer in peers))
        await tocsin.until({"a": ["firing"], "b": ["firing"]}, ["open"], ["page"])
        await tocsin.stays(SETTLE_SECONDS * 2, lambda: tocsin.told)
        await asyncio.gather(*(peer.resolve(A, B) for peer in peers))
        await tocsin.until({"a": ["resolved"], "b": ["resolved"]}, ["resolved"], ["page", "resolved"])
        await tocsin.stays(SETTLE_SECONDS * 2, lambda: tocsin.told)


async def test_resolved_before_firing(tmp_path: Path) -> None:
    """A peer that was cut off tells of an alert after the other one has told of its end: nothing is opened again."""
    async with (
        receiving(tmp_path, {}) as tocsin,
        alertmanagers(real.pair("current"), tmp_path, tells(tocsin.hook), count=2, joined=False) as (one, other),
    ):
        began = datetime.now(UTC) - timedelta(seconds=5)
        await one.fire(A, since=began)
        await tocsin.until({"a": ["firing"]}, ["open"], ["page"])
        await one.resolve(A)
        await tocsin.until({"a": ["resolved"]}, ["resolved"], ["page", "resolved"])
        await other.fire(A, since=began)
        await tocsin.stays(SETTLE_SECONDS, lambda: tocsin.told)


async def test_parts_and_refires(binaries: real.Binaries, tmp_path: Path) -> None:
    """Part of a group resolves, fires again, and all of it ends: two occurrences, one incident, told once each."""
    async with receiving(tmp_path, {}) as tocsin, alertmanager(binaries, tmp_path, tells(tocsin.hook)) as running:
        await running.fire(A, B)
        await tocsin.until({"a": ["firing"], "b": ["firing"]}, ["open"], ["page"])
        await running.resolve(A)
        await tocsin.until({"a": ["resolved"], "b": ["firing"]}, ["open"], ["page"])
        await running.fire(A)
        await tocsin.until({"a": ["resolved", "firing"], "b": ["firing"]}, ["open"], ["page"])
        await running.resolve(A, B)
        ended = {"a": ["resolved", "resolved"], "b": ["resolved"]}
        await tocsin.until(ended, ["resolved"], ["page", "resolved"])
        await running.fire(B)
        await tocsin.until(ended | {"b": ["resolved", "firing"]}, ["open"], ["page", "resolved", "page"])


async def test_restarted_alertmanager(tmp_path: Path) -> None:
    """An Alertmanager that forgot everything and repeats its first notification opens nothing and pages nobody."""
    binaries, began = real.pair("current"), datetime.now(UTC)
    async with receiving(tmp_path, {}) as tocsin:
        for name in ("before", "after"):
            async with alertmanager(binaries, tmp_path, tells(tocsin.hook), name=name) as running:
                await running.fire(A, since=began)
                await tocsin.until({"a": ["firing"]}, ["open"], ["page"])
                await tocsin.stays(SETTLE_SECONDS, lambda: tocsin.told)


async def test_renamed_route(binaries: real.Binaries, tmp_path: Path) -> None:
    """A route that is edited in mid-incident changes the group's key; the alert stays what it was, where it was."""
    async with receiving(tmp_path, {}) as tocsin, alertmanager(binaries, tmp_path, tells(tocsin.hook)) as running:
        await running.fire(A)
        await tocsin.until({"a": ["firing"]}, ["open"], ["page"])
        config = tells(tocsin.hook)
        config["route"] |= {"group_by": ["alertname", "n"], "routes": [{"matchers": ['alertname="Disk"']}]}
        await running.reload(config)
        await running.fire(A)
        await tocsin.stays(SETTLE_SECONDS, lambda: tocsin.told)
        await running.resolve(A)
        await tocsin.until({"a": ["resolved"]}, ["resolved"], ["page", "resolved"])


@asynccontextmanager
async def reconciled(
    binaries: real.Binaries, folder: Path, **webhook: Any
) -> AsyncIterator[tuple[Receiving, RunningAlertmanager]]:
    """A receiver that asks the Alertmanager that sends to it, impatiently."""
    port = free_port()
    (folder / "token").write_text("t0ken")
    credentials = {"authorization": {"credentials_file": str(folder / "token")}}
    hook = f"http://127.0.0.1:{port}/api/v2/hooks/alertmanager"
    async with alertmanager(binaries, folder, tells(hook, http_config=credentials, **webhook)) as running:
        times = {"every": "500ms", "missing_for": "2s", "settled_after": "1s"}
        source = {"bearer_token_files": [str(folder / "token")], "reconcile": {"alertmanagers": [running.url]} | times}
        async with receiving(folder, {"sources": {"alertmanager": source}}, port=port) as tocsin:
            yield tocsin, running


async def test_silence_swallows_the_resolve(binaries: real.Binaries, tmp_path: Path) -> None:
    """An alert that ends under a silence is never told as resolved: the reconciler notices, and says expired."""
    async with reconciled(binaries, tmp_path) as (tocsin, running):
        await running.fire(A)
        await tocsin.until({"a": ["firing"]}, ["open"], ["page"])
        await running.silence("Disk")
        await tocsin.stays(SETTLE_SECONDS, lambda: tocsin.told)  # silenced is not gone
        await running.resolve(A)
        await tocsin.until({"a": ["expired"]}, ["resolved"], ["page", "resolved"])
        (incident,) = await tocsin.items("incidents")
        assert incident["resolved_by"] == "reconciler"
        assert "1 of them expired" in tocsin.sinks.arrivals[-1].text


async def test_alertmanager_away(tmp_path: Path) -> None:
    """While Alertmanager cannot be reached, nothing expires; when it is back without memory, neither, until it may."""
    async with reconciled(real.pair("current"), tmp_path) as (tocsin, running):
        await running.fire(A)
        await tocsin.until({"a": ["firing"]}, ["open"], ["page"])
        await running.process.kill()
        await tocsin.stays(SETTLE_SECONDS * 2, lambda: tocsin.told)
        assert "no alert can expire for now" in tocsin.process.log.read_text(encoding="utf-8")


async def test_truncated_group(binaries: real.Binaries, tmp_path: Path) -> None:
    """What max_alerts cuts off is fetched through the API: every alert is there once, in one incident, and ends."""
    labels: list[Mapping[str, str]] = [{"alertname": "Disk", "n": str(number)} for number in range(6)]
    async with reconciled(binaries, tmp_path, max_alerts=2) as (tocsin, running):
        await running.fire(*labels)
        await tocsin.until({one["n"]: ["firing"] for one in labels}, ["open"], ["page"])
        await running.resolve(*labels)
        await _all_over(tocsin, len(labels))


async def _all_over(tocsin: Receiving, count: int) -> None:
    """Those whose resolve came have resolved, the others have expired, and people heard one end."""

    async def over() -> object:
        return [one["status"] for one in await tocsin.items("incidents")], tocsin.told

    await tocsin.eventually(over, (["resolved"], ["page", "resolved"]))
    ends = [status for statuses in (await tocsin.alerts()).values() for status in statuses]
    assert len(ends) == count
    assert set(ends) == {"resolved", "expired"}
