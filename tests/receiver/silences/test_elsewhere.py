"""Silences that others made are shown where their alerts are."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from receiver.show import incident_story
from tests.receiver.bodies import alert
from tests.receiver.harness import Harness
from tests.receiver.silences.test_keeper import post, say, shown, silencing
from tests.receiver.test_reconcile import AGES, FakePeer
from tocsin.amapi import AlertState, GettableAlert, GettableSilence, Matcher, NoAnswer, SilenceState


def theirs(tocsin: Harness, *silenced_by: str, **labels: str) -> GettableAlert:
    """One of our alerts as Alertmanager tells of it."""
    now = tocsin.clock.now()
    state = AlertState("suppressed" if silenced_by else "active", silenced_by)
    return GettableAlert({"alertname": "PlayerErrors", "severity": "critical"} | labels, now, now, status=state)


def silence(tocsin: Harness, name: str, comment: str = "deploying\nnow") -> GettableSilence:
    now = tocsin.clock.now()
    matchers = (Matcher("alertname", "PlayerErrors"),)
    return GettableSilence(name, matchers, now, now + timedelta(hours=2), "bob", comment, SilenceState("active"))


async def poll(tocsin: Harness, *peers: FakePeer) -> None:
    (reconciler,) = tocsin.receiver.watching.reconcilers
    await reconciler.poll(peers)
    await tocsin.settle()


def seen(incident: dict[str, Any]) -> list[int]:
    """How many silences each news of them told."""
    return [len(event["silences"]) for event in incident["timeline"] if event["kind"] == "silences_seen"]


async def test_silenced_elsewhere(tmp_path: Path) -> None:
    """A silence of somebody's is told once, with who, why and until when; its end, too; also after a restart."""
    async with silencing(tmp_path) as (tocsin, am):
        await post(tocsin, alert(instance="a"), alert(instance="b"))
        started = tocsin.clock.now() - AGES
        quiet = FakePeer([theirs(tocsin, instance="a"), theirs(tocsin, instance="b")], started)
        loud = FakePeer([theirs(tocsin, "x1", instance="a"), theirs(tocsin, instance="b")], started)
        loud.silences_now = [silence(tocsin, "x1"), silence(tocsin, "unrelated")]
        await poll(tocsin, quiet)
        await poll(tocsin, loud)
        await poll(tocsin, loud)
        incident = await shown(tocsin)
        (one,) = incident["silenced_by"]
        assert (one["source"], one["id"], one["by"], one["comment"]) == ("alertmanager", "x1", "bob", "deploying now")
        assert "Silenced in Alertmanager by bob until 2026-11-21 05:00:00 (deploying now)" in incident_story(incident)
        assert seen(incident) == [1]
        clock = tocsin.clock
    async with silencing(tmp_path, clock=clock, am=am) as (tocsin, _):
        away = FakePeer(failure=NoAnswer("http://am cannot be reached"))
        await poll(tocsin, away)
        assert len((await shown(tocsin))["silenced_by"]) == 1
        await poll(tocsin, quiet, away)
        incident = await shown(tocsin)
        assert (incident["silenced_by"], seen(incident)) == ([], [1, 0])


async def test_our_own_is_not_shown(tmp_path: Path) -> None:
    """The silence of an acknowledgement is ours; one of another incident that reaches over is not its own."""
    async with silencing(tmp_path, "acknowledge") as (tocsin, am):
        await post(tocsin, alert(instance="a"))
        incident = await say(tocsin, "acknowledge")
        (own,) = await am.silences()
        peer = FakePeer([theirs(tocsin, own.id, instance="a")], tocsin.clock.now() - AGES, silences_now=[own])
        await poll(tocsin, peer)
        assert not seen(await shown(tocsin))
        peer.silences_now = [replace(own, comment="incident 123: another")]
        await poll(tocsin, peer)
        assert seen(await shown(tocsin)) == [1]
        assert not (await say(tocsin, "resolve"))["silenced_by"]
        await poll(tocsin, peer)
        assert (await shown(tocsin))["id"] == incident["id"]
