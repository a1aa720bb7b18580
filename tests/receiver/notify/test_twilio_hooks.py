"""What Twilio calls back: deliveries, replies, keys. Signed, once, by whoever's telephone it is."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest

from receiver.notify.phone_words import LANGUAGES, WORDS, code_of
from receiver.web.twilio_signature import signed
from tests.receiver.notify.hooked import EXTERNAL, Hooked, hooked

ALICE_THEN_BOB = (("0s", ["user:alice"]), ("10m", ["user:bob"]))


def gathers(twiml: str) -> list[str]:
    """Where the keys of a call go."""
    return [gather.attrib["action"] for gather in ElementTree.fromstring(twiml).findall("Gather")]


async def test_undelivered_goes_by_the_next_way(tmp_path: Path) -> None:
    """A text message that does not arrive becomes a call at once, though that was to come in five minutes; once."""
    async with hooked(tmp_path, *ALICE_THEN_BOB) as at:
        incident = await at.open()
        (sms,) = at.forms()
        for _ in range(2):  # Twilio repeats itself
            status, _ = await at.calls_back(sms["StatusCallback"], MessageStatus="undelivered", ErrorCode="30003")
            assert status == 204
        assert ["Twiml" in form for form in at.forms()] == [False, True]
        failed = [one for one in (await at.incident(incident))["timeline"] if one["kind"] == "message_failed"]
        assert [one["reason"] for one in failed] == ["Twilio says undelivered, error 30003"]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"MessageStatus": "delivered"}, "message_delivered"),
        ({"MessageStatus": "sent"}, ""),
        ({"CallStatus": "ringing"}, ""),
        ({"CallStatus": "completed"}, "message_delivered"),
        ({"CallStatus": "no-answer"}, "message_failed"),
        ({"CallStatus": "busy"}, "message_failed"),
        ({"AnsweredBy": "machine_start"}, "message_failed"),
        ({"CallStatus": "completed", "AnsweredBy": "machine_end_beep"}, "message_failed"),
        ({"CallStatus": "completed", "AnsweredBy": "human"}, "message_delivered"),
        ({"AnsweredBy": "unknown"}, ""),
    ],
)
async def test_statuses(said: dict[str, str], kind: str, tmp_path: Path) -> None:
    """Each status is an arrival, a failure, or nothing yet; a machine that answers is nobody who was reached."""
    async with hooked(tmp_path, *ALICE_THEN_BOB) as at:
        incident = await at.open()
        assert (await at.calls_back(at.forms()[0]["StatusCallback"], **said))[0] == 204
        became = [one for one in await at.tocsin.story(incident) if one in ("message_delivered", "message_failed")]
        assert became == ([kind] if kind else [])


async def test_reply_acknowledges(tmp_path: Path) -> None:
    """`1` and the incident's number: it is theirs. Whoever is later is told who was first."""
    async with hooked(tmp_path, ("0s", ["user:alice", "user:bob"])) as at:
        incident = await at.open()
        hint = f"Reply 1 {code_of(incident)}"
        assert hint in at.forms()[0]["Body"]
        assert "Thank you. It is yours: HighLatency is up" in await at.reply(f" 1  {code_of(incident)} ")
        told = await at.incident(incident)
        assert (told["acknowledged_by"], told["status"]) == ("alice", "acknowledged")
        again = await at.reply(f"1 {code_of(incident)}", number="+4930123457")
        assert "Nichts geändert: already acknowledged by alice" in again
        assert (await at.tocsin.story(incident)).count("acknowledged") == 1


async def test_replies_that_do_nothing(tmp_path: Path) -> None:
    """A stranger, a number that is none of theirs, a text that says nothing: each is told, and nothing changes."""
    async with hooked(tmp_path, *ALICE_THEN_BOB) as at:
        incident = await at.open()
        code = code_of(incident)
        assert "I do not know this number" in await at.reply(f"1 {code}", number="+4930999999")
        assert "<Message>" not in await at.reply(f"1 {code}", number="+4930999999")  # told once an hour
        assert f"hat die Nummer {code}" in await at.reply(f"1 {code}", number="+4930123457")  # bob was not told of it
        assert "No open incident of yours has the number 12" in await at.reply("1 12")
        assert "Reply 1 and the" in await at.reply("what is this?")
        assert (await at.incident(incident))["status"] == "open"
        said = [await at.reply("I am driving") for _ in range(6)]  # a machine that answers every message
        assert "<Message>" not in said[-1]


async def test_without_a_number(tmp_path: Path) -> None:
    """One incident that is open needs no number; of several the numbers are told."""
    async with hooked(tmp_path, *ALICE_THEN_BOB) as at:
        assert "no incident that is open" in await at.reply("1")
        first = await at.open("First")
        assert "It is yours" in await at.reply("ok")
        second, third = await at.open("Second"), await at.open("Third")
        said = await at.reply("1")
        assert code_of(second) in said
        assert code_of(third) in said
        assert code_of(first) not in said
        assert "It is closed" in await at.reply(f"3 {second}")
        assert (await at.incident(second))["status"] == "resolved"


async def test_a_reply_twice(tmp_path: Path) -> None:
    """The same message again is the same message: it escalates once."""
    async with hooked(tmp_path, *ALICE_THEN_BOB) as at:
        incident = await at.open()
        said = {"From": "+4930123456", "Body": f"2 {code_of(incident)}", "MessageSid": "SM1"}
        url = f"{EXTERNAL}/api/v2/hooks/twilio/sms/replies"
        assert "Somebody else is being told" in (await at.calls_back(url, **said))[1]
        assert "<Message>" not in (await at.calls_back(url, **said))[1]
        assert (await at.tocsin.story(incident)).count("escalation_forced") == 1


async def _called(at: Hooked) -> tuple[str, str]:
    """The incident that alice is called about, and where her keys go."""
    incident = await at.open()
    await at.tocsin.advance(minutes=5)
    twiml = at.forms()[-1]["Twiml"]
    first, second = gathers(twiml)
    assert first == second  # it is said twice
    return incident, first


async def test_keys(tmp_path: Path) -> None:
    """1 acknowledges; any other key, none, or a machine's, leaves it open."""
    async with hooked(tmp_path, *ALICE_THEN_BOB) as at:
        incident, keys = await _called(at)
        assert "still open" in (await at.calls_back(keys, Digits="7"))[1]
        await at.calls_back(keys, Digits="1", AnsweredBy="machine_start")
        assert (await at.incident(incident))["status"] == "open"
        status, said = await at.calls_back(keys, Digits="1", To="+4930123456")
        assert (status, ElementTree.fromstring(said)[0].text) == (200, "Thank you. It is yours: HighLatency is up")
        told = await at.incident(incident)
        assert told["acknowledged_by"] == "alice"
        assert next(one for one in told["timeline"] if one["kind"] == "acknowledged")["via"] == "call"


async def test_two_escalates_once(tmp_path: Path) -> None:
    """2 brings the next step; the same key again, of the same call, does not bring the one after it."""
    async with hooked(tmp_path, *ALICE_THEN_BOB, ("1h", ["user:vera"])) as at:
        incident, keys = await _called(at)
        for _ in range(2):
            await at.calls_back(keys, Digits="2")
        assert (await at.tocsin.story(incident)).count("escalation_forced") == 1


async def test_keys_of_long_ago(tmp_path: Path) -> None:
    """A call is answered while it lasts: what was recorded and is played again later does nothing."""
    async with hooked(tmp_path, *ALICE_THEN_BOB) as at:
        incident, keys = await _called(at)
        await at.tocsin.advance(hours=3)
        await at.calls_back(keys, Digits="1")
        assert (await at.incident(incident))["status"] == "open"


async def test_forged(tmp_path: Path) -> None:
    """Another token, another URL, another field: nothing is believed. No such channel, no URL of ours: 404."""
    async with hooked(tmp_path, *ALICE_THEN_BOB) as at:
        incident = await at.open()
        url = at.forms()[0]["StatusCallback"]
        assert (await at.calls_back(url, token="wrong", MessageStatus="failed"))[0] == 403
        assert (await at.calls_back(url.replace("alice", "bob"), signed_for=url, MessageStatus="failed"))[0] == 403
        path = url.removeprefix(EXTERNAL)
        assert (await at.tocsin.client.post(path, data={"MessageStatus": "failed"})).status == 403
        other = url.replace("/twilio/sms/", "/twilio/pd/")
        assert (await at.calls_back(other, MessageStatus="failed"))[0] == 404
        at.tocsin.receiver.doors.callbacks.configure(at.channels, "")
        assert (await at.calls_back(url, MessageStatus="failed"))[0] == 404
        assert "message_failed" not in await at.tocsin.story(incident)


@pytest.mark.parametrize("written", ["https://h.example/p?a=1", "https://h.example:443/p?a=1"])
def test_port_or_none(written: str) -> None:
    """Twilio signs a URL with its port or without."""
    from twilio.request_validator import RequestValidator

    given = RequestValidator("t").compute_signature(written, {"b": "2", "a": "ü"})
    assert signed("t", "https://h.example/p?a=1", [("b", "2"), ("a", "ü")], given)
    assert not signed("t", "https://h.example/p?a=2", [("b", "2"), ("a", "ü")], given)
    assert not signed("t", "https://h.example/p?a=1", [("b", "2")], given)
    assert not signed("t", "https://h.example/p?a=1", [("b", "2")], "ä")


def test_every_language_says_everything() -> None:
    """The three languages have the same sentences, with the same gaps."""
    for language in LANGUAGES:
        assert WORDS[language].keys() == WORDS["en"].keys()
        for name, said in WORDS[language].items():
            assert said.count("{") == WORDS["en"][name].count("{")


async def test_what_is_called_back_names_the_message(tmp_path: Path) -> None:
    """The URL holds the incident, the key, the person and the round: what comes back belongs to one message."""
    async with hooked(tmp_path, *ALICE_THEN_BOB) as at:
        incident = await at.open()
        parts = urlsplit(at.forms()[0]["StatusCallback"])
        assert parts.path == "/base/api/v2/hooks/twilio/sms/status"
        about = {name: value[0] for name, value in parse_qs(parts.query).items()}
        assert (about["incident"], about["person"], about["key"]) == (incident, "alice", f"{incident}/page/0/sms/alice")
