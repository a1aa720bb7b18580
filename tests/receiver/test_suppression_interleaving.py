"""Arbitrary orders of alerts, restarts, people and time while everything that can hold back is configured."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.receiver.bodies import START, alert, body
from tests.receiver.harness import HOOK, Harness, escalation, receiver
from tocsin.clock import ManualClock

CONFIG = escalation(
    ("0s", ("alice",)),
    maintenance=[
        {"name": "now", "matchers": "service=db", "from": "2026-11-21T03:00", "duration": "20m"},
        {"name": "often", "matchers": "service=web", "cron": "*/10 * * * *", "duration": "3m"},
    ],
    flapping={"changes": 2, "within": "30m", "calm": "5m"},
    minimum=[{"matchers": "service=web", "occurrences": 2, "age": "4m"}],
    topology={"edges": {"web": ["db"], "db": ["web"]}},
    inhibition={"settle": "1m"},
)

moves = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["fire", "end"]), st.sampled_from(["db", "web", "other"])),
        st.tuples(st.sampled_from(["restart", "settle", "wait", "wait", "resolve"]), st.just("")),
    ),
    max_size=24,
)


CLOSED_BY_HAND_WHILE_IT_FLAPS = [
    ("end", "other"), ("wait", ""), ("fire", "other"), ("settle", ""), ("end", "other"), ("wait", ""),
    ("resolve", ""), ("wait", ""), ("fire", "other"), ("wait", ""), ("end", "other"), ("wait", ""),
]  # fmt: skip


@pytest.mark.slow(seconds=20)
@example(CLOSED_BY_HAND_WHILE_IT_FLAPS)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(moves)
def test_nothing_is_held_for_ever(script: list[tuple[str, str]]) -> None:
    """When all is calm, what fires is in an incident, what was held has its reason, and the counts agree."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_play(Path(folder), script))


async def _play(folder: Path, script: list[tuple[str, str]]) -> None:
    clock, rest, sent = ManualClock(START), list(script), list[str]()
    finished = False
    while not finished:
        async with receiver(folder, CONFIG, clock=clock) as tocsin:
            finished = await _until_restart(tocsin, rest)
            if finished:
                await _check(tocsin)
            sent += [envelope.key for phone in tocsin.phones.values() for envelope in phone.told]
    assert len(sent) == len(set(sent)), "a message went out twice"


async def _until_restart(tocsin: Harness, rest: list[tuple[str, str]]) -> bool:
    while rest:
        move, service = rest.pop(0)
        seconds = (tocsin.clock.now() - START).total_seconds()
        match move:
            case "fire":
                await tocsin.client.post(HOOK, data=body(alert(service, service=service, start=seconds), group=service))
            case "end":
                ended = alert(service, service=service, start=0, end=seconds)
                await tocsin.client.post(HOOK, data=body(ended, group=service))
            case "settle":
                await tocsin.settle()
            case "wait":
                await tocsin.advance(minutes=1)
            case "resolve":
                for incident in await tocsin.incidents():
                    await tocsin.act(incident["id"], "resolve")
            case "restart":
                return False
    return True


async def _check(tocsin: Harness) -> None:
    await tocsin.settle()
    for _ in range(12):
        await tocsin.advance(minutes=10)
    await tocsin.advance(minutes=4)  # outside of the window that is often on
    await tocsin.advance(minutes=2)
    alerts, incidents = await tocsin.alerts(), await tocsin.incidents()
    open_ = {incident["id"] for incident in incidents if incident["status"] != "resolved"}
    for one in alerts:
        held = one["suppressed"]
        assert (one["incident"] is None) == (held is not None), "neither told nor held, or both"
        if one["status"] == "firing" and held is not None:
            assert held["kind"] == "inhibited"
            assert held["incident"] in open_, "held by what is over"
    for incident in incidents:
        members = [a for a in alerts if a["incident"] == incident["id"]]
        assert incident["alerts"] == len(members)
        assert incident["firing"] == sum(a["status"] == "firing" for a in members)
