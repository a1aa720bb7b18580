"""What PagerDuty is told, and when."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from receiver.engine.incident import IncidentStatus
from receiver.engine.plan import Message
from receiver.notify.channel import ChannelRefused, close
from tests.receiver.bodies import START
from tests.receiver.notify.cases.case import INCIDENT, PAGE, Far, http
from tests.receiver.notify.cases.pagerduty import CASE
from tocsin.model import Severity


@pytest.mark.parametrize(
    ("message", "status", "action"),
    [
        ("page", "open", "trigger"),
        ("reopened", "open", "trigger"),
        ("handover", "acknowledged", "trigger"),
        ("sla", "open", "trigger"),
        ("resolved", "resolved", "resolve"),
        ("update", "acknowledged", "acknowledge"),
        ("update", "resolved", "resolve"),
        ("update", "open", ""),
    ],
)
async def test_actions(message: Message, status: str, action: str, tmp_path: Path) -> None:
    """A page triggers, an acknowledgement and an end go there, of anything else nothing is told; one key for all."""
    incident = structs.replace(INCIDENT, status=IncidentStatus(status), resolved_at=START, reopened_at=START)
    far = Far()
    async with CASE.server(far) as url:
        channel = CASE.make(url, tmp_path)
        receipt = await channel.send(replace(PAGE, message=message, incident=incident))
        await close([channel])
    events = [json.loads(heard.body) for heard in far.heard]
    assert [event["event_action"] for event in events] == ([action] if action else [])
    assert all(event["dedup_key"] == INCIDENT.id for event in events)
    assert bool(receipt.skipped) is not bool(action)


@pytest.mark.parametrize("severity", Severity)
async def test_what_a_responder_reads(severity: Severity, tmp_path: Path) -> None:
    """The severity, the summary, the worst alerts, and a link to the incident."""
    far = Far()
    async with CASE.server(far) as url:
        channel = CASE.make(url, tmp_path)
        await channel.send(replace(PAGE, incident=structs.replace(INCIDENT, severity=severity)))
        await close([channel])
    event = json.loads(far.heard[0].body)
    assert far.heard[0].path == "/v2/enqueue"
    assert event["routing_key"] == "s3cr3t-0123456789"
    assert event["payload"]["severity"] == severity.value
    assert event["payload"]["custom_details"]["worst alerts"][0]["summary"] == "7 % of requests fail"
    assert event["client_url"] == event["links"][0]["href"] == PAGE.links.incident


async def test_a_test_alarms_nobody(tmp_path: Path) -> None:
    """A test message is a change event: it shows that the key is right and opens no incident."""
    far = Far()
    async with CASE.server(far) as url:
        channel = CASE.make(url, tmp_path)
        await channel.send(replace(PAGE, tested_by="alice"))
        await close([channel])
    assert far.heard[0].path == "/v2/change/enqueue"
    assert "event_action" not in json.loads(far.heard[0].body)


async def test_a_bundle(tmp_path: Path) -> None:
    """A message that tells of several incidents triggers each under its own key, with its own link."""
    other = structs.replace(INCIDENT, id="p0therabcd", title="DiskFull is up")
    far = Far()
    async with CASE.server(far) as url:
        channel = CASE.make(url, tmp_path)
        await channel.send(replace(PAGE, also=[other]))
        await close([channel])
    events = [json.loads(heard.body) for heard in far.heard]
    assert [event["dedup_key"] for event in events] == [INCIDENT.id, other.id]
    assert events[1]["client_url"].endswith(f"/{other.id}")
    assert "DiskFull is up" in events[1]["payload"]["summary"]
    assert events[1]["payload"]["custom_details"]["worst alerts"] == []


async def test_says_what_is_wrong(tmp_path: Path) -> None:
    """A refusal carries PagerDuty's own words, without the key in them."""
    far = Far(status=400)
    wrong = {"status": "invalid event", "message": "Event object is invalid", "errors": ["s3cr3t-0123456789 is bad"]}
    async with http(far, wrong=json.dumps(wrong).encode()) as url:
        channel = CASE.make(url, tmp_path)
        with pytest.raises(ChannelRefused, match=r"400 Bad Request Event object is invalid; \*\*\* is bad"):
            await channel.send(PAGE)
        await close([channel])
