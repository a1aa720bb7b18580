"""Messages about a run: what people are asked to agree with, and what has been done in their name."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from receiver.engine.consequences import effects
from receiver.engine.effects import Send
from receiver.engine.events import AnyEvent, Resolved
from receiver.engine.incident import Incident, apply
from receiver.engine.plan import Contact
from receiver.engine.policy import step
from receiver.engine.run_events import Observed, RunStepEnded
from receiver.engine.runs_planned import Action, ApprovalTerms, PlannedStep
from receiver.engine.wanted import still_wanted
from receiver.notify.channel import ChannelRefused, Envelope
from receiver.notify.pagerduty import PagerDutyChannel, PagerDutySettings
from receiver.notify.run_message import MOST_LINES
from receiver.notify.sms import segments
from receiver.notify.teams import message as card
from receiver.notify.text import Writer
from receiver.notify.webhook import WebhookChannel, WebhookSettings
from tests.receiver.bodies import START
from tests.receiver.notify.cases.case import INCIDENT, PAGE
from tests.receiver.runs import FREE, PLAN, READY, RUN, proposed, story

DONE = ("started", "begins 1", "ends 1", "begins 2")
Story = list[tuple[datetime, AnyEvent]]


def about(kind: str, events: Story, *, step: str = "", **changes: Any) -> Envelope:
    """A message about the run to which this happened."""
    incident = structs.replace(INCIDENT, runs=())
    for at, event in events:
        incident = apply(incident, event, at)
    told: Any = {"message": kind, "story": events, "sent_at": START + timedelta(hours=1), "about": f"{RUN}{step}"}
    return replace(PAGE, incident=incident, **(told | changes))


def asked(**plan: Any) -> Envelope:
    return about("approval", [*story(plan=structs.replace(PLAN, **plan))])


def test_an_approval_says_all_that_is_agreed_with() -> None:
    """Which runbook, on what, why, every step and what takes it back, guards, who, until when, and the exact plan."""
    events: Story = [(START, structs.replace(proposed(by="carol"), observed=(Observed("ready", READY.expr, True, 2),)))]
    text = Writer().write(about("approval", events))
    assert text.subject == "[APPROVAL] restart-deployment on shop/checkout: PlayerErrors is up"
    for said in (
        "May runbook restart-deployment work on shop/checkout? It waits for an answer until 04:30:00 CET",
        "It is for KubePodCrashLooping: its matchers fit KubePodCrashLooping.",
        "carol asked for it, and cannot approve it alone.",
        "It takes 1 approval by people with the role sre.",
        "1. restart deployment shop/checkout (taken back by: undo the rollout of deployment shop/checkout)",
        "2. scale deployment shop/checkout from 2 to 4 (taken back by: scale deployment shop/checkout back)",
        'ready: kube_deployment_status_replicas_ready{deployment="checkout"} ≥ 1 (now 2)',
        f"Plan: {PLAN.hash}",
        f"Approve: tocsin runbooks approvals approve {RUN} --plan {PLAN.hash}\n",
        f"Reject: tocsin runbooks approvals reject {RUN}\n",
    ):
        assert said in text.body
    assert PLAN.hash in text.html
    assert "tocsin incidents ack" not in text.body  # to have it is another answer


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        ({"approval": ApprovalTerms(count=3)}, "It takes 3 approvals by people who may approve runbooks."),
        ({"steps": (PlannedStep(PLAN.steps[0].action),)}, "1. restart deployment shop/checkout (cannot be taken back)"),
        ({"alert_name": "Other"}, "It is for Other: its matchers fit"),
    ],
)
def test_terms(plan: dict[str, Any], says: str) -> None:
    """How many, by whom, and that something cannot be taken back."""
    assert says in Writer().write(asked(**plan)).body


def test_who_has_agreed() -> None:
    """Who is asked second sees who was first."""
    two = structs.replace(PLAN, approval=ApprovalTerms(count=2))
    assert "So far: alice." in Writer().write(about("approval", [*story("approved", plan=two)])).body


def test_no_step_is_left_out() -> None:
    """However many steps a runbook may have, each is told to whoever is to agree."""
    steps = tuple(PlannedStep(Action("exec", f"s{n}", f"do {n} " + "x" * 200)) for n in range(MOST_LINES))
    text = Writer().write(asked(steps=steps))
    assert all(f"{n + 1}. do {n} " in text.body for n in range(MOST_LINES))


OUTCOMES = [
    (
        (*DONE, "fails 2", "undoes 1", "undone 1", "is rolled_back"),
        [
            "did not help shop/checkout and was rolled back at 04:08:00 CET: people are needed",
            "Look at shop/checkout: not all that was done could be taken back.",
            "1. restart deployment shop/checkout: done",
            "2. scale deployment shop/checkout from 2 to 4: FAILED (no quota)",
            "1. rolled back: undo the rollout of deployment shop/checkout: done",
        ],
    ),
    (
        (*DONE, "ends 2", "in vain", "undoes 2", "undone 2", "undoes 1", "undone 1", "is rolled_back"),
        ["shop/checkout should be as it was before: mend it by hand."],
    ),
    (
        ("started", "begins 1", "is lost 1", "is unknown"),
        [
            "Nobody knows what runbook restart-deployment did to shop/checkout",
            "before you do anything: the step may have been done, and it is not repeated.",
            "1. restart deployment shop/checkout: NOBODY KNOWS whether it was done (the worker died)",
            "2. scale deployment shop/checkout from 2 to 4: not begun",
        ],
    ),
    (
        (*DONE, "is stopped"),
        ["was stopped on shop/checkout", "Look at shop/checkout: what was done has not been", "2. scale deployment"],
    ),
    (
        ("started", "begins 1", "fails 1", "undoes 1", "not undone 1", "is failed"),
        ["and mend it by hand: nothing more", "1. rolled back: undo the rollout of deployment shop/checkout: FAILED"],
    ),
]


@pytest.mark.parametrize(("names", "says"), OUTCOMES)
def test_what_a_run_has_done(names: tuple[str, ...], says: list[str]) -> None:
    """The outcome, what to do now, and each step with how it ended; what was taken back, after it."""
    text = Writer().write(about("remediation", [*story(*names, plan=FREE)]))
    for said in says:
        assert said in text.body
    assert "tocsin incidents ack k3f9x2abcd" in text.body


def test_a_story_that_has_lost_its_beginning() -> None:
    """Where the proposal is too long ago to be at hand, steps are told by their names, and nothing breaks."""
    envelope = about("remediation", [*story(*DONE, "fails 2", "undoes 1", "undone 1", "is rolled_back", plan=FREE)])
    text = Writer().write(replace(envelope, story=envelope.story[-4:], story_from=5))
    assert "2. scale: FAILED (no quota)" in text.body
    assert "1. rolled back: undo: done" in text.body
    assert "restart-deployment" in Writer().write(replace(envelope, story=())).subject


def test_what_a_step_says() -> None:
    """A step of kind notify says its text, on one line, and whose it is."""
    notify = Action("notify", "tell", "tell ops", {"to": ["user:alice"], "text": "Cache of <b>shop</b>\nis cold now"})
    plan = structs.replace(FREE, steps=(PlannedStep(notify),))
    events: Story = [*story("started", "begins 1", plan=plan)]
    events.append((START, RunStepEnded(RUN, 0, "succeeded")))
    text = Writer().write(about("remediation", events, step="/0"))
    assert text.body.splitlines()[2:4] == [
        "Cache of <b>shop</b> is cold now",
        "Runbook restart-deployment says this about shop/checkout.",
    ]
    assert "<b>shop" not in text.html
    assert "Cache of" in text.short
    assert "Cache of" in text.spoken


@pytest.mark.parametrize("kind", ["approval", "remediation"])
def test_a_run_that_is_unknown(kind: str) -> None:
    """A message about no run says so: a preview of an incident that has none."""
    text = Writer().write(replace(PAGE, message=kind, about="gone"))  # type: ignore[arg-type]
    assert "No runbook has run for this incident." in text.body


def test_short_ones_fit() -> None:
    """The question stands in a short text, however long names are."""
    text = Writer().write(asked(target="t" * 500, runbook="r" * 60))
    assert segments(text.short) <= 2
    assert text.spoken.startswith("This is Tocsin. Approval: PlayerErrors is up. May runbook rrrr")


def test_pagerduty_is_told_of_what_is_open_there() -> None:
    """A run is told on an incident that PagerDuty has; what nobody there was paged for opens nothing."""
    channel = PagerDutyChannel(PagerDutySettings(routing_key_file="x"), Writer())
    (event,) = channel._events(replace(asked(), reference="k3f9x2abcd"))
    assert event["event_action"] == "trigger"
    assert (
        f"tocsin runbooks approvals approve {RUN} --plan {PLAN.hash}" in event["payload"]["custom_details"]["runbooks"]
    )
    assert channel._events(asked()) == []


async def test_pagerduty_is_no_way_to_ask() -> None:
    """A question that nobody would see has failed, loudly."""
    channel = PagerDutyChannel(PagerDutySettings(routing_key_file="x"), Writer())
    with pytest.raises(ChannelRefused, match="name people instead"):
        await channel.send(asked())
    assert (await channel.send(replace(asked(), message="remediation"))).skipped


def test_webhooks_get_data() -> None:
    """A program gets the run as data, and every message the sentences about runbooks."""
    channel = WebhookChannel(WebhookSettings.model_validate({"url": "http://127.0.0.1:1"}), Writer())
    run: Any = channel._payload(asked())["run"]
    assert (run["id"], run["plan_hash"], run["approvals"]) == (RUN, PLAN.hash, {"role": "sre", "count": 1})
    page = channel._payload(about("page", [*story()]))
    assert (page["run"], len(page["runs"])) == (None, 1)  # type: ignore[arg-type]


def test_a_card_tells_it_all() -> None:
    """In Teams the question is whole, with the commands: a webhook has no buttons that answer."""
    told = str(card(asked(), "subject", 0))
    for said in ("May runbook restart-deployment", "What would be done", f"approve {RUN} --plan {PLAN.hash}"):
        assert said in told


def test_who_is_asked_and_told() -> None:
    """A proposal asks its contacts, a step tells its own, an end that needs people tells whoever was told."""
    mail, chat = Contact("mail", "alice", reason="has the role sre"), Contact("chat", follows=True)
    begun = structs.replace(INCIDENT, told=frozenset({"sms/bob", "chat"}), followers=frozenset({"chat"}))
    first = step(begun, proposed(PLAN, mail, chat), START)
    sends = [one for one in first.effects if isinstance(one, Send) and one.message == "approval"]
    assert [(one.key, one.about, one.reason) for one in sends] == [
        (f"k3f9x2abcd/approval/{RUN}/mail/alice", RUN, "has the role sre"),
        (f"k3f9x2abcd/approval/{RUN}/chat", RUN, ""),
    ]
    said = RunStepEnded(RUN, 1, "succeeded", contacts=(mail,))
    (told,) = [one for one in effects(first.incident, first.incident, (said,), START) if isinstance(one, Send)]
    assert (told.message, told.about) == ("remediation", f"{RUN}/1")
    running = first.incident
    for at, event in story("approved", "started")[1:]:
        running = step(running, event, at).incident
    (failed,) = [event for _, event in story("is failed")[1:]]
    sends = [one for one in step(running, failed, START).effects if isinstance(one, Send)]
    assert [(one.message, one.channel, one.about) for one in sends if one.message == "remediation"] == [
        ("remediation", "sms", RUN)
    ]


def test_a_question_is_void_once_it_is_answered() -> None:
    """Each request is about its own run: another that waits does not keep it alive."""
    waits = about("approval", [*story()]).incident
    assert still_wanted(waits, "mail/alice", "approval", 0, RUN).send
    both = step(waits, proposed(structs.replace(PLAN, target="shop/cart"), run="other"), START).incident
    (yes,) = [event for _, event in story("approved")[1:]]
    decided = step(both, yes, START).incident
    assert not still_wanted(decided, "mail/alice", "approval", 0, RUN).send
    assert still_wanted(decided, "mail/alice", "approval", 0, "other").send
    over: Incident = step(decided, Resolved("bob"), START).incident
    assert not still_wanted(over, "mail/alice", "approval", 0, "other").send
    assert not still_wanted(over, "mail/alice", "remediation", 0, RUN).send
