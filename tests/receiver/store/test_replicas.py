"""Two receivers on one PostgreSQL: both take in, one runs the engine, and people see the same on either."""

from __future__ import annotations

import asyncio
from pathlib import Path

from demo.timeline import NotSeen, Want
from receiver.config import ReceiverConfig
from tests.acceptance.telling import told
from tests.receiver.bodies import alert, body
from tests.receiver.harness import HOOK, escalation, receiver

PAGED = (("0s", ("alice",)), ("5m", ("bob",)))


def _config(url: str) -> ReceiverConfig:
    return escalation(*PAGED, database={"url": url})


async def test_story_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    """A page, an acknowledgement on one replica, an end by a body that the other took in: one story, told once."""
    async with (
        receiver(tmp_path, _config(postgres_url)) as one,
        receiver(tmp_path, _config(postgres_url), clock=one.clock) as other,
    ):
        assert await one.post(body(alert())) == 200
        (incident,) = await other.incidents()
        await other.act(incident["id"], "acknowledge")
        assert (await other.client.post(HOOK, data=body(alert(end=60)))).status == 200
        await one.settle()
        await other.settle()
        assert await one.story(incident["id"]) == [
            "opened", "alerts_joined", "escalated", "message_sent", "acknowledged",
            "alerts_resolved", "resolved", "message_sent",
        ]  # fmt: skip
        told = [*one.phones["alice"].keys, *other.phones["alice"].keys]
        assert sorted(told) == ["page/0/alice", "resolved/alice"]


async def test_takes_in_beside_the_holder(tmp_path: Path, postgres_url: str) -> None:
    """A replica without the turn takes bodies in and leaves what they mean to the one that has it."""
    async with receiver(tmp_path, _config(postgres_url)) as one, receiver(tmp_path, _config(postgres_url)) as other:
        assert (await other.client.post(HOOK, data=body(alert()))).status == 200
        assert await one.incidents() == []
        assert await one.receiver.loop.run_once() == 1
        assert len(await other.incidents()) == 1


async def test_engine_moves_when_it_is_given_back(tmp_path: Path, postgres_url: str) -> None:
    """A holder that stops gives the turn back; the next one goes on from what is committed."""
    async with receiver(tmp_path, _config(postgres_url)) as one, receiver(tmp_path, _config(postgres_url)) as other:
        assert await one.post(body(alert(instance="a"))) == 200

        async def both_alerts() -> str:
            seen = len(await one.alerts())
            if seen < 2:
                raise NotSeen(f"{seen} alerts")
            return "2 alerts"

        turns = [asyncio.create_task(each.receiver.turns.run()) for each in (one, other)]
        await asyncio.sleep(0)
        turns[0].cancel()
        await asyncio.gather(turns[0], return_exceptions=True)
        assert (await one.client.post(HOOK, data=body(alert(instance="a"), alert(instance="b")))).status == 200
        await told([Want("both alerts are known", "/api/v1/alerts", both_alerts, between=(0, 20))])
        assert len(await one.incidents()) == 1
        turns[1].cancel()
        await asyncio.gather(turns[1], return_exceptions=True)
