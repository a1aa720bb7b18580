"""What a click means, before anybody is asked whether it may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs
from slack_sdk.signature import SignatureVerifier

from receiver.engine.events import Acknowledged, EscalationForced
from receiver.engine.incident import apply
from receiver.engine.policy import step
from receiver.notify.slack_blocks import blocks
from receiver.respond import NotPossible
from receiver.web.slack import signature_of
from receiver.web.slack_clicks import until
from receiver.web.slack_payload import Click, read
from receiver.web.slack_shown import Said, shown_in
from tests.receiver.bodies import START
from tests.receiver.notify.cases.case import INCIDENT, PAGE
from tests.receiver.notify.slack_far import dump
from tests.receiver.notify.slack_world import SIGNING


def test_signature_is_slacks() -> None:
    """The signature is the one that slack-sdk makes."""
    expected = SignatureVerifier(SIGNING).generate_signature(timestamp="1531420618", body=b"token=x&payload=%7B%7D")
    assert signature_of(SIGNING, "1531420618", b"token=x&payload=%7B%7D") == expected


BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
UNTIL = [
    ("30m", START, BERLIN, "2026-11-21T03:31:00+00:00"),
    ("2h", START.replace(second=59), BERLIN, "2026-11-21T05:01:00+00:00"),
    ("tomorrow", datetime(2026, 3, 28, 20, tzinfo=UTC), BERLIN, "2026-03-29T07:00:00+00:00"),  # summer time begins
    ("tomorrow", datetime(2026, 10, 24, 20, tzinfo=UTC), BERLIN, "2026-10-25T08:00:00+00:00"),
    ("tomorrow", datetime(2026, 11, 21, 2, 59, tzinfo=UTC), BERLIN, "2026-11-21T08:00:00+00:00"),  # 3:59: still night
    ("tomorrow", datetime(2026, 11, 21, 3, tzinfo=UTC), BERLIN, "2026-11-22T08:00:00+00:00"),
    ("tomorrow", datetime(2026, 11, 21, 12, tzinfo=UTC), KOLKATA, "2026-11-22T03:30:00+00:00"),
]


@pytest.mark.parametrize(("choice", "now", "zone", "expected"), UNTIL)
def test_until(choice: str, now: datetime, zone: ZoneInfo, expected: str) -> None:
    """Snoozes end on the minute; tomorrow is the morning after the night that one is in."""
    assert until(choice, now, zone).isoformat() == expected


def test_no_such_choice() -> None:
    """What is no choice of the menu is refused."""
    with pytest.raises(NotPossible):
        until("for ever", START, BERLIN)


def test_an_escalation_is_decided_once() -> None:
    """Of two clicks on one button the second is refused where it is decided, whichever replica that is."""
    first = step(INCIDENT, EscalationForced("alice", round=INCIDENT.round), START)
    assert first.events
    second = step(first.incident, EscalationForced("alice", round=INCIDENT.round), START)
    assert not second.events
    assert "gone on since" in second.reason
    assert step(first.incident, EscalationForced("alice", round=first.incident.round), START).events


def test_what_a_click_shows_in_a_bundle() -> None:
    """In a message about several incidents a click changes the line of its own, and leaves the others their buttons."""
    others = [structs.replace(INCIDENT, id=f"other{n}", title=f"Disk {n}") for n in range(2)]
    shown = blocks(replace(PAGE, to=None, also=others))
    taken = apply(others[0], Acknowledged("alice"), START)
    click = Click("U1", "acknowledge", "other0", 0, blocks=tuple(shown))
    told = dump(shown_in(click, Said("👤 Acknowledged by *alice*", taken))["blocks"]).splitlines()
    line = next(number for number, said in enumerate(told) if "Disk 0" in said)
    assert "[Acknowledge]" not in told[line]
    assert told[line + 1] == "~ 👤 Acknowledged by *alice*"
    assert "[Acknowledge]" in told[line + 2]
    assert any(said.startswith("[Acknowledge] [Resolve]") for said in told)


def test_click_as_slack_sends_it() -> None:
    """Only what counts is read of a payload, and unknown keys do no harm."""
    payload: Mapping[str, Any] = {
        "type": "block_actions",
        "user": {"id": "U1", "username": "x"},
        "api_app_id": "A1",
        "actions": [{"action_id": "tocsin:escalate", "value": "k3f9x2abcd/4", "action_ts": "1.2"}],
    }
    assert read(dict(payload)) == Click("U1", "escalate", "k3f9x2abcd", 4)
