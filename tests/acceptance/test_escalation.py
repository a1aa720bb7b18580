"""The loop where nobody acknowledges."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import pytest

from demo.sources import Sources
from demo.stack import HISTORY, running_stack
from demo.story import CRASH, INCIDENTS, beginning, ending
from demo.timeline import Want
from tests import real
from tests.acceptance.telling import told

pytestmark = [pytest.mark.slow(seconds=30), pytest.mark.real]

STEP_TWO_SECONDS = 6


async def test_nobody_acknowledges() -> None:
    """The second step comes when it is due and not before, once; all three channels hear the end."""
    folder = real.pair("current").prometheus.parent
    async with running_stack(folder, without=HISTORY, escalate_after_seconds=STEP_TWO_SECONDS) as stack:
        see = Sources(stack)
        steps = [
            *beginning(stack),
            Want(
                "the second channel is told",
                "second sink",
                partial(see.page, "second", CRASH.says),
                between=(STEP_TWO_SECONDS / 2, 60),
                since="an incident opens",
            ),
            Want("the incident is still open", INCIDENTS, partial(see.incident, "open")),
            *ending(stack),
            Want("the all-clear arrives there, too", "second sink", partial(see.all_clear, "second")),
        ]
        await told(steps, check=stack.check)

        incident = await see.the_incident()
        (page, all_clear) = await see.arrivals("second")
        assert page.at - datetime.fromisoformat(incident["opened_at"]) >= timedelta(seconds=STEP_TWO_SECONDS)
        assert "Nobody has acknowledged so far: this is step 2 of 2." in page.text
        assert "Every alert has resolved" in all_clear.text
        escalated = [event for event in incident["timeline"] if event["kind"] == "escalated"]
        assert [(event["notify"], event["reason"]) for event in escalated] == [
            (["mail", "hook"], "opened"),
            (["second"], "nobody acknowledged within step 1"),
        ]
        assert [len(await see.arrivals(sink)) for sink in ("mail", "hook", "second")] == [2, 2, 2]
