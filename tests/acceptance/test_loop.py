"""The loop on the oldest binaries, without exporter: from a broken shop to a person, and back to quiet.

test_whole.py and test_escalation.py play their stories on the current ones.
"""

from __future__ import annotations

import re

import pytest

from demo.sources import Sources
from demo.stack import HISTORY, Stack, running_stack
from demo.story import crash
from tests.acceptance.telling import told
from tests.real import pair

pytestmark = [pytest.mark.slow(seconds=45), pytest.mark.real]

TIME = r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC"
PAGE = rf"""The gateway fails \d+(\.\d+)?% of its requests

CRITICAL, 1 of 1 alert firing. Opened {TIME}.
Affected: gateway\.

What to do first: https://shop\.example/runbooks/error-ratio

- ShopErrorRatioHigh: The gateway fails \d+(\.\d+)?% of its requests
  Customers cannot pay\. See the service's log, then its last deployment\.
  since {TIME}

Tell me more: http://127\.0\.0\.1:\d+/answer/([\w-]+)
I have it: tocsin incidents ack (\w+)
Tell me more: tocsin incidents show (\w+)
http://127\.0\.0\.1:\d+/api/v1/incidents/(\w+)

You are told because: the policy names this channel\.
"""
ALL_CLEAR = rf"""The gateway fails \d+(\.\d+)?% of its requests

Every alert has resolved, {TIME}\.
It was opened {TIME} and lasted \d+ (seconds|minutes?)\.
It was acknowledged by alice, {TIME}\.
"""


async def test_loop() -> None:
    """A rule fires, one person is told once by each channel, acknowledges, and hears once when it is over."""
    async with running_stack(pair("oldest").prometheus.parent, without=HISTORY, escalate_after_seconds=20) as stack:
        await told(crash(stack), check=stack.check)
        await _texts(stack)
        await _timeline(stack)
        _logs(stack)


async def _texts(stack: Stack) -> None:
    """Mail and webhook say the same, and it is what a person needs."""
    see = Sources(stack)
    (mail_page, mail_end), (hook_page, hook_end) = await see.arrivals("mail"), await see.arrivals("hook")
    assert re.fullmatch(PAGE, mail_page.text.replace("\r\n", "\n")), mail_page.text
    assert re.match(ALL_CLEAR, mail_end.text.replace("\r\n", "\n")), mail_end.text
    assert (hook_page.text.split(), hook_end.text.split()) == (mail_page.text.split(), mail_end.text.split())
    assert re.fullmatch(r"\[CRITICAL\] The gateway fails \d+(\.\d+)?% of its requests", mail_page.subject)
    assert mail_end.subject == mail_page.subject.replace("CRITICAL", "RESOLVED")
    assert await see.arrivals("second") == []


async def _timeline(stack: Stack) -> None:
    """The incident tells the same story, in order."""
    incident = await Sources(stack).the_incident()
    told_by_events = [event["kind"] for event in incident["timeline"]]
    assert told_by_events == [
        "opened", "alerts_joined", "escalated", "message_sent", "message_sent", "acknowledged",
        "alerts_resolved", "resolved", "message_sent", "message_sent",
    ]  # fmt: skip
    assert (incident["acknowledged_by"], incident["resolved_by"]) == ("alice", "alertmanager")


def _logs(stack: Stack) -> None:
    """The receiver has nothing to complain of."""
    (receiver,) = [process for process in stack.processes if process.name == "receiver"]
    said = receiver.log.read_text(encoding="utf-8")
    assert "Traceback" not in said
    assert not re.search("level=(warning|error|critical)", said), said
