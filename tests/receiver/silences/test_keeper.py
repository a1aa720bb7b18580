"""Silences follow what people say about an incident, through the whole receiver, at an Alertmanager in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from receiver.access.principal import anybody
from receiver.config import ReceiverConfig
from receiver.respond import Answer
from receiver.silences.keeper import MOST_ATTEMPTS
from receiver.silences.wire import in_words
from tests.receiver.bodies import alert, body
from tests.receiver.harness import Harness, receiver
from tests.receiver.silences.fakes import FakeAlertmanager
from tocsin.amapi import NoAnswer, Refused
from tocsin.clock import ManualClock


def config(folder: Path, *silence_on: str) -> ReceiverConfig:
    """A policy that silences, and a source whose Alertmanager is known."""
    (folder / "token").write_text("t0ken")
    hook = {"webhook": {"url": "http://127.0.0.1:1/never-called"}}
    reconcile = {"alertmanagers": ["http://never-asked"]}
    return ReceiverConfig.model_validate(
        {
            "channels": {"mail": hook},
            "external_url": "https://tocsin.example",
            "escalation": {"steps": [{"notify": ["mail"]}], "silence_on": list(silence_on)},
            "sources": {"alertmanager": {"bearer_token_files": [str(folder / "token")], "reconcile": reconcile}},
        }
    )


@asynccontextmanager
async def silencing(
    folder: Path, *silence_on: str, clock: ManualClock | None = None, am: FakeAlertmanager | None = None
) -> AsyncIterator[tuple[Harness, FakeAlertmanager]]:
    async with receiver(folder, config(folder, *silence_on), clock=clock) as tocsin:
        am = am or FakeAlertmanager(tocsin.clock)
        tocsin.receiver.telling.silences._peers = am.peers
        yield tocsin, am


async def post(tocsin: Harness, *alerts: dict[str, Any], group: str = "PlayerErrors") -> None:
    answer = await tocsin.client.post(
        "/api/v2/hooks/alertmanager", data=body(*alerts, group=group), headers={"Authorization": "Bearer t0ken"}
    )
    assert answer.status == 200
    await tocsin.settle()


async def say(tocsin: Harness, action: str, by: str = "alice", **more: Any) -> dict[str, Any]:
    """Somebody answers for the one incident there is; gives the incident as it is then."""
    (incident,) = await tocsin.incidents()
    await tocsin.receiver.telling.responder.respond(incident["id"], Answer(action, **more), anybody(by))
    await tocsin.settle()
    return await shown(tocsin)


async def shown(tocsin: Harness) -> dict[str, Any]:
    (incident,) = await tocsin.incidents()
    told: dict[str, Any] = await tocsin.get(f"/api/v1/incidents/{incident['id']}")
    return told


def kinds(incident: dict[str, Any]) -> list[str]:
    """What the timeline says of silences."""
    return [event["kind"] for event in incident["timeline"] if event["kind"].startswith("silence")]


async def test_acknowledgement(tmp_path: Path) -> None:
    """An acknowledgement silences what fires for an hour that is renewed; the end of it all ends the silence."""
    async with silencing(tmp_path, "acknowledge") as (tocsin, am):
        await post(tocsin, alert(instance="a"))
        assert not am.active
        incident = await say(tocsin, "acknowledge")
        (silence,) = am.active
        words = ('alertname="PlayerErrors"', 'instance="a"', 'severity="critical"')
        assert in_words(silence.matchers) == words
        assert silence.created_by == "tocsin/alice"
        assert silence.comment.startswith(
            f"incident {incident['id']}: {incident['title']}; acknowledged by alice; https"
        )
        assert silence.ends_at == tocsin.clock.now() + timedelta(hours=1)
        assert incident["silences"][0] | {"until": ""} == {
            "source": "alertmanager",
            "id": silence.id,
            "until": "",
            "matchers": list(words),
        }
        for _ in range(10):
            await tocsin.advance(minutes=31)
            assert [one.id for one in am.active] == [silence.id]
            assert am.active[0].ends_at == tocsin.clock.now() + timedelta(hours=1)
        incident = await say(tocsin, "resolve")
        assert (am.active, incident["silences"]) == ([], [])
        assert kinds(incident) == ["silence_written", "silence_removed"]
        await tocsin.advance(days=1)
        assert len(am.writes) == 11


async def test_dead_tocsin(tmp_path: Path) -> None:
    """A silence that nobody renews ends within the hour."""
    async with silencing(tmp_path, "acknowledge") as (tocsin, am):
        await post(tocsin, alert())
        await say(tocsin, "acknowledge")
        tocsin.clock.advance(hours=1)
        assert not am.active


async def test_snooze(tmp_path: Path) -> None:
    """A snooze silences until its end, a longer one prolongs the same silence, its early end ends it."""
    async with silencing(tmp_path, "snooze") as (tocsin, am):
        await post(tocsin, alert())
        await say(tocsin, "acknowledge")
        assert not am.writes
        until = tocsin.clock.now() + timedelta(hours=5)
        await say(tocsin, "snooze", until=until)
        (silence,) = am.active
        assert silence.ends_at == until
        await tocsin.advance(hours=1)
        incident = await say(tocsin, "snooze", until=until + timedelta(hours=1))
        assert [(one.id, one.ends_at) for one in am.active] == [(silence.id, until + timedelta(hours=1))]
        assert incident["silences"][0]["until"] == (until + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
        incident = await say(tocsin, "unsnooze")
        assert (am.active, kinds(incident)[-1]) == ([], "silence_removed")
        assert len(am.writes) == 2


async def test_no_silence_unless_the_policy_wants_it(tmp_path: Path) -> None:
    """Without silence_on nothing is written."""
    async with silencing(tmp_path) as (tocsin, am):
        await post(tocsin, alert())
        await say(tocsin, "acknowledge")
        await say(tocsin, "snooze", until=tocsin.clock.now() + timedelta(hours=1))
        assert not am.writes


async def test_alerts_that_join_and_end(tmp_path: Path) -> None:
    """What joins is silenced soon after, what has ended no longer; the others keep their silence."""
    async with silencing(tmp_path, "acknowledge") as (tocsin, am):
        await post(tocsin, alert(instance="a"))
        await say(tocsin, "acknowledge")
        (first,) = am.active
        await post(tocsin, alert(instance="a"), alert(instance="b"))
        await tocsin.advance(seconds=10)
        assert [one.id for one in am.active] == [first.id, "s2"]
        await post(tocsin, alert(instance="a", end=30), alert(instance="b"))
        await tocsin.advance(seconds=10)
        assert [one.id for one in am.active] == ["s2"]
        incident = await shown(tocsin)
        assert [event["reason"] for event in incident["timeline"] if event["kind"] == "silence_removed"] == [
            "its alerts are others now"
        ]


async def test_large_group(tmp_path: Path) -> None:
    """More than ten alerts share a silence; when another joins, one with other matchers takes its place, no gap."""
    async with silencing(tmp_path, "acknowledge") as (tocsin, am):
        await post(tocsin, *(alert(instance=str(n)) for n in range(11)))
        await say(tocsin, "acknowledge")
        (first,) = am.active
        await post(tocsin, *(alert(instance=str(n)) for n in range(12)))
        await tocsin.advance(seconds=10)
        (second,) = am.active
        assert second.id != first.id
        assert 'instance=~"0|1|10|11|2|3|4|5|6|7|8|9"' in in_words(second.matchers)
        assert [silence["id"] for silence in (await shown(tocsin))["silences"]] == [second.id]


async def test_alertmanager_away(tmp_path: Path) -> None:
    """An Alertmanager that is away is tried again, at last told of once, and silenced when it is back."""
    async with silencing(tmp_path, "acknowledge") as (tocsin, am):
        am.failure = NoAnswer("http://am cannot be reached")
        await post(tocsin, alert())
        incident = await say(tocsin, "acknowledge")
        for _ in range(MOST_ATTEMPTS + 60):
            await tocsin.advance(minutes=6)
        incident = await shown(tocsin)
        assert kinds(incident) == ["silence_failed"]
        assert "cannot be reached; another try every 30 minutes" in str(incident["timeline"])
        am.failure = None
        await tocsin.advance(minutes=31)
        assert len(am.active) == 1
        assert kinds(await shown(tocsin)) == ["silence_failed", "silence_written"]


async def test_refusal(tmp_path: Path) -> None:
    """A refusal is told at once, nobody is paged for it, and the incident is as acknowledged as any other."""
    async with silencing(tmp_path, "acknowledge") as (tocsin, am):
        am.failure = Refused("http://am does not let us in (HTTP 403)")
        await post(tocsin, alert())
        incident = await say(tocsin, "acknowledge")
        assert (incident["status"], kinds(incident)) == ("acknowledged", ["silence_failed"])


async def test_killed_after_writing(tmp_path: Path) -> None:
    """A silence whose writing nobody could record is found again by its comment: there are never two."""
    async with silencing(tmp_path, "acknowledge") as (tocsin, am):
        am.dies_after_write = True
        await post(tocsin, alert())
        await say(tocsin, "acknowledge")
        (lost,) = am.active
        clock = tocsin.clock
    async with silencing(tmp_path, "acknowledge", clock=clock, am=am) as (tocsin, _):
        await tocsin.advance(minutes=1)
        assert [one.id for one in am.active] == [lost.id]
        assert [silence["id"] for silence in (await shown(tocsin))["silences"]] == [lost.id]
        await say(tocsin, "resolve")
        assert not am.active


async def test_ended_in_alertmanager(tmp_path: Path) -> None:
    """What a person ends in Alertmanager is not written again, until somebody acknowledges anew."""
    async with silencing(tmp_path, "acknowledge") as (tocsin, am):
        await post(tocsin, alert())
        await say(tocsin, "acknowledge")
        tocsin.clock.advance(minutes=5)
        am.expire("s1")
        await tocsin.advance(minutes=40)
        await tocsin.advance(minutes=40)
        incident = await shown(tocsin)
        assert (am.active, incident["silences"]) == ([], [])
        assert incident["timeline"][-1]["reason"] == "somebody ended it in Alertmanager"
        await say(tocsin, "escalate")
        await say(tocsin, "acknowledge", by="bob")
        (again,) = am.active
        assert again.created_by == "tocsin/bob"


async def test_lost_in_alertmanager(tmp_path: Path) -> None:
    """An Alertmanager that came back without its data is silenced again."""
    async with silencing(tmp_path, "acknowledge") as (tocsin, am):
        await post(tocsin, alert())
        await say(tocsin, "acknowledge")
        am.kept.clear()
        await tocsin.advance(minutes=31)
        assert [one.id for one in am.active] == ["s2"]
        assert kinds(await shown(tocsin)) == ["silence_written", "silence_removed", "silence_written"]


@pytest.mark.parametrize("action", ["resolve", "escalate"])
async def test_source_that_is_gone(tmp_path: Path, action: str) -> None:
    """Where the Alertmanager is no longer configured, it is told that a silence of ours ends by itself."""
    async with silencing(tmp_path, "acknowledge") as (tocsin, _):
        await post(tocsin, alert())
        await say(tocsin, "acknowledge")
        tocsin.receiver.telling.silences.sources = {}
        incident = await say(tocsin, action)
        (failed,) = [event for event in incident["timeline"] if event["kind"] == "silence_failed"]
        assert "no longer configured" in failed["reason"]
        assert "ends by itself" in failed["reason"]
