"""What goes now, what waits and what goes together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from receiver.engine.incident import Incident
from receiver.engine.plan import Message
from receiver.jobs.pacing import Known, plan
from receiver.notify.pacing import PacingSettings
from receiver.store.jobs import Deliver, Job
from tests.receiver.bodies import START, alert, body
from tests.receiver.harness import Harness, escalation, receiver
from tocsin.model import Severity

LIMIT: dict[str, Any] = {"limit": {"messages": 2, "within": "5m"}}
BUNDLE: dict[str, Any] = {"bundle": "30s"}
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class One:
    job: Job
    incident: Incident


def one(
    number: int, message: Message = "page", person: str = "bob", *, bad: str = "warning", held: bool = False
) -> One:
    deliver = Deliver("sms", message, person=person)
    job = Job(number, f"i{number}/{message}", "channel/sms", f"i{number}", 1, 1, deliver)
    job = replace(job, held_until=START if held else None)
    return One(job, structs.replace(Incident(f"i{number}"), severity=Severity(bad)))


def planned(
    ready: list[One], settings: dict[str, Any], known: Known | None = None, *, alone: bool = False
) -> tuple[list[list[int]], dict[int, timedelta]]:
    """Which go now, by number, and how long the others wait."""
    made = plan(ready, PacingSettings.model_validate(settings), known or Known(), START, alone=alone)
    assert all(back.held and not back.tried for back in made.back)
    return [[w.job.id for w in group] for group in made.together], {b.job.id: b.due_at - START for b in made.back}


def told(*seconds_ago: int) -> Known:
    return Known(told={"sms/bob": [START - s * SECOND for s in seconds_ago]})


WAITS_300 = timedelta(seconds=300)
CASES: dict[str, tuple[list[One], dict[str, Any], Known, list[list[int]], dict[int, timedelta]]] = {
    "no more than the limit goes": ([one(1), one(2), one(3)], LIMIT, Known(), [[1], [2]], {3: WAITS_300}),
    "what was sent counts": ([one(1), one(2)], LIMIT, told(100), [[1]], {2: timedelta(seconds=200)}),
    "until the oldest no longer counts": ([one(1)], LIMIT, told(10, 100), [], {1: timedelta(seconds=200)}),
    "each person has an own limit": (
        [one(1), one(2, person="eve")],
        LIMIT,
        told(10, 100),
        [[2]],
        {1: timedelta(seconds=200)},
    ),
    "critical pages go all the same": ([one(1, bad="critical")], LIMIT, told(10, 100), [[1]], {}),
    "so do questions about them": ([one(1, "approval", bad="critical")], LIMIT, told(10, 100), [[1]], {}),
    "each question goes alone, and at once": (
        [one(1, "approval"), one(2, "approval")],
        BUNDLE,
        Known(),
        [[1], [2]],
        {},
    ),
    "also one that a limit had kept back": (
        [one(1, "remediation", held=True), one(2, "remediation", held=True)],
        BUNDLE,
        Known(),
        [[1], [2]],
        {},
    ),
    "but not their all-clear": (
        [one(1, "resolved", bad="critical")],
        LIMIT,
        told(10, 100),
        [],
        {1: timedelta(seconds=200)},
    ),
    "nor under a hard limit": (
        [one(1, bad="critical")],
        {"limit": {"messages": 2, "within": "5m", "hard": True}},
        told(10, 100),
        [],
        {1: timedelta(seconds=200)},
    ),
    "updates are no messages": ([one(1, "update")], LIMIT | BUNDLE, told(10, 100), [[1]], {}),
    "the first waits for others": ([one(1)], BUNDLE, Known(), [], {1: 30 * SECOND}),
    "the second as long as the first": (
        [one(2)],
        BUNDLE,
        Known(held={"sms/bob": START + 12 * SECOND}),
        [],
        {2: 12 * SECOND},
    ),
    "then they go together": ([one(1, held=True), one(2, held=True)], BUNDLE, Known(), [[1, 2]], {}),
    "what says another thing goes alone": (
        [one(1, held=True), one(2, "resolved", held=True), one(3, held=True)],
        BUNDLE,
        Known(),
        [[1, 3], [2]],
        {},
    ),
    "to another person, too": ([one(1, held=True), one(2, person="eve", held=True)], BUNDLE, Known(), [[1], [2]], {}),
    "critical ones wait for nobody": ([one(1, bad="critical"), one(2)], BUNDLE, Known(), [[1]], {2: 30 * SECOND}),
    "together they count once": (
        [one(1, held=True), one(2, held=True), one(3, held=True)],
        LIMIT,
        told(100),
        [[1, 2, 3]],
        {},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_plan(name: str) -> None:
    """A limit delays, a bundle gathers, neither touches what is urgent."""
    ready, settings, known, together, waits = CASES[name]
    assert planned(ready, settings, known) == (together, waits)


def test_a_channel_that_shows_each_incident_in_its_place() -> None:
    """There a limit only delays: nothing is gathered, and nothing goes together."""
    ready = [one(1, held=True), one(2, held=True), one(3, held=True)]
    assert planned(ready, LIMIT | BUNDLE, alone=True) == ([[1], [2]], {3: WAITS_300})


def _paced(pacing: dict[str, Any]) -> Any:
    config = escalation(("0s", ("alice",)))
    hook = {"webhook": {"url": "http://127.0.0.1:1/never-called"}, "pacing": pacing}
    return type(config).model_validate(config.model_dump(exclude_unset=True) | {"channels": {"alice": hook}})


async def _open(tocsin: Harness, *names: str, severity: str = "warning") -> None:
    for name in names:
        await tocsin.post(body(alert(name, severity=severity), group=name))


async def _reasons(tocsin: Harness) -> list[str]:
    items = (await tocsin.get("/api/v1/notifications?state=sent"))["items"]
    return [item["reason"] for item in items]


async def test_a_bundle_in_a_whole_receiver(tmp_path: Path) -> None:
    """What opens within the time is told in one message, and each incident says so; each job ends on its own."""
    async with receiver(tmp_path, _paced(BUNDLE)) as tocsin:
        await _open(tocsin, "A", "B", "C")
        assert tocsin.phones["alice"].told == []
        waiting = (await tocsin.get("/api/v1/notifications?state=pending"))["items"]
        assert [item["reason"] for item in waiting] == ["waits for others to the same person"] * 3
        await tocsin.advance(seconds=29)
        assert tocsin.phones["alice"].told == []
        await tocsin.advance(seconds=2)
        (envelope,) = tocsin.phones["alice"].told
        assert len(envelope.also) == 2
        assert all("with 2 others in one message" in reason for reason in await _reasons(tocsin))
        for incident in await tocsin.incidents():
            assert "message_sent" in await tocsin.story(incident["id"])


async def test_a_limit_in_a_whole_receiver(tmp_path: Path) -> None:
    """What is beyond the limit comes later as one message; one that was acknowledged meanwhile is left out."""
    async with receiver(tmp_path, _paced(LIMIT)) as tocsin:
        await _open(tocsin, "A", "B", "C", "D", "E")
        phone = tocsin.phones["alice"]
        assert len(phone.told) == 2
        late = [i for i in await tocsin.incidents() if i["title"].startswith(("C", "D", "E"))]
        await tocsin.act(late[0]["id"], "acknowledge")
        await tocsin.advance(minutes=5, seconds=1)
        assert len(phone.told) == 3
        assert len(phone.told[-1].also) == 1
        assert late[0]["id"] not in {phone.told[-1].incident.id, *(i.id for i in phone.told[-1].also)}
        await _open(tocsin, "F")  # two in one message count once
        assert len(phone.told) == 4
        await _open(tocsin, "G")
        assert len(phone.told) == 4
        await _open(tocsin, "H", severity="critical")
        assert len(phone.told) == 5


async def test_a_restart_forgets_neither_the_limit_nor_what_waits(tmp_path: Path) -> None:
    """Both are rows: another process goes on with them."""
    config = _paced(LIMIT)
    async with receiver(tmp_path, config) as tocsin:
        await _open(tocsin, "A", "B", "C")
        clock = tocsin.clock
    async with receiver(tmp_path, config, clock=clock) as tocsin:
        await _open(tocsin, "D")
        assert tocsin.phones["alice"].told == []
        await tocsin.advance(minutes=5, seconds=1)
        (envelope,) = tocsin.phones["alice"].told
        assert len(envelope.also) == 1
