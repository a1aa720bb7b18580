"""Tocsin mends a shop by itself: once it helps, once it is in vain, is taken back, and people come."""

from __future__ import annotations

import re

import pytest

from demo.healing import healing
from demo.repairs import Repairs
from demo.stack import HISTORY, Stack, running_stack
from tests.acceptance.telling import told
from tests.real import pair

pytestmark = [pytest.mark.slow(seconds=60), pytest.mark.real]


async def test_healing() -> None:
    """One approval and one restart end the first incident; the second is taken back, and the next people come early."""
    async with running_stack(pair("current").prometheus.parent, without=HISTORY, escalate_after_seconds=30) as stack:
        await told(healing(stack), check=stack.check)
        await _approved_by_bob(stack)
        await _counted(stack)
        _logs(stack)


async def _approved_by_bob(stack: Stack) -> None:
    """The record of the run names who agreed, to which plan, and what was done."""
    see = Repairs(stack, "recommender")
    one = await see.the_run()
    events = [event for event in (await see.the_incident())["timeline"] if event.get("run") == one["id"]]
    [proposed] = [event for event in events if event["kind"] == "run_proposed"]
    [approved] = [event for event in events if event["kind"] == "run_approved"]
    assert (approved["by"], one["approved_by"]) == ("bob", ["bob"])
    assert proposed["plan"]["steps"][0]["action"]["arguments"]["path"] == "/admin/recommender/restart"


async def _counted(stack: Stack) -> None:
    """What was done is counted by runbook, step and outcome."""
    async with stack.http.get(f"{stack.urls['receiver']}/metrics") as response:
        text = await response.text()
    counted = dict(re.findall(r"^tocsin_auto_healing_actions_total(\{.*\}) (.*)$", text, flags=re.MULTILINE))
    assert {name: float(value) for name, value in counted.items()} == {
        '{action="restart",outcome="succeeded",runbook="restart-service"}': 1,
        '{action="standby in front",outcome="succeeded",runbook="standby-in-front"}': 1,
        '{action="rollback standby away",outcome="succeeded",runbook="standby-in-front"}': 1,
    }


def _logs(stack: Stack) -> None:
    """The receiver has nothing to complain of."""
    (receiver,) = [process for process in stack.processes if process.name == "receiver"]
    said = receiver.log.read_text(encoding="utf-8")
    assert "Traceback" not in said
    assert not re.search("level=(error|critical)", said), said
