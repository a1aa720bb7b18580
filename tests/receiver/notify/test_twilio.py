"""What Twilio is asked for, and which of its errors pass by themselves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from msgspec import structs

from receiver.engine.incident import IncidentStatus
from receiver.notify.channel import ChannelRefused, ChannelUnavailable, Envelope, Links, close
from receiver.notify.phone_words import code_of
from receiver.notify.posting import Poster
from receiver.notify.sms import segments
from tests.receiver.bodies import START
from tests.receiver.notify.cases.call import CASE as CALL
from tests.receiver.notify.cases.case import (
    ALICE,
    INCIDENT,
    PAGE,
    SECRET,
    Case,
    Far,
    build,
    http,
    secret_file,
    with_text,
)
from tests.receiver.notify.cases.sms import ACCOUNT, SID, form
from tests.receiver.notify.cases.sms import CASE as SMS

OVER = structs.replace(INCIDENT, status=IncidentStatus.RESOLVED, resolved_at=START, firing=0)


async def _sent(case: Case, folder: Path, envelope: Envelope) -> dict[str, str]:
    """The form that Twilio gets."""
    far = Far()
    async with case.server(far) as url:
        channel = case.make(url, folder)
        receipt = await channel.send(envelope)
        await close([channel])
    assert receipt.reference == SID
    kind = "Messages" if case is SMS else "Calls"
    assert far.heard[0].path == f"/2010-04-01/Accounts/{ACCOUNT}/{kind}.json"
    assert far.heard[0].headers["Authorization"].startswith("Basic ")
    return form(far.heard[0])


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, 21211, ChannelRefused),  # a number that is none
        (400, 21610, ChannelRefused),  # they have said STOP
        (401, 20003, ChannelRefused),
        (429, 20429, ChannelUnavailable),
        (400, 21611, ChannelUnavailable),  # this number's queue is full
        (400, 14107, ChannelUnavailable),
        (503, 20503, ChannelUnavailable),
    ],
)
async def test_errors(status: int, code: int, kind: type[Exception], tmp_path: Path) -> None:
    """Twilio's code tells whether again helps; its words are passed on, without the token in them."""
    wrong = {"code": code, "message": f"because {SECRET}", "status": status}
    async with http(Far(status=status), wrong=json.dumps(wrong).encode()) as url:
        channel = SMS.make(url, tmp_path)
        with pytest.raises(kind, match=rf"error {code}: because \*\*\*"):
            await channel.send(PAGE)
        await close([channel])


@pytest.mark.parametrize(("language", "hint"), [("en", "Reply 1"), ("de", "Antwort 1"), ("fr", "Répondez 1")])
async def test_a_text_message(language: str, hint: str, tmp_path: Path) -> None:
    """What is wrong, the link, how to answer, in the person's language; in two segments, whatever the alert says."""
    long = with_text(replace(PAGE, to=replace(ALICE, language=language)), "“Störung” – " * 100)
    body = (await _sent(SMS, tmp_path, long))["Body"]
    assert f"{PAGE.links.incident} {hint} {code_of(INCIDENT.id)}" in body
    assert segments(body) == 2


async def test_nothing_to_answer(tmp_path: Path) -> None:
    """An all-clear asks for nothing, and neither does a test, of which nothing is called back."""
    over = replace(PAGE, message="resolved", incident=OVER)
    assert "Reply" not in (await _sent(SMS, tmp_path, over))["Body"]
    twiml = (await _sent(CALL, tmp_path, over))["Twiml"]
    assert ElementTree.fromstring(twiml).find("Gather") is None
    assert "still open" not in twiml
    for case in (SMS, CALL):
        assert "StatusCallback" not in await _sent(case, tmp_path, replace(PAGE, tested_by="alice"))
        assert "StatusCallback" not in await _sent(case, tmp_path, replace(PAGE, links=Links()))


@pytest.mark.parametrize("text", ["&" * 500, "<" * 500, "x " * 500])
async def test_a_call_fits(text: str, tmp_path: Path) -> None:
    """However much must be escaped, what is said twice fits into one request, and is XML."""
    twiml = (await _sent(CALL, tmp_path, with_text(PAGE, text)))["Twiml"]
    assert len(twiml) <= 4_000
    said = [one.text for one in ElementTree.fromstring(twiml).iter("Say")]
    assert said[0] == said[2]
    assert text[:50] in str(said[0])


async def test_a_number_of_its_own(tmp_path: Path) -> None:
    """A step that names the channel needs `to`."""
    settings = {"account_sid": ACCOUNT, "auth_token_file": secret_file(tmp_path), "from": "Tocsin"}
    channel = build("sms", settings)
    with pytest.raises(ChannelRefused, match="set `to`"):
        await channel.send(replace(PAGE, to=None))
    await close([channel])


async def test_taken_and_not_readable(tmp_path: Path) -> None:
    """Twilio took it, and its answer cannot be read: it has been sent."""
    async with http(Far(), lambda heard: b"<html>") as url:
        channel = SMS.make(url, tmp_path)
        assert (await channel.send(PAGE)).reference == ""
        await close([channel])


async def test_not_taken_and_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails before Twilio has taken it is never told as sent."""

    async def broken(*_: object) -> None:
        raise ValueError("broken")

    channel = SMS.make("http://127.0.0.1:1", tmp_path)
    monkeypatch.setattr(Poster, "post", broken)
    with pytest.raises(ValueError, match="broken"):
        await channel.send(PAGE)
