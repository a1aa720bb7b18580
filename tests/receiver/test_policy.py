"""The pure decisions."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.engine.effects import CancelTimer, Send, SetTimer
from receiver.engine.events import (
    Acknowledged,
    AlertRef,
    AlertsJoined,
    AlertsResolved,
    AnyEvent,
    Escalated,
    EscalationDue,
    Opened,
    Resolved,
)
from receiver.engine.incident import Incident, IncidentStatus, apply, fold
from receiver.engine.message_events import MessageFailed, MessageSent
from receiver.engine.plan import EscalationStep
from receiver.engine.policy import step
from receiver.engine.wanted import still_wanted
from tests.receiver.bodies import START
from tocsin.model import Severity

STEPS = (EscalationStep(timedelta(), ("mail",)), EscalationStep(timedelta(minutes=5), ("mail", "phone")))
ALERT = AlertRef("a1", "PlayerErrors")


def opened(*more: AnyEvent) -> Incident:
    """An incident with one firing alert, and what happened after."""
    first = Opened("default", "alertmanager", "key", "PlayerErrors is up", STEPS, "new")
    events = (first, AlertsJoined((ALERT,), Severity.WARNING, "group"), *more)
    return fold("i1", [(START, event) for event in events])


ASKED = Escalated(0, ("mail",), "opened")
TOLD = MessageSent("mail", "page", "i1/page/0/mail")


def test_opening_sets_the_first_timer() -> None:
    """An incident opens with a timer for its first step."""
    first = Opened("default", "alertmanager", "key", "t", STEPS, "new")
    assert step(Incident("i1"), first, START).effects == (SetTimer("i1", 0, START),)


def test_a_step_tells_its_channels_and_sets_the_next_timer() -> None:
    """A step that is due tells its channels under stable keys and sets the timer of the step after it."""
    decision = step(opened(), EscalationDue(0), START)
    assert decision.events == (ASKED,)
    assert decision.effects == (
        Send("i1", "mail", "page", "i1/page/0/mail", START),
        SetTimer("i1", 1, START + timedelta(minutes=5)),
    )


@pytest.mark.parametrize(
    ("incident", "event", "reason"),
    [
        (opened(Acknowledged("bob")), EscalationDue(0), "acknowledged by bob"),
        (opened(Resolved("bob")), EscalationDue(0), "resolved"),
        (opened(ASKED), EscalationDue(0), "step 1 has been taken"),
        (opened(Acknowledged("bob")), Acknowledged("eve"), "already acknowledged by bob"),
        (opened(Resolved("bob")), Acknowledged("eve"), "already resolved by bob"),
        (opened(Resolved("bob")), Resolved("eve"), "already resolved by bob"),
    ],
)
def test_what_changes_nothing_says_why(incident: Incident, event: AnyEvent, reason: str) -> None:
    """A decision to do nothing has no events, no effects and a reason."""
    decision = step(incident, event, START)
    assert (decision.events, decision.effects) == ((), ())
    assert reason in decision.reason


def test_acknowledging_cancels_the_timer() -> None:
    """Nothing is left waiting for an incident that somebody has."""
    assert step(opened(ASKED), Acknowledged("bob"), START).effects == (CancelTimer("i1"),)


def test_last_alert_resolves_the_incident() -> None:
    """The end of the last alert resolves, cancels the timer and tells who had been asked."""
    decision = step(opened(ASKED, TOLD), AlertsResolved((ALERT,)), START)
    assert decision.incident.status is IncidentStatus.RESOLVED
    assert decision.effects == (CancelTimer("i1"), Send("i1", "mail", "resolved", "i1/resolved/mail", START))


def test_failed_page_brings_the_next_step_forward() -> None:
    """A page that reached nobody does not wait for the next step's time."""
    decision = step(opened(ASKED), MessageFailed("mail", "page", "i1/page/0/mail", "no such user"), START)
    assert decision.effects == (SetTimer("i1", 1, START),)


@pytest.mark.parametrize(
    ("incident", "message", "send"),
    [
        (opened(ASKED), "page", True),
        (opened(ASKED, Acknowledged("bob")), "page", False),
        (opened(ASKED, Resolved("bob")), "page", False),
        (opened(ASKED, Resolved("bob")), "resolved", False),
        (opened(ASKED, TOLD, Resolved("bob")), "resolved", True),
    ],
)
def test_messages_are_judged_when_their_turn_comes(incident: Incident, message: str, send: bool) -> None:
    """A page is wanted while nobody has the incident, an all-clear by whoever was paged."""
    verdict = still_wanted(incident, "mail", message)  # type: ignore[arg-type]
    assert verdict.send is send
    assert verdict.reason


inputs = st.lists(
    st.one_of(
        st.builds(Acknowledged, st.text(max_size=5)),
        st.builds(Resolved, st.text(max_size=5)),
        st.builds(EscalationDue, st.integers(0, 2)),
        st.builds(AlertsJoined, st.just((ALERT,)), st.sampled_from(Severity), st.text(max_size=5)),
        st.just(AlertsResolved((ALERT,))),
        st.just(TOLD),
    ),
    max_size=12,
)


@given(inputs)
def test_an_incident_is_the_fold_of_its_events(happenings: list[AnyEvent]) -> None:
    """Whatever happens, folding the stored events gives the incident that the decisions saw."""
    incident, stored = opened(), []
    for happening in happenings:
        decision = step(incident, happening, START)
        stored += [msgspec.json.encode(event) for event in decision.events]
        incident = decision.incident
    again = opened()
    for event in stored:
        again = apply(again, msgspec.json.decode(event, type=AnyEvent), START)
    assert again == incident
    assert msgspec.json.decode(msgspec.json.encode(incident), type=Incident) == incident


@given(inputs)
def test_resolved_stays_resolved(happenings: list[AnyEvent]) -> None:
    """Nothing that happens to a resolved incident opens it again or tells anybody."""
    incident = opened(Resolved("bob"))
    for happening in happenings:
        decision = step(incident, happening, START)
        assert decision.incident.status is IncidentStatus.RESOLVED
        assert not decision.effects
        incident = decision.incident
