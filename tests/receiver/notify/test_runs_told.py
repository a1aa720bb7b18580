"""What every message says of runbooks: one sentence a run, whatever state it is in."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from msgspec import structs

from receiver.engine.events import AnyEvent, Resolved
from receiver.engine.incident import Incident, apply
from receiver.engine.plan import Message
from receiver.engine.run_events import RunEnded
from receiver.notify.channel import Recipient
from receiver.notify.runs_told import MOST_AT_WORK, Manner, told
from receiver.notify.speech import LANGUAGES, Speech
from receiver.notify.text import Writer
from receiver.show import incident_story
from receiver.web.shapes import event_json
from tests.receiver.bodies import START
from tests.receiver.notify.cases.case import INCIDENT, PAGE
from tests.receiver.runs import FREE, HAPPENS, PLAN, proposed, story

BY_HAND = ("started", "begins 1", "ends 1", "begins 2", "ends 2")
NOW = START + timedelta(hours=1)


def say(*names: str, language: str = "en", now: datetime = NOW, **other: object) -> list[str]:
    """What is told of an incident to which all this has happened."""
    events = story(*names, **other)  # type: ignore[arg-type]
    incident = Incident("i1")
    for at, event in events:
        incident = apply(incident, event, at)
    return told(incident, events, Manner.plain(Speech.to(Recipient("a", "A", language=language)), now))


SENTENCES = [
    ((), PLAN, "Runbook restart-deployment waits for approval until 03:30:00 UTC to work on shop/checkout."),
    (("approved",), PLAN, "Runbook restart-deployment is about to begin on shop/checkout."),
    ((), FREE, "Runbook restart-deployment is about to begin on shop/checkout."),
    (("started",), FREE, "Runbook restart-deployment is at work on shop/checkout since 03:01:00 UTC: step 1 of 2."),
    (BY_HAND[:4], FREE, "Runbook restart-deployment is at work on shop/checkout since 03:01:00 UTC: step 2 of 2."),
    (
        BY_HAND,
        FREE,
        "Runbook restart-deployment has done its steps on shop/checkout; whether it helped is being looked at.",
    ),
    (
        (*BY_HAND, "in vain"),
        FREE,
        "Runbook restart-deployment did not help shop/checkout and is being rolled back.",
    ),
    (
        (*BY_HAND, "helped", "is succeeded"),
        FREE,
        "Runbook restart-deployment ran on shop/checkout at 03:07:00 UTC, and it helped.",
    ),
    (
        (*BY_HAND, "is succeeded"),  # nothing was verified: nobody says that it helped
        FREE,
        "Runbook restart-deployment ran on shop/checkout at 03:06:00 UTC and succeeded.",
    ),
    (("is dry_run",), FREE, "tried dry on shop/checkout at 03:01:00 UTC: nothing was done."),
    (("is refused",), FREE, "did nothing to shop/checkout: because of refused."),
    (("is rejected",), PLAN, "did nothing to shop/checkout, since it was rejected: because of rejected."),
    (("is expired",), PLAN, "did nothing to shop/checkout, for want of approval: because of expired."),
    (("is cancelled",), PLAN, "did nothing to shop/checkout and was called off: because of cancelled."),
    (("started", "is stopped"), FREE, "was stopped on shop/checkout at 03:02:00 UTC, before its end: people are need"),
    (("started", "is failed"), FREE, "failed on shop/checkout at 03:02:00 UTC: people are needed (because of failed)."),
    (("started", "is rolled_back"), FREE, "and was rolled back at 03:02:00 UTC: people are needed (because of rolled"),
    (("started", "is unknown"), FREE, "Nobody knows what runbook restart-deployment did to shop/checkout, at 03:02:00"),
]


@pytest.mark.parametrize(("names", "plan", "expected"), SENTENCES)
def test_sentences(names: tuple[str, ...], plan: object, expected: str) -> None:
    """Each state and each outcome has its own sentence."""
    (sentence,) = say(*names, plan=plan)
    assert expected in sentence


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_sentence(language: str) -> None:
    """No state is without words in any language; the runbook and its target stand in all of them."""
    for names, plan, _ in SENTENCES:
        (sentence,) = say(*names, plan=plan, language=language)
        assert "restart-deployment" in sentence
        assert "shop/checkout" in sentence
        assert sentence.endswith(".")


def test_yesterday_has_its_date() -> None:
    """A time that is not of today is told with its date."""
    (sentence,) = say("started", "is stopped", plan=FREE, now=START + timedelta(days=3))
    assert "at 2026-11-21 03:02:00 UTC" in sentence


def test_bounded() -> None:
    """Of many runs the newest that did something is told, and a few of those that are not over."""
    incident, events = Incident("i1"), list[tuple[datetime, AnyEvent]]()

    def happens(event: AnyEvent) -> None:
        nonlocal incident
        at = START + timedelta(seconds=len(events))
        incident = apply(incident, event, at)
        events.append((at, event))

    for number in range(30):
        happens(proposed(structs.replace(PLAN, target=f"t{number}"), run=f"r{number}"))
    for number, outcome in ((0, "failed"), (1, "succeeded"), (2, "refused")):
        happens(RunEnded(f"r{number}", outcome))  # type: ignore[arg-type]
    said = told(incident, events, Manner.plain(Speech.to(None), START))
    assert len(said) == 1 + MOST_AT_WORK
    assert "ran on t1 " in said[0]
    assert [one.rpartition(" on ")[2] for one in said[1:]] == ["t27.", "t28.", "t29."]


def test_nothing_is_said_of_nothing() -> None:
    """An incident without runs says nothing of runbooks."""
    assert told(INCIDENT, (), Manner.plain(Speech.to(None), START)) == []


MESSAGES: list[Message] = ["page", "update", "resolved", "reopened", "sla", "handover"]


@pytest.mark.parametrize("message", MESSAGES)
def test_every_message_says_so(message: Message) -> None:
    """Each message of an incident names the repair once, in all its shapes."""
    events: list[tuple[datetime, AnyEvent]] = [*story(*BY_HAND, "helped", "is succeeded", plan=FREE)]
    incident = INCIDENT
    if message == "resolved":
        events.append((NOW, Resolved("alertmanager", "every alert has resolved")))
    for at, event in events:
        incident = apply(incident, event, at)
    text = Writer().write(replace(PAGE, message=message, incident=incident, story=events, sent_at=NOW))
    sentence = "Runbook restart-deployment ran on shop/checkout at 04:07:00 CET, and it helped."
    for shape in (text.body, text.html, text.short, text.spoken):
        assert shape.count(sentence) == 1


def test_an_update_begins_with_the_run() -> None:
    """What followed last comes first: a run that has begun."""
    events = story("approved", "started")
    incident = INCIDENT
    for at, event in events:
        incident = apply(incident, event, at)
    lines = Writer().write(replace(PAGE, message="update", incident=incident, story=events)).body.splitlines()
    assert lines[2].startswith("Runbook restart-deployment is at work on shop/checkout")


def test_outside_text_stays_text() -> None:
    """A label that became a target writes no markup, no line and no mention."""
    plan = structs.replace(FREE, target="<!channel>\n<a href='https://evil.example'>x</a>")
    incident = INCIDENT
    for at, event in story("started", plan=plan):
        incident = apply(incident, event, at)
    text = Writer().write(replace(PAGE, incident=incident))
    assert "<a href='https://evil" not in text.html
    assert "\n<a" not in text.body


def test_show_tells_runs() -> None:
    """`tocsin incidents show` tells runs above the story, and a line for each thing that happened to one."""
    events = story(*BY_HAND, "in vain", "undoes 2", "undone 2", "undoes 1", "not undone 1", "is failed", plan=FREE)
    incident = {
        "id": "i1", "title": "T", "storm": False, "severity": "critical", "status": "open", "firing": 1, "alerts": 1,
        "tenant": "default", "merged_into": None, "remediation": ["Runbook x ran."], "alert_list": [],
        "tree": {"storm": False, "branches": [], "noise": [], "services": {}, "more_services": 0, "more_alerts": 0,
                 "more_kinds": 0, "unread": 0},
        "timeline": [event_json(at, event) for at, event in events],
    }  # fmt: skip
    shown = incident_story(incident)
    assert "Runbooks (UTC)\n  Runbook x ran." in shown
    for line in (
        "runbook restart-deployment for shop/checkout: run r7kq2mzd",
        "run r7kq2mzd begins: ready: 2",
        "run r7kq2mzd: step 1 begins (before it: image checkout:1)",
        "run r7kq2mzd: step 2 (scale): done",
        "run r7kq2mzd DID NOT HELP: ready: 0",
        "run r7kq2mzd: the rollback of step 1 (undo): FAILED (gone)",
        "runbook restart-deployment on shop/checkout, run r7kq2mzd: FAILED (because of failed)",
    ):
        assert line in shown


def test_fixture_is_whole() -> None:
    """The tables of this folder know every event of a run that can happen to one."""
    assert {type(event).__name__ for event in HAPPENS.values()} == {
        "RunApproved", "RunRejected", "RunStarted", "RunStepBegan", "RunStepEnded", "RunVerified", "RunEnded",
    }  # fmt: skip
