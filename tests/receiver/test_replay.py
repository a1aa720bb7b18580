"""A recorded storm played again: what the engine makes of it, without a store and on a clock of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from receiver.config import ReceiverConfig
from receiver.engine.notification import Body
from receiver.prepared import rules_of
from receiver.replay.play import play
from receiver.replay.played import Played
from tests.receiver import storms
from tests.receiver.bodies import START, alert, body
from tests.receiver.harness import Harness, escalation, receiver
from tests.receiver.storms import STEP, Moments

STEPS = (("0s", ("alice",)), ("5m", ("bob",)))


def replayed(moments: Moments, config: ReceiverConfig) -> Played:
    def bodies() -> Iterator[Body]:
        for number, (second, content) in enumerate(moments, start=1):
            yield Body("alertmanager", START + timedelta(seconds=second), content, number)

    return play(bodies, lambda: rules_of(config))


async def lived(tocsin: Harness, moments: Moments) -> None:
    """The same through a whole receiver, whose clock goes in steps."""
    left = list(moments)
    for second in range(0, moments[-1][0] + 1, STEP):
        await tocsin.receiver.watching.heartbeats.check()
        await tocsin.settle()
        while left and left[0][0] == second:
            await tocsin.post(left.pop(0)[1])
            await tocsin.receiver.watching.heartbeats.check()
            await tocsin.settle()
        if left:
            await tocsin.advance(seconds=STEP)


def _seconds(time: Any) -> int:
    at = datetime.fromisoformat(time) if isinstance(time, str) else time
    return round((at - START).total_seconds())


@pytest.mark.slow(10)
@pytest.mark.parametrize("seed", range(2))
async def test_a_replay_is_what_a_receiver_would_have_done(seed: int, tmp_path: Path) -> None:
    """The same incidents with the same alerts, the same held back for the same reasons, the same messages sent."""
    config = escalation(*STEPS, **storms.CONFIG)
    moments = storms.storm(seed)
    played = replayed(moments, config)
    async with receiver(tmp_path, config) as tocsin:
        await lived(tocsin, moments)
        everything = (await tocsin.get("/api/v1/incidents?limit=1000"))["items"]
        incidents = [one for one in everything if one["alerts"]]  # the others have become part of one of these
        alerts = (await tocsin.get("/api/v1/alerts?limit=1000"))["items"]
        told = Counter(
            (name, _seconds(one.sent_at), one.message, one.incident.title)
            for name, phone in tocsin.phones.items()
            for one in phone.told
        )
    opened = {one.id: (_seconds(one.opened_at), one.title) for one in played.incidents}
    assert Counter((one.status.value, one.severity.value, one.alerts, *opened[one.id]) for one in played.incidents) == (
        Counter((i["status"], i["severity"], i["alerts"], _seconds(i["opened_at"]), i["title"]) for i in incidents)
    )
    lived_in = {i["id"]: (_seconds(i["opened_at"]), i["title"]) for i in incidents}
    assert Counter(
        (row.occurrence.fingerprint, _seconds(row.occurrence.starts_at), opened.get(row.occurrence.incident or ""))
        for row in played.rows
    ) == Counter((a["fingerprint"], _seconds(a["starts_at"]), lived_in.get(a["incident"] or "")) for a in alerts)
    assert Counter(
        (row.occurrence.fingerprint, _seconds(row.occurrence.starts_at), played.held[row.occurrence.id].kind.value)
        for row in played.rows
        if row.occurrence.id in played.held and row.occurrence.ends_at is None
    ) == Counter(
        (a["fingerprint"], _seconds(a["starts_at"]), a["suppressed"]["kind"])
        for a in alerts
        if a["suppressed"] and a["status"] == "firing"
    )
    titles = {one.id: one.title for one in played.incidents}
    assert Counter((s.channel, _seconds(s.at), s.message, titles[s.incident]) for s in played.sent) == told


def test_the_storms_hold_what_they_should() -> None:
    """The comparison above means something: every kind of holding back, and the rest, does occur."""
    config = escalation(*STEPS, **storms.CONFIG)
    seen: Counter[str] = Counter()
    for seed in range(4):
        played = replayed(storms.storm(seed), config)
        reasons = [reason for row in played.rows for reason in row.reasons]
        seen.update(hold.kind.value for hold in played.held.values())
        seen.update(word for word in ("maintenance", "minimum", "inhibited") for text in reasons if word in text)
        seen["reopened"] += sum(one.reopened for one in played.incidents)
        seen["silent"] += sum("is silent" in one.title for one in played.incidents)
        seen["quarantined"] += len(played.quarantined)
        seen["bob"] += sum(sent.channel == "bob" and sent.message == "page" for sent in played.sent)
    assert {name for name, count in seen.items() if count} >= {
        "maintenance",
        "minimum",
        "inhibited",
        "flapping",
        "reopened",
        "silent",
        "quarantined",
        "bob",
    }


def test_a_body_that_breaks_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes to quarantine with an incident of its own, and leaves nothing half done behind."""
    from receiver.engine import occurrence

    good, bad, after = (body(alert(name), group=name) for name in ("Good", "Bad", "After"))
    real = occurrence.Occurrence.summary.fget  # type: ignore[attr-defined]

    def summary(self: occurrence.Occurrence) -> str:
        if self.name == "Bad":
            raise ZeroDivisionError("no title")
        return str(real(self))

    monkeypatch.setattr(occurrence.Occurrence, "summary", property(summary))
    played = replayed([(0, good), (10, bad), (20, after)], ReceiverConfig())
    assert [row.occurrence.name for row in played.rows] == ["Good", "TocsinBodyNotUnderstood", "After"]
    assert played.quarantined == ((2, "ZeroDivisionError: no title"),)
    assert [row.occurrence.incident is not None for row in played.rows] == [True, True, True]


def test_the_cause_is_what_began_first() -> None:
    """An alert that waited long before it fired began earlier than one that fired before it."""
    quick = alert("Slow", start=0)
    late = alert("DiskFull", start=60)
    late["annotations"] = {"tocsin_for": "10m"}
    played = replayed([(0, body(quick, group="g")), (60, body(late, group="g"))], ReceiverConfig())
    objects = list(played.objects())
    assert [one["cause_rank"] for one in objects] == [2, 1]
    assert objects[0]["incident"] == objects[1]["incident"]


def test_starts_at_is_given_as_it_was_received() -> None:
    """Nanoseconds, a start before the end of the one before, and no time at all: a script must find its alert again."""
    first = alert("A") | {"startsAt": "2026-11-21T03:00:00.123456789Z"}
    over = first | {"status": "resolved", "endsAt": "2026-11-21T03:20:00Z"}
    again = alert("A") | {"startsAt": "2026-11-21T03:19:00.5Z"}
    timeless = {"labels": {"alertname": "B"}, "status": "firing"}
    moments = [(0, body(first)), (1200, body(over)), (1800, body(again)), (1810, body(timeless))]
    said = [one["startsAt"] for one in replayed(moments, ReceiverConfig()).objects()]
    assert said == [
        "2026-11-21T03:00:00.123456789Z",
        "2026-11-21T03:19:00.5Z",
        "2026-11-21T03:30:10Z",
    ]


def test_nothing_happens_after_the_last_line() -> None:
    """What a recording does not tell is not made up: bob would be told after five minutes."""
    config = escalation(*STEPS)
    one = body(alert())
    assert [sent.channel for sent in replayed([(0, one)], config).sent] == ["alice"]
    assert [sent.channel for sent in replayed([(0, one), (300, one)], config).sent] == ["alice", "bob"]
