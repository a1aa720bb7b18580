"""What the receiver does, told as stories over a real store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from receiver.engine.correlate import Fired, Placed
from receiver.engine.notification import Notification
from receiver.engine.working_set import WorkingSet
from receiver.notify.channel import ChannelRefused, ChannelUnavailable
from tests.receiver.bodies import alert, body
from tests.receiver.harness import Harness, escalation, receiver

TWO_STEPS = escalation(("0s", ("alice",)), ("5m", ("bob",)))


async def test_page_then_all_clear(tmp_path: Path) -> None:
    """An alert pages once, its repeats page nobody, its end is told once to who was paged."""
    async with receiver(tmp_path, TWO_STEPS) as tocsin:
        assert await tocsin.post(body(alert())) == 200
        for _ in range(3):
            await tocsin.post(body(alert()))
        await tocsin.post(body(alert(end=60)))
        await tocsin.post(body(alert(end=60)))
        await tocsin.advance(hours=1)
        assert tocsin.phones["alice"].keys == ["page/0/alice", "resolved/alice"]
        assert tocsin.phones["bob"].keys == []
        (incident,) = await tocsin.incidents()
        assert incident["status"] == "resolved"
        assert await tocsin.story(incident["id"]) == [
            "opened", "alerts_joined", "escalated", "message_sent", "alerts_resolved", "resolved", "message_sent",
        ]  # fmt: skip


async def test_nobody_acknowledges(tmp_path: Path) -> None:
    """Without an acknowledgement the next step comes when it is due, once, and not a second earlier."""
    async with receiver(tmp_path, TWO_STEPS) as tocsin:
        await tocsin.post(body(alert()))
        await tocsin.advance(minutes=4, seconds=59)
        assert tocsin.phones["bob"].keys == []
        await tocsin.advance(seconds=1)
        await tocsin.advance(days=1)
        assert tocsin.phones["bob"].keys == ["page/1/bob"]
        assert tocsin.phones["alice"].keys == ["page/0/alice"]


async def test_acknowledged(tmp_path: Path) -> None:
    """An acknowledgement stops the escalation; a second one changes nothing and says who was first."""
    async with receiver(tmp_path, TWO_STEPS) as tocsin:
        await tocsin.post(body(alert()))
        (incident,) = await tocsin.incidents()
        first = await tocsin.act(incident["id"][:5], "acknowledge")
        second = await tocsin.act(incident["id"], "acknowledge", by="bob")
        await tocsin.advance(hours=1)
        assert (first["status"], first["changed"]) == ("acknowledged", True)
        assert (second["changed"], second["reason"]) == (False, "already acknowledged by alice")
        assert tocsin.phones["bob"].keys == []


async def test_resolved_by_hand(tmp_path: Path) -> None:
    """What a person closed stays closed while its alert repeats, and is reopened when the alert comes back."""
    async with receiver(tmp_path, TWO_STEPS) as tocsin:
        await tocsin.post(body(alert()))
        (incident,) = await tocsin.incidents()
        assert (await tocsin.act(incident["id"], "resolve"))["firing"] == 1
        await tocsin.post(body(alert()))
        assert [i["status"] for i in await tocsin.incidents()] == ["resolved"]
        await tocsin.post(body(alert(end=60)))
        tocsin.clock.advance(minutes=5)
        await tocsin.post(body(alert(start=300)))
        assert [(i["status"], i["reopened"]) for i in await tocsin.incidents()] == [("open", 1)]
        assert tocsin.phones["alice"].keys == ["page/0/alice", "resolved/alice", "page/0/alice/1"]


async def test_group_becomes_one_incident(tmp_path: Path) -> None:
    """Alerts of one group are one incident, at the worst severity; another group is another one."""
    async with receiver(tmp_path) as tocsin:
        await tocsin.post(body(alert(instance="a", severity="info")))
        await tocsin.post(body(alert(instance="a", severity="info"), alert(instance="b", severity="page")))
        await tocsin.post(body(alert("Other"), group="Other"))
        incidents = await tocsin.incidents()
        assert sorted((i["alerts"], i["severity"]) for i in incidents) == [(1, "critical"), (2, "critical")]


async def test_part_of_a_group_resolves(tmp_path: Path) -> None:
    """An incident resolves with the last of its alerts."""
    async with receiver(tmp_path) as tocsin:
        await tocsin.post(body(alert(instance="a"), alert(instance="b")))
        await tocsin.post(body(alert(instance="a", end=60), alert(instance="b")))
        (incident,) = await tocsin.incidents()
        assert (incident["status"], incident["firing"]) == ("open", 1)
        await tocsin.post(body(alert(instance="b", end=90)))
        (incident,) = await tocsin.incidents()
        assert (incident["status"], incident["firing"]) == ("resolved", 0)


async def test_restart_in_mid_escalation(tmp_path: Path) -> None:
    """A step that becomes due while nothing runs is taken by the next start, once."""
    async with receiver(tmp_path, TWO_STEPS) as tocsin:
        await tocsin.post(body(alert()))
        clock = tocsin.clock
    clock.advance(minutes=10)
    async with receiver(tmp_path, TWO_STEPS, clock=clock) as tocsin:
        await tocsin.settle()
        assert (tocsin.phones["alice"].keys, tocsin.phones["bob"].keys) == ([], ["page/1/bob"])


async def test_channel_that_fails_for_a_while(tmp_path: Path) -> None:
    """A message is tried again until it goes through, under the same key, and then counts as one."""
    async with receiver(tmp_path, escalation(("0s", ("alice",)))) as tocsin:
        tocsin.phones["alice"].failures += [ChannelUnavailable("busy"), ChannelUnavailable("busy", after_seconds=600)]
        await tocsin.post(body(alert()))
        await tocsin.advance(seconds=10)
        assert tocsin.phones["alice"].keys == []
        await tocsin.advance(seconds=599)
        assert tocsin.phones["alice"].keys == []
        await tocsin.advance(seconds=1)
        assert tocsin.phones["alice"].keys == ["page/0/alice"]
        (incident,) = await tocsin.incidents()
        assert (await tocsin.get(f"/api/v1/incidents/{incident['id']}"))["timeline"][-1]["attempts"] == 3


async def test_channels_count_from_zero(tmp_path: Path) -> None:
    """A channel's counts are there before its first message, so that the first failure is an increase."""
    async with receiver(tmp_path, TWO_STEPS) as tocsin:
        text = await (await tocsin.client.get("/metrics")).text()
        assert 'tocsin_receiver_messages_total{channel="bob",state="dead"} 0.0' in text


async def test_channel_that_refuses(tmp_path: Path) -> None:
    """A page that can never be delivered calls the next step at once."""
    async with receiver(tmp_path, TWO_STEPS) as tocsin:
        tocsin.phones["alice"].failures.append(ChannelRefused("no such user"))
        await tocsin.post(body(alert()))
        assert tocsin.phones["bob"].keys == ["page/1/bob"]


async def test_late_page(tmp_path: Path) -> None:
    """A page that waited until somebody had the incident is not sent, and no all-clear follows it."""
    async with receiver(tmp_path, escalation(("0s", ("alice",)))) as tocsin:
        tocsin.phones["alice"].failures.append(ChannelUnavailable("down"))
        await tocsin.post(body(alert()))
        (incident,) = await tocsin.incidents()
        await tocsin.act(incident["id"], "acknowledge", by="bob")
        await tocsin.post(body(alert(end=60)))
        await tocsin.advance(minutes=1)
        assert tocsin.phones["alice"].keys == []
        assert (await tocsin.story(incident["id"]))[-2:] == ["message_skipped", "message_skipped"]


async def test_second_prometheus(tmp_path: Path) -> None:
    """startsAt that moves back is the same occurrence: the earliest start is kept and nobody is paged again."""
    async with receiver(tmp_path, TWO_STEPS) as tocsin:
        await tocsin.post(body(alert(start=25)))
        await tocsin.post(body(alert(start=0)))
        (seen,) = await tocsin.alerts()
        assert seen["starts_at"] == "2026-11-21T03:00:00Z"
        assert len(tocsin.phones["alice"].told) == 1


async def test_resolve_before_fire(tmp_path: Path) -> None:
    """A resolve that overtook its firing is kept, tells nobody, and the firing that follows is late."""
    async with receiver(tmp_path, TWO_STEPS) as tocsin:
        await tocsin.post(body(alert(end=60)))
        await tocsin.post(body(alert()))
        assert [(a["status"], a["incident"]) for a in await tocsin.alerts()] == [("resolved", None)]
        assert await tocsin.incidents() == []


async def test_three_peers(tmp_path: Path) -> None:
    """The same body from three peers is one incident and one page."""
    async with receiver(tmp_path, TWO_STEPS) as tocsin:
        for _ in range(3):
            await tocsin.client.post("/api/v2/hooks/alertmanager", data=body(alert()))
        await tocsin.settle()
        assert len(await tocsin.incidents()) == len(tocsin.phones["alice"].told) == 1


async def test_one_alert_twice_in_a_body(tmp_path: Path) -> None:
    """A body that names an alert as firing and then as resolved opens and closes it."""
    async with receiver(tmp_path) as tocsin:
        await tocsin.post(body(alert(), alert(end=60)))
        (incident,) = await tocsin.incidents()
        assert (incident["status"], incident["alerts"], incident["firing"]) == ("resolved", 1, 0)


async def test_sources_and_tenants_apart(tmp_path: Path) -> None:
    """The same labels from another source or for another tenant are another alert."""
    async with receiver(tmp_path) as tocsin:
        await tocsin.post(body(alert()))
        await tocsin.post(body(alert()), source="berlin")
        await tocsin.post(body(alert(tenant="acme")))
        assert sorted((a["source"]) for a in await tocsin.alerts()) == ["alertmanager", "alertmanager", "berlin"]
        assert sorted(i["tenant"] for i in await tocsin.incidents()) == ["acme", "default", "default"]


@pytest.mark.parametrize(
    "content", [b"[]", b"{}", b'{"alerts": 5}', b'{"alerts": [{"startsAt": "soon"}]}', b"null", b'"\xff"']
)
async def test_body_not_understood(tmp_path: Path, content: bytes) -> None:
    """JSON that is no webhook body is accepted, kept, and somebody is paged about it; what follows is processed."""
    async with receiver(tmp_path, TWO_STEPS) as tocsin:
        assert await tocsin.post(content) == 200
        await tocsin.post(body(alert()))
        assert [e.incident.title for e in tocsin.phones["alice"].told] == [
            "A webhook body from alertmanager could not be understood",
            "PlayerErrors is up",
        ]
        assert "tocsin_receiver_bodies_quarantined_total 1.0" in await (await tocsin.client.get("/metrics")).text()


async def test_body_that_breaks_the_engine(tmp_path: Path) -> None:
    """A body that the engine fails on is found by halving and quarantined; its neighbours are processed."""
    async with receiver(tmp_path) as tocsin:
        _break_on(tocsin, "Poison")
        for name in ("A", "B", "Poison", "C", "D"):
            await tocsin.client.post("/api/v2/hooks/alertmanager", data=body(alert(name), group=name))
        await tocsin.settle()
        titles = {incident["title"] for incident in await tocsin.incidents()}
        notice = "A webhook body from alertmanager could not be understood"
        assert titles == {"A is up", "B is up", "C is up", "D is up", notice}


def _break_on(tocsin: Harness, name: str) -> None:
    correlator = tocsin.receiver.loop.rules.correlator
    place = correlator.place

    def broken(notification: Notification, fired: Iterable[Fired], work: WorkingSet, now: datetime) -> Iterator[Placed]:
        listed = list(fired)
        if any(occurrence.name == name for occurrence, _ in listed):
            raise RuntimeError("cannot place this")
        return place(notification, listed, work, now)

    correlator.place = broken  # type: ignore[method-assign]
