"""Two processes' worth of workers on one PostgreSQL: one approval runs once, and limits hold to the last run."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from receiver.access.principal import anybody
from receiver.engine.run import Run
from receiver.respond import Answer
from tests.receiver.bodies import alert, body
from tests.receiver.harness import HOOK
from tests.receiver.remediate.healing import Healing, healing, runbook
from tocsin.clock import ManualClock

TARGETS = [f"cart{number}" for number in range(8)]
ROOMY = {"per_target": {"most": 99}, "per_runbook": {"most": 99}, "at_once": 99, "cool_down": "0s"}


@asynccontextmanager
async def two(folder: Path, url: str, *books: dict[str, Any], **more: Any) -> AsyncIterator[tuple[Healing, Healing]]:
    """Two receivers, each with a worker, over one store; the first has the engine's turn."""
    settings = {"database": {"url": url}} | more
    async with healing(folder, *books, **settings) as one:
        clock: ManualClock = one.harness.clock
        async with healing(folder, *books, clock=clock, **settings) as other:
            yield one, other


async def settle(both: tuple[Healing, Healing]) -> None:
    """Until nothing is left to do for either, both at work at the same time."""
    while await both[0].harness.receiver.loop.run_once() or sum(
        await asyncio.gather(*(one.harness.receiver.runner.run_all_due() for one in both))
    ):
        pass


async def runs(heals: Healing) -> list[Run]:
    return [run for one in await heals.harness.incidents() for run in await heals.runs(one["id"])]


def book(limits: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A runbook for any of the targets."""
    return runbook(limits={**ROOMY, **limits}, **{"target": {"is": "$(service)", "allow": TARGETS}, **more})


async def test_one_approval_and_one_target(tmp_path: Path, postgres_url: str) -> None:
    """Both hear of it, both look at once, two people agree by one and the other: it is done once."""
    async with two(tmp_path, postgres_url, runbook(approval={})) as both:
        await both[0].harness.client.post(HOOK, data=body(alert(service="player")))
        await settle(both)
        (run,) = await runs(both[0])
        (incident,) = await both[0].harness.incidents()
        answer = Answer("approve", run=run.id, plan_hash=run.plan_hash)
        said = await asyncio.gather(
            *(
                one.harness.receiver.telling.responder.respond(incident["id"], answer, anybody(who))
                for one, who in zip(both, ("ann", "ben"), strict=True)
            )
        )
        assert sorted(len(step.events) for step in said) == [0, 1]
        await settle(both)
        (run,) = await runs(both[0])
        assert (run.outcome, both[0].hand.did) == ("succeeded", ["restart"])


FLEET = {"target": {"is": "$(service)", "allow": TARGETS, "fleet": {"name": "carts", "share": 0.4, "size": 8}}}
LIMITS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], int]] = {
    "limits.per_runbook": ({"per_runbook": {"most": 5}}, {}, {}, 5),
    "remediation.everything": ({}, {}, {"everything": {"most": 3}}, 3),
    "remediation.budgets": ({}, {}, {"budgets": {"*": {"most": 2}}}, 2),
    "target.fleet": ({}, FLEET, {}, 3),  # 40 % of 8
}


@pytest.mark.parametrize("limit", LIMITS)
async def test_a_limit_at_its_edge(tmp_path: Path, postgres_url: str, limit: str) -> None:
    """Eight runs want to begin at the same moment on both: exactly as many do as may, the rest is refused by name."""
    limits, more, settings, most = LIMITS[limit]
    remediation = {"everything": {"most": 99}} | settings
    async with two(tmp_path, postgres_url, book(limits, **more), remediation=remediation) as both:
        for target in TARGETS:
            await both[0].harness.client.post(HOOK, data=body(alert(service=target, group=target), group=target))
        await settle(both)
        found = await runs(both[0])
        assert Counter(run.outcome for run in found) == {"succeeded": most, "refused": len(TARGETS) - most}
        assert len(both[0].hand.did) == most
        assert all(limit in run.reason for run in found if run.outcome == "refused")


async def test_at_once(tmp_path: Path, postgres_url: str) -> None:
    """While as many runs are under way as may be, no other begins; their verification belongs to them."""
    async with two(tmp_path, postgres_url, book({"at_once": 2}), numbers={"errors": 3.0}) as both:
        for target in TARGETS:
            await both[0].harness.client.post(HOOK, data=body(alert(service=target, group=target), group=target))
        await settle(both)
        found = await runs(both[0])
        assert Counter(run.outcome for run in found) == {None: 2, "refused": len(TARGETS) - 2}
        assert all("(limits.at_once)" in run.reason for run in found if run.outcome == "refused")
        assert len(both[0].hand.did) == 2
