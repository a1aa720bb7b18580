"""Absence is not resolution: what the reconciler concludes from what Alertmanagers answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from receiver.config import ReceiverConfig
from receiver.reconcile.judge import Answer, Memory, Terms, judge
from receiver.reconcile.reconciler import Reconciler
from tests.receiver.bodies import START, alert, body
from tests.receiver.harness import Harness, escalation, receiver
from tocsin.amapi import AlertState, GettableAlert, GettableSilence, Named, NoAnswer, Status

AGES = timedelta(hours=1)
NOW = START + AGES
TERMS = Terms(ours=lambda labels: labels["alertname"] != "Watchdog")


def theirs(
    name: str = "A", *, state: str = "active", receivers: Sequence[str] = ("tocsin",), **labels: str
) -> GettableAlert:
    """An alert as an Alertmanager has it."""
    return GettableAlert(
        labels={"alertname": name, "severity": "critical"} | labels,
        starts_at=START,
        ends_at=NOW + AGES,
        annotations={"summary": f"{name} is up"},
        receivers=tuple(map(Named, receivers)),
        status=AlertState(state),
    )


def answer(
    *names: str,
    up: timedelta = AGES,
    receivers: Sequence[str] = ("tocsin",),
    problem: str = "",
    to: Sequence[str] = ("tocsin",),
    **options: Any,
) -> Answer:
    """What a peer says; its alerts bear their names as identities."""
    alerts = {name: theirs(name, receivers=to, **options) for name in names}
    return Answer("http://am", problem, None if problem else NOW - up, receivers, set(alerts), alerts)


MISSED = Memory(missing={"A": NOW - timedelta(minutes=5)})
NEWS = Memory(unknown={"A": NOW - timedelta(minutes=5)})


@pytest.mark.parametrize(
    ("fact", "answers", "memory", "expired", "waits"),
    [
        ("both know it", [answer("A"), answer("A")], MISSED, False, ""),
        ("one knows it", [answer(), answer("A")], MISSED, False, ""),
        ("it is silenced", [answer("A", state="suppressed")], MISSED, False, ""),
        ("first poll without it", [answer(), answer()], Memory(), False, ""),
        ("second poll, too early", [answer()], Memory({"A": NOW - timedelta(minutes=4, seconds=59)}), False, ""),
        ("second poll", [answer(), answer()], MISSED, True, ""),
        ("one is unreachable", [answer(), answer(problem="cannot be reached")], MISSED, False, "cannot be reached"),
        ("one has just started", [answer(), answer(up=timedelta(minutes=9))], MISSED, False, "less than 10m ago"),
        ("one is up just long enough", [answer(), answer(up=timedelta(minutes=10))], MISSED, True, ""),
        ("not the one that sends", [answer(receivers=["mail"])], MISSED, False, "no receiver 'tocsin'"),
        ("nobody to ask", [], MISSED, False, "no Alertmanager"),
    ],
)
def test_missing(fact: str, answers: Sequence[Answer], memory: Memory, expired: bool, waits: str) -> None:
    """An alert expires when every peer could tell and none has known it, twice, five minutes apart."""
    found = judge({"A"}, answers, NOW, memory=memory, terms=TERMS)
    assert (found.expired == ("A",)) is expired, fact
    assert (waits in found.waits) if waits else not found.waits


def test_a_poll_that_cannot_tell_neither_counts_nor_forgets() -> None:
    """A suspicion outlasts polls in which a peer is away, and none begins in them."""
    away = [answer(problem="away")]
    assert judge({"A"}, away, NOW, memory=MISSED, terms=TERMS).memory == MISSED
    assert not judge({"A"}, away, NOW, memory=Memory(), terms=TERMS).memory.missing


def test_what_is_heard_of_is_not_missing() -> None:
    """A body that told of an alert meanwhile outweighs what the API does not know: the list of peers may be wrong."""
    found = judge({"A"}, [answer()], NOW, memory=MISSED, terms=TERMS, heard={"A"})
    assert (found.expired, found.memory.missing) == ((), {})


@pytest.mark.parametrize(
    ("fact", "answers", "memory", "cut_off", "adopted"),
    [
        ("just come: its body is on the way", [answer("A")], Memory(), False, False),
        ("unknown for long", [answer("A")], NEWS, False, True),
        ("unknown for long, one peer away", [answer("A"), answer(problem="away")], NEWS, False, True),
        ("cut off from a body", [answer("A")], Memory(), True, True),
        ("silenced there", [answer("A", state="suppressed")], NEWS, True, False),
        ("silenced at one peer only", [answer("A", state="suppressed"), answer("A")], NEWS, False, True),
        ("sent to somebody else", [answer("A", to=["mail"])], NEWS, True, False),
        ("a heartbeat", [answer("Watchdog")], Memory(unknown={"Watchdog": START}), True, False),
    ],
)
def test_unknown(fact: str, answers: Sequence[Answer], memory: Memory, cut_off: bool, adopted: bool) -> None:
    """What Alertmanager sends here and we do not know is adopted; at once, if a truncated body left it out."""
    found = judge(set(), answers, NOW, memory=memory, terms=TERMS, cut_off=lambda labels: cut_off)
    assert bool(found.adopted) is adopted, fact


@dataclass
class FakePeer:
    """An Alertmanager that knows what a test says."""

    alerts_now: list[GettableAlert] = field(default_factory=list)
    started_at: datetime = START - AGES
    failure: Exception | None = None
    silences_now: list[GettableSilence] = field(default_factory=list)
    url: str = "http://am"

    async def status(self) -> Status:
        if self.failure:
            raise self.failure
        return Status(self.started_at)

    async def receivers(self) -> list[str]:
        return ["tocsin", "mail"]

    async def visit_alerts(self, visit: Callable[[GettableAlert], None]) -> None:
        for one in self.alerts_now:
            visit(one)

    async def silences(self) -> list[GettableSilence]:
        return self.silences_now


def config(folder: Path, **reconcile: Any) -> ReceiverConfig:
    """A source without a proof worth the name, whose Alertmanagers are asked."""
    (folder / "token").write_text("t0ken")
    settings: Mapping[str, Any] = {"alertmanagers": ["http://never-asked"]} | reconcile
    sources = {"alertmanager": {"bearer_token_files": [folder / "token"], "reconcile": settings}}
    return escalation(("0s", ("alice",)), sources=sources)


async def poll(tocsin: Harness, *peers: FakePeer, **wait: float) -> Reconciler:
    """Waits, lets the reconciler ask, and lets everything follow."""
    tocsin.clock.advance(**wait)
    (reconciler,) = tocsin.receiver.watching.reconcilers
    await reconciler.poll(peers)
    await tocsin.settle()
    return reconciler


async def post(tocsin: Harness, content: bytes) -> None:
    answer_ = await tocsin.client.post(
        "/api/v2/hooks/alertmanager", data=content, headers={"Authorization": "Bearer t0ken"}
    )
    assert answer_.status == 200
    await tocsin.settle()


async def test_swallowed_resolve(tmp_path: Path) -> None:
    """An alert that Alertmanager no longer knows expires after two polls, through the inbox; the incident says why."""
    async with receiver(tmp_path, config(tmp_path)) as tocsin:
        peer, other = FakePeer([theirs()]), FakePeer()
        await post(tocsin, body(alert("A")))
        for _ in range(3):
            await poll(tocsin, peer, other, minutes=5)
        peer.alerts_now = []
        await poll(tocsin, peer, other, minutes=1)
        await poll(tocsin, peer, other, minutes=4, seconds=59)
        assert [a["status"] for a in await tocsin.alerts()] == ["firing"]
        await poll(tocsin, peer, other, seconds=1)
        assert [a["status"] for a in await tocsin.alerts()] == ["expired"]
        (incident,) = await tocsin.incidents()
        assert (incident["status"], incident["resolved_by"]) == ("resolved", "reconciler")
        story = (await tocsin.get(f"/api/v1/incidents/{incident['id']}"))["timeline"]
        (gone,) = [event for event in story if event["kind"] == "alerts_expired"]
        assert gone["reason"].startswith("none of 2 Alertmanagers has known it for 5m or longer")
        assert tocsin.phones["alice"].keys == ["page/0/alice", "resolved/alice"]
        metrics = await (await tocsin.client.get("/metrics")).text()
        assert 'reconciled_alerts_total{source="alertmanager",verdict="expired"} 1.0' in metrics


@pytest.mark.parametrize("failure", [NoAnswer("http://am cannot be reached"), None])
async def test_nobody_can_tell(tmp_path: Path, failure: Exception | None) -> None:
    """While a peer is away, or has just been restarted, nothing expires; the log says so once."""
    async with receiver(tmp_path, config(tmp_path)) as tocsin:
        await post(tocsin, body(alert("A")))
        sick = FakePeer(failure=failure)
        with capture_logs() as logs:
            for _ in range(5):
                sick.started_at = tocsin.clock.now()
                await poll(tocsin, FakePeer(), sick, minutes=5)
        assert [a["status"] for a in await tocsin.alerts()] == ["firing"]
        assert len([line for line in logs if line["event"] == "no alert can expire for now"]) == (1 if failure else 5)


async def test_repeats_outweigh_the_api(tmp_path: Path) -> None:
    """An alert that a webhook repeats does not expire, whatever the configured Alertmanagers do not know."""
    async with receiver(tmp_path, config(tmp_path)) as tocsin:
        await post(tocsin, body(alert("A")))
        for _ in range(4):
            await poll(tocsin, FakePeer(), minutes=3)
            await post(tocsin, body(alert("A")))
        assert [a["status"] for a in await tocsin.alerts()] == ["firing"]


async def test_truncated_body(tmp_path: Path) -> None:
    """What a truncated body left out comes in at the next poll, into the group's incident, once, and ends as usual."""
    async with receiver(tmp_path, config(tmp_path)) as tocsin:
        await post(tocsin, body(alert("A", n="1"), group="A", truncatedAlerts=2))
        peer = FakePeer([theirs(n="1"), theirs(n="2"), theirs(n="3", tenant="acme"), theirs("B")])
        await poll(tocsin, peer, seconds=1)
        await poll(tocsin, peer, seconds=1)
        assert sorted((i["tenant"], i["alerts"]) for i in await tocsin.incidents()) == [("acme", 1), ("default", 2)]
        await post(tocsin, body(alert("A", n="1"), alert("A", n="2"), group="A"))
        await post(tocsin, body(alert("A", n="2", end=60), group="A"))
        statuses = sorted((a["labels"]["n"], a["status"]) for a in await tocsin.alerts())
        assert statuses == [("1", "firing"), ("2", "resolved"), ("3", "firing")]


async def test_body_that_never_came(tmp_path: Path) -> None:
    """An alert that only Alertmanager knows becomes an incident when its body could have come for long enough."""
    async with receiver(tmp_path, config(tmp_path)) as tocsin:
        for minutes, count in ((0, 0), (4, 0), (1, 1), (5, 1)):
            await poll(tocsin, FakePeer([theirs()]), minutes=minutes)
            assert len(await tocsin.incidents()) == count
        await post(tocsin, body(alert("A"), group="A"))  # the body comes after all
        assert len(await tocsin.incidents()) == len(tocsin.phones["alice"].told) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"alertmanagers": []},
        {"alertmanagers": ["am:9093"]},
        {"username": "u"},
        {"bearer_token_file": "t", "username": "u", "password_file": "p"},
        {"every": "0s"},
        {"every": 60},
        {"peers": []},
    ],
)
def test_unusable_settings(tmp_path: Path, settings: dict[str, Any]) -> None:
    """What cannot be asked is refused at the start."""
    with pytest.raises(ValueError, match="reconcile"):
        config(tmp_path, **settings)
