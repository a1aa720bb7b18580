"""Arbitrary orders of bodies, restarts and people: the promises hold in all of them."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.receiver.bodies import START, alert, body
from tests.receiver.harness import HOOK, Harness, escalation, receiver
from tocsin.clock import ManualClock

CONFIG = escalation(("0s", ("alice",)), ("5m", ("bob",)))

moves = st.lists(
    st.one_of(
        st.tuples(st.just("fire"), st.sampled_from("ab"), st.integers(0, 3)),
        st.tuples(st.just("end"), st.sampled_from("ab"), st.integers(0, 3)),
        st.tuples(st.just("expire"), st.sampled_from("ab"), st.integers(0, 3)),
        st.tuples(st.sampled_from(["restart", "settle", "wait", "ack"]), st.none(), st.none()),
    ),
    max_size=14,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(moves)
def test_promises(script: list[tuple[str, str, int]]) -> None:
    """One open occurrence an identity, one open incident a group, counts that agree, no message twice."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_play(Path(folder), script))


async def _play(folder: Path, script: list[tuple[str, str, int]]) -> None:
    clock = ManualClock(START)
    sent: list[str] = []
    rest = list(script)
    while True:
        async with receiver(folder, CONFIG, clock=clock) as tocsin:
            finished = await _until_restart(tocsin, rest)
            if finished:
                await tocsin.settle()
                await check(tocsin)
            sent += [envelope.key for phone in tocsin.phones.values() for envelope in phone.told]
            if finished:
                break
    assert len(sent) == len(set(sent)), "a message went out twice"


async def _until_restart(tocsin: Harness, rest: list[tuple[str, str, int]]) -> bool:
    while rest:
        move, name, second = rest.pop(0)
        match move:
            case "fire":
                await tocsin.client.post(HOOK, data=body(alert(instance=name, start=second * 10)))
            case "end":
                ended = alert(instance=name, start=0, end=second * 10 + 5)
                await tocsin.client.post(HOOK, data=body(ended))
            case "expire":
                gone = alert(instance=name, start=second * 10, end=second * 10 + 7) | {"status": "expired"}
                await tocsin.client.post(HOOK, data=body(gone))
            case "settle":
                await tocsin.settle()
            case "wait":
                await tocsin.advance(minutes=3)
            case "ack":
                for incident in await tocsin.incidents():
                    await tocsin.act(incident["id"], "acknowledge")
            case "restart":
                return False
    return True


async def check(tocsin: Harness) -> None:
    """What must hold whenever nothing is left to do."""
    alerts = await tocsin.alerts()
    incidents = await tocsin.incidents()
    firing = [a["labels"]["instance"] for a in alerts if a["status"] == "firing"]
    assert len(firing) == len(set(firing)), "an identity has two open occurrences"
    assert sum(i["status"] != "resolved" for i in incidents) <= 1, "a group has two open incidents"
    for incident in incidents:
        members = [a for a in alerts if a["incident"] == incident["id"]]
        assert incident["alerts"] == len(members)
        assert incident["firing"] == sum(a["status"] == "firing" for a in members)
        assert (incident["firing"] == 0) == (incident["status"] == "resolved")
