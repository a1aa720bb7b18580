"""Escalations as people describe them, each a small table: when, and by what, who is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from receiver.engine.events import (
    Acknowledged,
    EscalationForced,
    Reassigned,
    Reopened,
    Resolved,
    Snoozed,
    SnoozeEnded,
    TookOver,
)
from receiver.engine.message_events import MessageFailed, MessageSent
from receiver.engine.plan import Escalation, EscalationStep, Sla
from tests.receiver.bodies import START
from tests.receiver.escalation.play import USERS, Play, Shifts, directory
from tocsin.model import Severity


def plan(*steps: tuple[float, str], repeat: int = 0, **more: object) -> Escalation:
    """Steps of minutes after the one before, and targets with commas between them."""
    wanted = tuple(EscalationStep(timedelta(minutes=after), tuple(to.split(", "))) for after, to in steps)
    return Escalation(steps=wanted, repeat=repeat, **more)  # type: ignore[arg-type]  # fields of an escalation


WARNING = plan((0, "user:bob"), (10, "user:carol"))
SHIFTS = Shifts(((0, "bob"), (60, "carol"), (120, "carol"), (180, ""), (240, "bob")))


@pytest.mark.parametrize(
    ("fact", "policy", "minutes", "pages"),
    [
        ("notification rules", plan((0, "user:bob")), 20, [(0, "slack/bob"), (5, "sms/bob")]),
        ("the next step", WARNING, 30, [(0, "slack/bob"), (5, "sms/bob"), (10, "sms/carol")]),
        ("a channel", plan((1, "mail")), 2, [(1, "mail")]),
        ("a skill", plan((0, "skill:postgres")), 1, [(0, "slack/bob"), (0, "sms/carol")]),
        ("a team", plan((0, "team:ops skill=postgres")), 1, [(0, "slack/bob"), (0, "sms/carol")]),
        ("workload", plan((0, "team:ops least_loaded")), 1, [(0, "sms/carol")]),
        ("in turn", plan((0, "team:ops skill=postgres round_robin"), (1, "team:ops skill=postgres round_robin")), 1,
         [(0, "slack/bob"), (1, "sms/carol")]),
        ("on call", plan((0, "schedule:day"), (70, "schedule:day")), 71,
         [(0, "slack/bob"), (5, "sms/bob"), (70, "sms/carol")]),
        ("twice meant, once told", plan((0, "user:carol, skill:postgres")), 1, [(0, "sms/carol"), (0, "slack/bob")]),
        ("from the beginning", plan((0, "user:carol"), repeat=2, repeat_after=timedelta(minutes=30)), 200,
         [(0, "sms/carol"), (30, "sms/carol"), (60, "sms/carol")]),
        ("nobody of that name: the next step at once", plan((0, "user:eve"), (60, "mail")), 1, [(0, "mail")]),
        ("quiet hours", plan((0, "user:alice")), 300, [(240, "slack/alice"), (240, "sms/alice")]),
    ],
)  # fmt: skip
def test_who_is_told_when(fact: str, policy: Escalation, minutes: float, pages: list[tuple[float, str]]) -> None:
    """Each kind of target, and what follows when nobody answers."""
    default = plan((0, "mail")) if "nobody" in fact else None
    play = Play(policy, rosters={"day": SHIFTS}, default=default)
    play.choices.busy = {"alice": 2, "bob": 1}
    play.run(minutes)
    play.check()
    assert [page for page in play.pages() if page[0] <= minutes] == pages, fact


def test_what_cannot_wait_breaks_quiet_hours() -> None:
    """A step that makes an incident critical reaches people as for a critical one."""
    step = EscalationStep(timedelta(), ("user:alice",), raise_to=Severity.CRITICAL)
    play = Play(Escalation(steps=(step,))).run(6)
    assert play.pages() == [(0, "slack/alice"), (5, "sms/alice")]
    assert play.incident.severity is Severity.CRITICAL


@pytest.mark.parametrize("how", [Acknowledged("eve"), Resolved("eve"), Snoozed("eve", START + timedelta(days=1))])
def test_an_answer_ends_it(how: Acknowledged | Resolved | Snoozed) -> None:
    """Once somebody has it nobody else is paged, not even by what was on its way."""
    play = Play(WARNING).run(3)
    play.happens(how)
    play.run(600)
    play.check()
    assert play.pages() == [(0, "slack/bob")]


def test_snooze_ends() -> None:
    """What is still open after a snooze escalates anew, from its first step."""
    play = Play(WARNING).run(3)
    play.happens(Snoozed("bob", START + timedelta(minutes=60)))
    play.run(70)
    assert play.pages()[1:] == [(60, "slack/bob"), (65, "sms/bob"), (70, "sms/carol")]


def test_snooze_ended_early() -> None:
    """A snooze that somebody ends is over at once, and does not end a second time."""
    play = Play(WARNING).run(3)
    play.happens(Snoozed("bob", START + timedelta(minutes=60)))
    play.run(10).happens(SnoozeEnded("by hand", "bob"))
    play.run()
    assert play.pages()[-1] == (13, "slack/bob")
    play.happens(Acknowledged("bob"))
    assert not [key for key in play.jobs if key.endswith("timer/snooze")]


def test_forced() -> None:
    """Escalating by hand takes the next step now, after the last one the first; what waited is not sent."""
    play = Play(WARNING).run(2)
    play.happens(EscalationForced("eve"))
    play.run(10)
    assert play.pages() == [(0, "slack/bob"), (2, "sms/carol")]
    play.happens(EscalationForced("eve"))
    play.run(1)
    assert play.pages()[2:] == [(12, "slack/bob")]
    other = Play(WARNING).run(2)
    other.happens(EscalationForced("eve", plan=plan((0, "mail"))))
    assert other.run(60).pages() == [(0, "slack/bob"), (2, "mail")]


def test_reassigned() -> None:
    """Whoever it is given to is told at once; after the wait the policy goes on."""
    play = Play(WARNING).run(1)
    play.happens(Acknowledged("bob"))
    play.happens(Reassigned("user:carol", "bob", timedelta(minutes=10)))
    assert play.run(11).pages()[1:] == [(1, "sms/carol"), (11, "slack/bob")]
    gone = Play(WARNING, default=plan((0, "mail"))).run(1)
    gone.happens(Reassigned("user:eve", "bob", timedelta(minutes=10)))
    assert gone.run(1).pages()[1:] == [(1, "mail")]


def test_hand_over() -> None:
    """Who comes on duty is told, once each; through a gap, whoever comes after it; who stays is not told."""
    for has_it in (False, True):
        play = Play(plan((0, "schedule:day")), rosters={"day": SHIFTS}).run(1)
        if has_it:
            play.happens(Acknowledged("bob"))
        play.run(300)
        play.check()
        told = [(one.minute, one.where) for one in play.told if one.message == "handover"]
        assert told == [(60, "sms/carol"), (240, "slack/bob"), (245, "sms/bob")]
        assert play.incident.assigned_to == "bob"


def test_hand_over_of_several_schedules() -> None:
    """Of several schedules each hands over when its own shift ends, to its own people."""
    rosters = {"one": Shifts(((0, "alice"), (30, "bob"))), "two": Shifts(((0, "carol"), (90, "alice")))}
    steps = plan((0, "schedule:one"), (10, "schedule:two"))
    play = Play(steps, rosters=rosters, severity=Severity.CRITICAL).run(100)
    told = [(one.minute, one.where) for one in play.told if one.message == "handover"]
    assert told == [(30, "slack/bob"), (35, "sms/bob"), (90, "slack/alice"), (95, "sms/alice")]
    quiet = Play(Escalation(steps=steps.steps, hand_over=False), rosters=rosters).run(100)
    assert "handed_over" not in quiet.kinds()


def test_fail_over() -> None:
    """A way that fails brings the person's next one forward; the last one, the next step."""
    play = Play(WARNING)
    play.failing = {"slack"}
    assert play.run(1).pages() == [(0, "sms/bob")]
    both = Play(WARNING)
    both.failing = {"bob"}
    assert both.run(1).pages() == [(0, "sms/carol")]
    later = Play(WARNING)
    later.failing = {"sms"}
    assert later.run(10).pages() == [(0, "slack/bob")]
    assert later.kinds().count("message_failed") == 2


def test_fail_over_is_told_once() -> None:
    """A failure that is reported twice, or one way after the other, hurries nothing a second time."""
    play = Play(plan((0, "user:bob"))).run()
    for channel, where in (("slack", "slack/bob"), ("slack", "slack/bob"), ("sms", "sms/bob")):
        play.happens(MessageFailed(channel, "page", f"i1/page/0/{where}", "bounced", "bob"))
        play.run(1)
    play.run(60)
    play.check()
    assert play.pages() == [(0, "slack/bob"), (0, "sms/bob")]


def test_fail_over_in_a_later_round() -> None:
    """Whoever was told by SMS in the first round is told by it again when Slack fails in the second."""
    play = Play(plan((0, "user:bob"), repeat=1, repeat_after=timedelta(minutes=30))).run(10)
    play.failing = {"slack"}
    assert play.run(20).pages() == [(0, "slack/bob"), (5, "sms/bob"), (30, "sms/bob")]


def test_no_page_reaches_anybody() -> None:
    """When every page of the last step has failed, the default route hears of it, and the timeline says so."""
    play = Play(plan((0, "user:bob")), default=plan((0, "user:bob, mail")))
    play.failing = {"bob"}
    play.run(1)
    play.check()
    assert play.pages() == [(0, "mail")]
    assert play.escalated()[-1].reason == "no page of the policy has reached anybody"
    lost = Play(plan((0, "user:bob")))
    lost.failing = {"bob"}
    lost.run(60)
    lost.check()
    assert "nobody_reached" in lost.kinds()


def test_failures_of_an_earlier_round() -> None:
    """A page that fails after the escalation began anew hurries nothing."""
    play = Play(plan((5, "user:carol"), repeat=0)).run(5)
    (sent,) = [event for _, event in play.events if isinstance(event, MessageSent)]
    play.happens(Snoozed("carol", START + timedelta(minutes=6)))
    play.run(2)
    play.happens(MessageFailed("sms", "page", sent.key, "late", "carol"))
    assert play.run(10).pages() == [(5, "sms/carol"), (11, "sms/carol")]


def test_users_who_vanish() -> None:
    """A reload in mid-escalation keeps the policy; the default route answers for those who are no longer there."""
    play = Play(WARNING, default=plan((0, "mail"))).run(1)
    play.escalating.directory = directory({"alice": USERS["alice"]})
    play.run(30)
    play.check()
    assert play.pages() == [(0, "slack/bob"), (10, "mail")]
    assert "user:carol: no longer among the users" in play.escalated()[-1].missed


SLA = Sla(((Severity.WARNING, timedelta(minutes=50)),), ((Severity.WARNING, timedelta(minutes=100)),), 0.8)


@pytest.mark.parametrize(
    ("fact", "acknowledged_at", "resolved_at", "told"),
    [
        ("neither", None, None, [(40, "warned"), (50, "broken"), (80, "warned"), (100, "broken")]),
        ("acknowledged in time", 45, None, [(40, "warned"), (80, "warned"), (100, "broken")]),
        ("both in time", 30, 70, []),
        ("late", 60, 90, [(40, "warned"), (50, "broken"), (80, "warned")]),
    ],
)
def test_sla(
    fact: str, acknowledged_at: float | None, resolved_at: float | None, told: list[tuple[float, str]]
) -> None:
    """A warning comes before each term ends, and an entry when it does; whoever was asked hears of both, once."""
    play = Play(plan((0, "mail"), sla=SLA))
    play.run(acknowledged_at or 0)
    if acknowledged_at:
        play.happens(Acknowledged("bob"))
    play.run((resolved_at or 0) - (acknowledged_at or 0) if resolved_at else 0)
    if resolved_at:
        play.happens(Resolved("bob"))
    play.run(300)
    said = [(one.minute, one.key.split("/")[3]) for one in play.told if one.message == "sla"]
    assert said == told, fact
    kinds = [(at, kind) for (at, _), kind in zip(play.events, play.kinds(), strict=True) if kind.startswith("sla")]
    assert [(((at - START).total_seconds() / 60), kind.removeprefix("sla_")) for at, kind in kinds] == told


def test_reopened() -> None:
    """What comes back is escalated from its beginning; whoever is not paged first hears that it is back."""
    play = Play(WARNING).run(12)
    play.happens(Resolved("bob"))
    play.run(1).happens(Reopened("fires again"))
    play.run(1)
    play.check()
    assert [one.message for one in play.told if one.where == "sms/carol"] == ["page", "resolved", "reopened"]
    assert play.pages()[-1] == (13, "slack/bob")


def test_taken_over_from_a_longer_policy() -> None:
    """What a longer policy had reached does not leave the shorter one of the new home without a timer."""
    play = Play(plan((0, "mail"), repeat=1, repeat_after=timedelta(minutes=30)))
    play.happens(TookOver("i2", 5, ("mail",), ("mail",)))
    play.check()
    assert play.run(31).pages() == [(30, "mail")]
