"""What has resolved and comes back, and what expires: told as stories, and decided by the policy alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from receiver.config import ReceiverConfig
from receiver.engine.effects import CancelTimer, Send, SetTimer
from receiver.engine.events import AlertRef, AlertsExpired, AlertsResolved, Reopened, Resolved
from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.message_events import MessageSent
from receiver.engine.plan import Message
from receiver.engine.policy import step
from receiver.engine.reopen import reopens
from receiver.engine.wanted import still_wanted
from receiver.notify.channel import ChannelUnavailable, Envelope
from receiver.notify.text import Writer
from receiver.show import sentence
from tests.receiver.bodies import START, alert, body
from tests.receiver.harness import Harness, escalation, receiver
from tests.receiver.test_policy import ALERT, ASKED, STEPS, TOLD, opened
from tocsin.model import Severity

TWO_STEPS = escalation(("0s", ("alice",)), ("5m", ("bob",)))
OVER = Resolved("alertmanager", "every alert has resolved")


async def _fire_and_end(tocsin: Harness, *, acknowledge: bool = False) -> None:
    """An incident that both were paged for, and that is over six minutes after the start."""
    await tocsin.post(body(alert()))
    await tocsin.advance(minutes=6)
    if acknowledge:
        (incident,) = await tocsin.incidents()
        await tocsin.act(incident["id"], "acknowledge")
    await tocsin.post(body(alert(end=360)))


async def test_back_after_everybody_was_told(tmp_path: Path) -> None:
    """Step 1 is paged anew; who heard of the end from a later step hears once that it is back; all hear the new end."""
    async with receiver(tmp_path, TWO_STEPS) as tocsin:
        await _fire_and_end(tocsin)
        tocsin.clock.advance(minutes=2)
        await tocsin.post(body(alert(start=470)))
        (incident,) = await tocsin.incidents()
        assert (incident["status"], incident["reopened"], incident["resolved_at"]) == ("open", 1, None)
        assert tocsin.phones["alice"].keys == ["page/0/alice", "resolved/alice", "page/0/alice/1"]
        assert tocsin.phones["bob"].keys == ["page/1/bob", "resolved/bob", "reopened/bob/1"]
        await tocsin.post(body(alert(start=470, end=490)))
        assert tocsin.phones["alice"].keys[-1] == "resolved/alice/1"
        assert tocsin.phones["bob"].keys[-1] == "resolved/bob/1"


async def test_acknowledgement_ends_with_the_resolve(tmp_path: Path) -> None:
    """A reopened incident is nobody's: it is paged step by step, as at first."""
    async with receiver(tmp_path, TWO_STEPS) as tocsin:
        await _fire_and_end(tocsin, acknowledge=True)
        tocsin.clock.advance(minutes=2)
        await tocsin.post(body(alert(start=470)))
        (incident,) = await tocsin.incidents()
        assert (incident["status"], incident["acknowledged_by"]) == ("open", None)
        await tocsin.advance(minutes=5)
        assert tocsin.phones["bob"].keys[-1] == "page/1/bob/1"
        story = (await tocsin.get(f"/api/v1/incidents/{incident['id']}"))["timeline"]
        (reopened,) = [event for event in story if event["kind"] == "reopened"]
        assert reopened["reason"] == "PlayerErrors fired again 2m after it had resolved"


@pytest.mark.parametrize(
    ("settings", "minutes", "incidents"),
    [({}, 10, 1), ({}, 10.1, 2), ({"reopen_within": "1m"}, 2, 2), ({"reopen_within": "0"}, 0, 2)],
)
async def test_window(tmp_path: Path, settings: dict[str, Any], minutes: float, incidents: int) -> None:
    """What comes back after the configured window is another incident; a window of 0 never reopens."""
    async with receiver(tmp_path, escalation(("0s", ("alice",)), **settings)) as tocsin:
        await _fire_and_end(tocsin)
        tocsin.clock.advance(minutes=minutes)
        await tocsin.post(body(alert(start=360 + minutes * 60)))
        assert len(await tocsin.incidents()) == incidents


async def test_all_clear_that_waited(tmp_path: Path) -> None:
    """An all-clear that could not be sent before the incident came back is not sent; the page is."""
    async with receiver(tmp_path, escalation(("0s", ("alice",)))) as tocsin:
        await tocsin.post(body(alert()))
        tocsin.phones["alice"].failures.append(ChannelUnavailable("busy", after_seconds=60))
        await tocsin.post(body(alert(end=30)))
        await tocsin.post(body(alert(start=40)))
        await tocsin.advance(minutes=2)
        assert tocsin.phones["alice"].keys == ["page/0/alice", "page/0/alice/1"]


async def test_closed_by_hand_while_it_fires(tmp_path: Path) -> None:
    """Repeats of what still fires do not reopen; another alert of the incident that comes back does."""
    async with receiver(tmp_path, TWO_STEPS) as tocsin:
        await tocsin.post(body(alert(n="a"), alert(n="b")))
        await tocsin.post(body(alert(n="a", end=30), alert(n="b")))
        (incident,) = await tocsin.incidents()
        await tocsin.act(incident["id"], "resolve")
        await tocsin.post(body(alert(n="b")))
        assert [i["status"] for i in await tocsin.incidents()] == ["resolved"]
        await tocsin.post(body(alert(n="a", start=40), alert(n="b")))
        (incident,) = await tocsin.incidents()
        assert (incident["status"], incident["firing"], incident["alerts"]) == ("open", 2, 3)


async def test_expired_in_every_view(tmp_path: Path) -> None:
    """Expired is not resolved: the alert, the timeline, the incident's reason and the message all say so."""
    reason = "every peer answered and knew nothing of them"
    gone = alert(end=900) | {"status": "expired", "annotations": {"reason": reason}}
    async with receiver(tmp_path, TWO_STEPS) as tocsin:
        await tocsin.post(body(alert(), alert(n="2")))
        await tocsin.post(body(alert(n="2", end=60)))
        tocsin.clock.advance(minutes=15)
        await tocsin.post(body(gone))
        for status, count in (("expired", 1), ("resolved", 1), ("firing", 0)):
            assert len((await tocsin.get(f"/api/v1/alerts?status={status}"))["items"]) == count
        (incident,) = await tocsin.incidents()
        story = (await tocsin.get(f"/api/v1/incidents/{incident['id']}"))["timeline"]
        assert [event["reason"] for event in story if event["kind"] == "alerts_expired"] == [reason]
        (over,) = [event for event in story if event["kind"] == "resolved"]
        assert over["reason"] == "expired: Alertmanager no longer knows PlayerErrors"
        assert over["by"] == "reconciler"
        (*_, all_clear) = tocsin.phones["alice"].told
        assert all_clear.incident.expired == 1


def test_reopening_decided() -> None:
    """A reopened incident starts at step 1, tells who is not paged there, and has messages of its own."""
    over = opened(ASKED, TOLD, MessageSent("sms", "page", "i1/page/1/sms"), OVER)
    decision = step(over, Reopened("A fired again"), START)
    assert decision.events == (Reopened("A fired again", ("sms",)),)
    assert decision.effects == (
        Send("i1", "sms", "reopened", "i1/reopened/sms/1", START, 1),
        SetTimer("i1", 0, START),
    )
    assert (decision.incident.status, decision.incident.told) == (IncidentStatus.OPEN, frozenset())
    assert not still_wanted(decision.incident, "mail", "page").send
    assert still_wanted(decision.incident, "sms", "reopened", 1).send


def test_what_is_open_is_not_reopened() -> None:
    """Reopening changes nothing where nothing was over."""
    decision = step(opened(ASKED), Reopened("A fired again"), START)
    assert (decision.events, decision.effects, decision.reason) == ((), (), "it is not over")


@pytest.mark.parametrize(
    ("ends", "reason"),
    [
        ([AlertsExpired((ALERT, AlertRef("b", "B")), "why")], "expired: Alertmanager no longer knows PlayerErrors, B"),
        (
            [AlertsExpired((ALERT,), "why"), AlertsResolved((AlertRef("b", "B"),))],
            "every alert has resolved; 1 had expired before",
        ),
    ],
)
def test_why_it_is_over(ends: list[Any], reason: str) -> None:
    """An incident is over with the last of its alerts, and the reason tells how that one ended."""
    incident = Incident("i1", firing=2, alerts=2, escalation=STEPS)
    for end in ends:
        decision = step(incident, end, START)
        incident = decision.incident
    assert isinstance(decision.events[-1], Resolved)
    assert decision.events[-1].reason == reason
    assert decision.effects == (CancelTimer("i1"),)


@pytest.mark.parametrize(("minutes", "is_"), [(-1, True), (0, True), (10, True), (10.01, False)])
def test_reopen_window(minutes: float, is_: bool) -> None:
    """The window counts from the resolve, its end included; a clock that went back is no time at all."""
    incident = Incident("i1", status=IncidentStatus.RESOLVED, resolved_at=START)
    assert bool(reopens(incident, "A", timedelta(minutes=10), START + timedelta(minutes=minutes))) is is_


def test_default_window() -> None:
    """Ten minutes: what comes back within them is, to whoever was paged, the same trouble."""
    assert ReceiverConfig().reopen_within == timedelta(minutes=10)


@pytest.mark.parametrize(
    ("message", "changes", "subject", "says"),
    [
        ("page", {}, "[CRITICAL] Disk is full", "It had resolved and is back, 2026-11-21 03:00:00 UTC."),
        ("reopened", {}, "[BACK] Disk is full", "is back, 2026-11-21 03:00:00 UTC. The escalation begins anew."),
        ("resolved", {"expired": 0}, "[RESOLVED] Disk is full", "Every alert has resolved, 2026-11-21 03:00:00 UTC."),
        (
            "resolved",
            {"expired": 1},
            "[RESOLVED] Disk is full",
            "No alert fires any more, 1 of them expired (nobody said",
        ),
    ],
)
def test_messages_read_well(message: Message, changes: dict[str, Any], subject: str, says: str) -> None:
    """Whoever is told of a return or of an end learns which kind it is."""
    over = {"status": IncidentStatus.RESOLVED, "resolved_at": START, "resolved_by": "reconciler"}
    incident = Incident("i1", title="Disk is full", severity=Severity.CRITICAL, alerts=1, reopened=1, reopened_at=START)
    incident = replace(incident, **(over | changes if message == "resolved" else {"firing": 1}))
    text = Writer().write(Envelope("i1/key", message, incident, [], START))
    assert text.subject == subject
    assert says in text.body


def test_timeline_in_words() -> None:
    """What expired, what came back and who heard of it stands in the story as a sentence."""
    told = {"channel": "sms", "message": "reopened", "key": "k", "person": "", "reason": ""}
    assert [
        sentence({"kind": "alerts_expired", "alerts": [{"id": "a", "name": "Disk"}], "reason": "nobody knows it"}),
        sentence({"kind": "reopened", "reason": "Disk fired again", "tell": ["sms"]}),
        sentence({"kind": "message_sent", "attempts": 1} | told),
    ] == ["Disk expired (nobody knows it)", "reopened (Disk fired again)", "news that it is back sent to sms"]
