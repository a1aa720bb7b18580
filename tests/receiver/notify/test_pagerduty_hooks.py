"""What people do in PagerDuty counts here: signed, once, with their rights, and never in a circle."""

from __future__ import annotations

import hashlib
import hmac
import io
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from tests.receiver.notify.cases.case import SECRET
from tests.receiver.notify.hooked import ALICE, EVE, OURSELVES, PAGERDUTY, hooked
from tocsin.guard import Guard

PAGED = ("0s", ["pd"])
THEN_BOB = ("10m", ["user:bob"])


async def test_acknowledged_there(tmp_path: Path) -> None:
    """Somebody acknowledges in PagerDuty: it is theirs here, by name, and no step follows."""
    async with hooked(tmp_path, PAGED, THEN_BOB) as at:
        incident = await at.open()
        assert await at.happens("acknowledged", incident, ALICE) == (200, {"changed": True, "reason": "acknowledged"})
        told = await at.incident(incident)
        assert (told["status"], told["acknowledged_by"]) == ("acknowledged", "alice")
        assert next(event for event in told["timeline"] if event["kind"] == "acknowledged")["via"] == "pagerduty"
        await at.tocsin.advance(hours=1)
        assert at.forms() == []


async def test_what_we_said_does_not_come_back(tmp_path: Path) -> None:
    """PagerDuty tells us what we told it, by no person: that ends neither a snooze nor begins a circle."""
    async with hooked(tmp_path, PAGED) as at:
        incident = await at.open()
        until = at.tocsin.clock.now() + timedelta(hours=2)
        answered = await _respond(at.tocsin.receiver, incident, until)
        assert answered
        await at.tocsin.settle()
        assert at.events() == ["trigger", "acknowledge"]
        for agent in (OURSELVES, None):
            _, said = await at.happens("acknowledged", incident, agent)
            assert not said["changed"]
        assert (await at.tocsin.receiver.telling.handlers._ledger.incident(incident)).snoozed_until == until  # type: ignore[union-attr]
        assert at.events() == ["trigger", "acknowledge"]
        await at.happens("resolved", incident, ALICE)
        await at.happens("resolved", incident, OURSELVES)
        assert at.events() == ["trigger", "acknowledge", "resolve"]


async def _respond(ours: Any, incident: str, until: Any) -> bool:
    from receiver.access.principal import anybody
    from receiver.respond import Answer

    return bool(
        (await ours.telling.responder.respond(incident, Answer("snooze", until=until), anybody("carol"))).events
    )


@pytest.mark.parametrize(
    ("answers_as", "by"), [("responder", "Eve E. (PagerDuty)"), ("viewer", ""), ("", ""), ("no-such-role", "")]
)
async def test_somebody_who_is_no_user_here(answers_as: str, by: str, tmp_path: Path) -> None:
    """They answer with the rights of the integration, under their own name; without such rights nothing changes."""
    async with hooked(tmp_path, PAGED, answers_as=answers_as) as at:
        incident = await at.open()
        status, _ = await at.happens("acknowledged", incident, EVE)
        assert status == 200
        assert (await at.incident(incident))["acknowledged_by"] == (by or None)


async def test_a_user_without_the_right(tmp_path: Path) -> None:
    """Who may only look here may only look there: the rights of a user count, not those of the integration."""
    async with hooked(tmp_path, PAGED) as at:
        incident = await at.open()
        _, said = await at.happens("acknowledged", incident, {"id": "PVERA01", "type": "user_reference"})
        assert "incidents:write is missing" in said["reason"]
        assert (await at.incident(incident))["status"] == "open"


async def test_signatures(tmp_path: Path) -> None:
    """Without a right signature of these very bytes nothing is believed; one of several is enough."""
    async with hooked(tmp_path, PAGED) as at:
        incident = await at.open()
        assert (await at.happens("acknowledged", incident, ALICE, secret="wrong"))[0] == 401
        right = hmac.new(SECRET.encode(), b"{}", hashlib.sha256).hexdigest()
        for header in ("", right, f"v0={right}", f"v1={right[:-1]}", "v1=ä", f"v1={right.upper()}"):
            answer = await at.tocsin.client.post(PAGERDUTY, data=b"{}", headers={"X-PagerDuty-Signature": header})
            assert answer.status == 401, header
        signed = {"X-PagerDuty-Signature": f"v1={right}"}
        assert (await at.tocsin.client.post(PAGERDUTY, data=b"{} ", headers=signed)).status == 401
        assert (await at.tocsin.client.post(PAGERDUTY, data=b"{}", headers=signed)).status == 400
        assert (await at.incident(incident))["status"] == "open"


async def test_bounded_before_anybody_is_known(tmp_path: Path) -> None:
    """A body of more than a megabyte, or of unknown length, is not read."""
    async with hooked(tmp_path, PAGED) as at:
        for data in (io.BytesIO(b"x" * (1024 * 1024 + 1)), _drip()):
            assert (await at.tocsin.client.post(PAGERDUTY, data=data)).status == 413


async def _drip() -> AsyncIterator[bytes]:
    yield b"x"


async def test_closed_by_itself(tmp_path: Path) -> None:
    """PagerDuty closes old incidents by itself: that is told, and ends nothing here."""
    async with hooked(tmp_path, PAGED) as at:
        incident = await at.open()
        await at.happens("resolved", incident, OURSELVES)
        assert (await at.incident(incident))["status"] == "open"
        assert "commented" in await at.tocsin.story(incident)


async def test_no_secret_no_door(tmp_path: Path) -> None:
    """Where no channel has a secret for webhooks, there is nothing to call."""
    async with hooked(tmp_path, PAGED, webhook_secret_file=None) as at:
        status, told = await at.happens("acknowledged", "x", ALICE)
        assert status == 404
        assert "webhook_secret_file" in told["detail"]


async def test_passes_basic_authentication(tmp_path: Path) -> None:
    """The signature is the proof: PagerDuty needs no password of --web.config.file."""
    file = tmp_path / "web.yml"
    file.write_text(f"basic_auth_users: {{alice: '{bcrypt.hashpw(b'x', bcrypt.gensalt(4)).decode()}'}}\n")
    async with hooked(tmp_path, PAGED, guard=Guard(file)) as at:
        assert (await at.happens("acknowledged", "x", ALICE))[0] == 200
        assert (await at.tocsin.client.get("/api/v1/incidents")).status == 401


async def test_once(tmp_path: Path) -> None:
    """The same event again, an old one, and one of before the incident reopened, change nothing."""
    async with hooked(tmp_path, PAGED) as at:
        incident = await at.open()
        for _ in range(2):
            await at.happens("annotated", incident, ALICE, number=1, content="looking", type="incident_note")
        assert (await at.tocsin.story(incident)).count("commented") == 1
        before = at.tocsin.clock.now() - timedelta(minutes=5)
        _, said = await at.happens("acknowledged", incident, ALICE, at=before)
        assert said == {"changed": False, "reason": "it happened before the incident last opened"}
        _, said = await at.happens("acknowledged", incident, ALICE, at=before - timedelta(days=1))
        assert not said["changed"]
        _, said = await at.happens("acknowledged", "PXXXXXX", ALICE)
        assert said == {"changed": False, "reason": "it is about no incident of ours"}
        assert (await at.incident(incident))["status"] == "open"


async def test_notes(tmp_path: Path) -> None:
    """A note there is a comment here; it names PagerDuty's own id, which is known from an event before it."""
    async with hooked(tmp_path, PAGED) as at:
        incident = await at.open()
        note: dict[str, Any] = {"id": "N1", "type": "incident_note", "content": "I look\nat it", "incident_key": None}
        about: dict[str, Any] = {"incident": {"id": f"Q{incident}", "type": "incident_reference"}}
        _, said = await at.happens("annotated", incident, ALICE, **note, **about)
        assert not said["changed"]
        await at.happens("triggered", incident, OURSELVES)
        _, said = await at.happens("annotated", incident, ALICE, **note, **about)
        assert said["changed"]
        (comment,) = [event for event in (await at.incident(incident))["timeline"] if event["kind"] == "commented"]
        assert (comment["by"], comment["text"], comment["via"]) == ("alice", "I look\nat it", "pagerduty")


async def test_reassigned_and_escalated(tmp_path: Path) -> None:
    """Given to a user there it is theirs here; given to a stranger it is told; escalated there, the next step comes."""
    async with hooked(tmp_path, PAGED, THEN_BOB) as at:
        incident = await at.open()
        await at.happens("reassigned", incident, ALICE, assignees=[EVE])
        await at.happens("escalated", incident, None, assignees=[EVE])
        kinds = await at.tocsin.story(incident)
        assert kinds.count("commented") == 2
        assert "reassigned" not in kinds
        assert at.forms() == []
        await at.happens("escalated", incident, ALICE)
        assert [form["To"] for form in at.forms()] == ["+4930123457"]  # bob, ten minutes early
        await at.happens("reassigned", incident, ALICE, assignees=[{"id": "PALICE1", "type": "user_reference"}])
        assert (await at.tocsin.story(incident)).count("reassigned") == 1
        assert at.forms()[-1]["To"] == "+4930123456"


async def test_no_longer_acknowledged(tmp_path: Path) -> None:
    """Whoever took it on in PagerDuty and lets it go there lets it go here; who took it on here keeps it."""
    async with hooked(tmp_path, PAGED, THEN_BOB) as at:
        here, there = await at.open("Here"), await at.open("There")
        await at.tocsin.act(here, "acknowledge", by="carol")
        await at.happens("acknowledged", there, ALICE)
        for incident in (here, there):
            assert (await at.happens("unacknowledged", incident, None))[1]["changed"]
        assert (await at.incident(here))["status"] == "acknowledged"
        assert (await at.incident(there))["status"] == "open"
        assert [form["To"] for form in at.forms()] == ["+4930123457"]
