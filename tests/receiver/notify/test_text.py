"""The words of messages: three languages, five shapes, every message."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from string import Formatter
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from receiver.engine.events import (
    Acknowledged,
    AnyEvent,
    Commented,
    Escalated,
    EscalationForced,
    MergedInto,
    Reassigned,
    SeverityRaised,
    SlaBroken,
    SlaWarned,
    Snoozed,
    SnoozeEnded,
)
from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.plan import Escalation, Message
from receiver.notify.channel import Links, Recipient
from receiver.notify.sample import BEGAN, sample
from receiver.notify.short import fit, fits
from receiver.notify.speech import LANGUAGES, Speech
from receiver.notify.text import Text, Writer
from tests.receiver.bodies import START
from tests.receiver.test_notify import INCIDENT, PAGE
from tocsin.model import Severity

MESSAGES: tuple[Message, ...] = get_args(Message)
ENGLISH = LANGUAGES["en"]
REASONS = (
    "the policy names this channel",
    "the policy names them",
    "on call for primary until 2026-11-21 09:00 CET",
    "of the team web, knows mysql, with the fewest open incidents (2)",
    "knows mysql, whose turn it is; quiet hours until 07:00 CET",
    "the shift of bob ended",
)


def written(message: Message, language: str = "en", **changes: Any) -> Text:
    return Writer().write(replace(sample(message, language), **changes))


@pytest.mark.parametrize("language", [name for name in LANGUAGES if name != "en"])
def test_languages_are_whole(language: str) -> None:
    """Each language has every word, filled with the same names and figures."""
    words = LANGUAGES[language]

    def places(sentence: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(sentence) if name}

    assert {key: places(text) for key, text in words.sentences.items()} == {
        key: places(text) for key, text in ENGLISH.sentences.items()
    }
    for field in ("severities", "marks", "nouns", "ago"):
        assert getattr(words, field).keys() == getattr(ENGLISH, field).keys()
    same = {key for key, text in words.sentences.items() if text == ENGLISH.sentences[key] and places(text) != set()}
    assert not same


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message", MESSAGES)
def test_every_message_in_every_language(message: Message, language: str) -> None:
    """Each message has all five shapes; time zone, cause, runbook, reason and ways to answer stand in it."""
    text = written(message, language)
    assert text.subject.startswith("[")
    assert "7 % of the player's requests fail" in text.subject
    for shape in (text.body, text.html):
        assert "Europe/Paris" in shape
        assert "k3f9x2abcd" in shape
        assert ("https://runbooks.example.org/db" in shape) == (message not in ("resolved", "approval"))
        assert ("https://tocsin.example.org/answer/abc" in shape) == (message not in ("resolved", "approval"))
        assert ("DatabaseDown" in shape) == (message != "resolved")
    assert f'<html lang="{language}">' in text.html
    assert fits(text.short)
    assert "http" not in text.spoken
    assert "k3f9x2abcd" not in text.spoken


@pytest.mark.parametrize(
    ("language", "subject", "says"),
    [
        ("en", "[CRITICAL] ", ["CRITICAL, 12 of 12 alerts firing. Opened 2026-11-21 04:00:00 CET.", "step 2 of 3"]),
        (
            "de",
            "[KRITISCH] ",
            ["12 von 12 Alarmen aktiv. Begonnen 21.11.2026 04:00:00 CET.", "Stufe 2 von 3"],
        ),
        (
            "fr",
            "[CRITIQUE] ",
            ["12 sur 12 alertes en cours. Début : 21/11/2026 04:00:00 CET.", "étape 2 sur 3"],
        ),
    ],
)
def test_a_page_reads_well(language: str, subject: str, says: list[str]) -> None:
    """A page says how bad it is, since when in the reader's time, for whom, and which step this is."""
    text = written("page", language)
    assert text.subject.startswith(subject)
    for said in (*says, "db, player, web", "acme", "2 × DatabaseDown", "player 7, web 3", "[", "Disk is full"):
        assert said in text.body


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "Every alert has resolved, 2026-11-21 04:12:00 CET."),
        ({"expired": 2}, "No alert fires any more, 2 of them expired (nobody said that they ended;"),
        ({"firing": 3, "resolved_by": "bob"}, "3 of its alerts still fire; bob closed it, 2026-11-21 04:12:00 CET."),
        ({}, "It was opened 2026-11-21 04:00:00 CET and lasted 12 minutes."),
        ({}, "Nobody had acknowledged it."),
        ({"acknowledged_at": BEGAN, "acknowledged_by": "bob"}, "It was acknowledged by bob, 2026-11-21 04:00:00 CET."),
    ],
)
def test_all_clear_reads_well(changes: dict[str, Any], says: str) -> None:
    """The all-clear says what is over and how, how long it lasted, and who had it."""
    end = sample("resolved")
    assert says in Writer().write(replace(end, incident=structs.replace(end.incident, **changes))).body


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (
            SlaWarned("acknowledge", START + timedelta(minutes=90)),
            "must acknowledge it by 2026-11-21 04:30:00 UTC: 1 hour 30 minutes left.",
        ),
        (
            SlaWarned("resolve", START + timedelta(days=1, seconds=1)),
            "It must be resolved by 2026-11-22 03:00:01 UTC: 1 day left.",
        ),
        (SlaBroken("acknowledge", START), "by which somebody was to acknowledge it: 2026-11-21 03:00:00 UTC."),
        (SlaBroken("resolve", START), "by which it was to be resolved: 2026-11-21 03:00:00 UTC."),
    ],
)
def test_sla_reads_well(event: AnyEvent, says: str) -> None:
    """Which promise, until when, and how much time is left."""
    text = Writer().write(replace(PAGE, message="sla", story=[(START, event)]))
    assert says in text.body
    assert "Nobody has it yet." in text.body


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (Acknowledged("bob"), "bob has it."),
        (Snoozed("bob", START + timedelta(hours=1)), "bob has it; it sleeps until 2026-11-21 04:00:00 UTC."),
        (SnoozeEnded("over"), "It sleeps no longer: nobody has it."),
        (Reassigned("user:carol", "bob", timedelta()), "bob gave it to carol."),
        (EscalationForced("bob"), "bob asked for the next step of the escalation."),
        (SeverityRaised(Severity.WARNING, "r"), "It is warning now."),
        (Commented("bob", "disk\nis {full}"), "bob says: disk is {full}"),
        (MergedInto("abc", "r"), "It goes on as part of abc."),
        (Escalated(0, (), "r"), "Step 1 of 1 of the escalation was taken."),
    ],
)
def test_an_update_says_what_changed(event: AnyEvent, says: str) -> None:
    """The newest thing that people follow comes first."""
    assert says in Writer().write(replace(PAGE, message="update", story=[(START, event)])).body


def test_who_is_asked_again() -> None:
    """Somebody who is asked for the second time, or whom it was given to, is told so."""
    again = structs.replace(INCIDENT, repeats=1, plan=Escalation(repeat=3), assigned_to="user:bob")
    text = Writer().write(replace(PAGE, incident=again)).body
    assert "everybody is asked again, 1 of 3." in text
    assert "It has been given to bob." in text


def test_a_hand_over_says_who_has_it() -> None:
    """Who comes on duty learns that it is not over and who has it."""
    had = structs.replace(INCIDENT, status=IncidentStatus.ACKNOWLEDGED, acknowledged_at=START, acknowledged_by="bob")
    text = Writer().write(replace(PAGE, message="handover", incident=had)).body
    assert "You come on duty, and this is not over." in text
    assert "bob has it, since 2026-11-21 03:00:00 UTC." in text


def test_a_bundle_tells_all() -> None:
    """What else is open stands in the same message, counted in the subject; twenty are named, more are counted."""
    other = [Incident(id=f"other{number}", title=f"Disk {number} is full") for number in range(25)]
    text = Writer().write(replace(PAGE, also=other))
    assert text.subject == "[CRITICAL] PlayerErrors is up (and 25 other incidents)"
    assert text.body.count("Disk") == 20
    assert "\nand 5 more\n" in text.body
    assert "And 25 other incidents." in text.spoken


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", REASONS)
def test_reasons_are_told_in_the_readers_language(language: str, reason: str) -> None:
    """Why somebody is told is in their language; names and times stay."""
    said = Speech.to(Recipient("a", "A", language=language)).reason(reason)
    assert (said == reason) == (language == "en")
    for kept in re.findall(r"primary|web|mysql|bob|\d\d:\d\d CET|\(2\)", reason):
        assert kept in said
    if language != "en":
        assert not re.search(r"\b(the|with|until|knows|whose)\b", said)


def test_a_reason_that_nobody_knows_stays() -> None:
    """Words that are not known are told as they are."""
    assert Speech.to(Recipient("a", "A", language="de")).reason("because {0} said so") == "because {0} said so"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_test_says_so(language: str) -> None:
    """A test is marked in all five shapes, and asks for nothing."""
    text = written("page", language, tested_by="alice")
    assert text.subject.startswith("[TEST]")
    for shape in (text.body, text.html, text.short, text.spoken):
        assert "test" in shape.lower()
    assert "tocsin incidents ack" not in text.body
    assert "answer/abc" not in text.html + text.body + text.short


@pytest.mark.parametrize(
    ("zone", "language", "says"),
    [
        ("Asia/Tokyo", "en", "2026-11-21 12:00:00 JST"),
        ("America/Sao_Paulo", "fr", "21/11/2026 00:00:00 UTC-03"),
        ("Asia/Kathmandu", "de", "21.11.2026 08:45:00 UTC+0545"),
        ("UTC", "de", "21.11.2026 03:00:00 UTC"),
    ],
)
def test_times_have_their_zone(zone: str, language: str, says: str) -> None:
    """A time is local to the reader and names its zone, by its offset where it has no name."""
    assert Speech.to(Recipient("a", "A", "", language, zone)).time(START) == says


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (0, ("0 seconds", "0 Sekunden", "0 seconde")),
        (61, ("1 minute 1 second", "1 Minute 1 Sekunde", "1 minute 1 seconde")),
        (3 * 3600 + 59, ("3 hours", "3 Stunden", "3 heures")),
        (2 * 86400 + 3600, ("2 days 1 hour", "2 Tage 1 Stunde", "2 jours 1 heure")),
    ],
)
def test_durations(seconds: int, says: tuple[str, ...]) -> None:
    """Two units at most, in the language's own plurals."""
    spoken = [Speech.to(Recipient("a", "A", language=name)).lasted(timedelta(seconds=seconds)) for name in LANGUAGES]
    assert tuple(spoken) == tuple(says[["en", "de", "fr"].index(name)] for name in LANGUAGES)


def test_ago_bends() -> None:
    """German bends its days after "vor"."""
    ago = [Speech.to(Recipient("a", "A", language=name)).ago(timedelta(days=2)) for name in ("en", "de", "fr")]
    assert ago == ["2 days ago", "vor 2 Tagen", "il y a 2 jours"]


@given(
    st.lists(st.text(max_size=600), min_size=1, max_size=4), st.sampled_from(["", "https://t.example.org/answer/abc"])
)
def test_short_fits(parts: list[str], tail: str) -> None:
    """Whatever the parts are, two segments hold them, on one line, and the link to answer stands whole at the end."""
    said = fit(parts, tail)
    assert fits(said)
    assert said.endswith(tail)
    assert "\n" not in said


@pytest.mark.parametrize(("letter", "most"), [("a", 306), ("€", 153), ("ê", 134), ("😀", 67)])
def test_segments(letter: str, most: int) -> None:
    """Two segments are 306 letters of the GSM alphabet, half as many of its extension, 134 units of anything else."""
    assert fits(letter * most)
    assert not fits(letter * (most + 1))


def test_short_keeps_what_matters() -> None:
    """A title that is too long is cut; the link to answer is not."""
    long = structs.replace(INCIDENT, title="ж" * 5000)
    text = Writer().write(replace(PAGE, incident=long, links=Links("", "https://t.example.org/answer/" + "a" * 50)))
    assert text.short.endswith("a" * 50)
    assert "жжж" in text.short
    assert fits(text.short)
