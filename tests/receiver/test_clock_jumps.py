"""A clock that is set right, forward or back, by more than anybody waits: nothing lost, nothing doubled."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.receiver.bodies import alert, body
from tests.receiver.harness import Harness, escalation, receiver

CONFIG = escalation(("0s", ("alice",)), ("5m", ("bob",)), ("5m", ("carol",)))


async def test_forward(tmp_path: Path) -> None:
    """Whoever should have been told meanwhile is told, each once, in order; an alert goes on as it was."""
    async with receiver(tmp_path, CONFIG) as tocsin:
        await tocsin.post(body(alert()))
        await tocsin.advance(days=3)
        await tocsin.advance(minutes=5)
        assert await tocsin.post(body(alert())) == 200
        assert {name: phone.keys for name, phone in tocsin.phones.items()} == {
            "alice": ["page/0/alice"],
            "bob": ["page/1/bob"],
            "carol": ["page/2/carol"],
        }
        assert [one["alerts"] for one in await tocsin.incidents()] == [1]


@pytest.mark.parametrize("restarted", [False, True])
async def test_back(tmp_path: Path, restarted: bool) -> None:
    """What begins after it pages at once, what ends ends, what fires again reopens; the order is the bodies' own."""
    async with receiver(tmp_path, CONFIG) as tocsin:
        await tocsin.post(body(alert("A"), group="A"))
        clock = tocsin.clock
        clock.advance(hours=-2)
        if not restarted:
            await _after(tocsin)
    if restarted:
        async with receiver(tmp_path, CONFIG, clock=clock) as again:
            again.phones["alice"].told += tocsin.phones["alice"].told
            await _after(again)


async def _after(tocsin: Harness) -> None:
    assert await tocsin.post(body(alert("B"), group="B")) == 200
    assert await tocsin.post(body(alert("A"), group="A")) == 200
    assert await tocsin.post(body(alert("A", end=60), group="A")) == 200
    assert await tocsin.post(body(alert("A", start=70), group="A")) == 200
    assert sorted(tocsin.phones["alice"].keys) == ["page/0/alice", "page/0/alice", "page/0/alice/1", "resolved/alice"]
    assert sorted((one["status"], one["alerts"]) for one in await tocsin.incidents()) == [("open", 1), ("open", 2)]
    assert sorted(one["status"] for one in await tocsin.alerts()) == ["firing", "firing", "resolved"]
