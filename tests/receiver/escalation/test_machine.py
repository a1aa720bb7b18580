"""Arbitrary interleavings of what people say, what fails, who vanishes and how time passes, for one incident."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from receiver.engine.events import (
    Acknowledged,
    AlertRef,
    AlertsJoined,
    AnyEvent,
    Commented,
    EscalationForced,
    Reassigned,
    Reopened,
    Resolved,
    SeverityRaised,
    Snoozed,
    SnoozeDue,
    SnoozeEnded,
    TookOver,
)
from receiver.engine.message_events import MessageFailed, MessageSent
from receiver.engine.plan import Escalation, EscalationStep, Sla
from tests.receiver.escalation.play import USERS, Play, Shifts, directory
from tocsin.model import Severity

TARGETS = [
    "mail",
    "user:alice",
    "user:bob",
    "user:carol",
    "user:nobody",
    "team:ops round_robin",
    "team:ops least_loaded",
    "team:ops skill=postgres",
    "skill:postgres",
    "schedule:day",
    "schedule:night",
    "schedule:none",
]
minutes = st.integers(0, 30).map(lambda number: timedelta(minutes=number))
severities = st.sampled_from(Severity)
steps = st.builds(
    EscalationStep,
    minutes,
    st.lists(st.sampled_from(TARGETS), min_size=1, max_size=3, unique=True).map(tuple),
    st.sampled_from([None, None, Severity.CRITICAL]),
)
slas = st.builds(
    Sla,
    st.dictionaries(severities, minutes.map(lambda one: one + timedelta(minutes=1))).map(
        lambda one: tuple(one.items())
    ),
    st.dictionaries(severities, minutes.map(lambda one: one + timedelta(hours=1))).map(lambda one: tuple(one.items())),
)
plans = st.builds(
    Escalation,
    policy=st.just("p"),
    steps=st.lists(steps, min_size=1, max_size=3).map(tuple),
    repeat=st.integers(0, 2),
    repeat_after=st.just(timedelta(minutes=7)),
    hand_over=st.booleans(),
    sla=st.none() | slas,
    silence=st.sampled_from([(), ("acknowledge", "snooze")]),
)
rosters = st.lists(
    st.tuples(st.integers(1, 90), st.sampled_from(["alice", "bob", "carol", "eve", ""])), min_size=1, max_size=6
).map(lambda turns: Shifts(tuple((sum(n for n, _ in turns[:index]), who) for index, (_, who) in enumerate(turns))))
people = st.sampled_from(["alice", "bob", "dora"])
answers = st.one_of(
    st.builds(Acknowledged, people),
    st.builds(SnoozeEnded, st.just("by hand"), people),
    st.builds(Reassigned, st.sampled_from(TARGETS), people, minutes),
    st.builds(EscalationForced, people, plan=st.none() | plans),
    st.builds(SeverityRaised, severities, st.just("so"), people),
    st.builds(Commented, people, st.just("hm")),
    st.builds(Resolved, people),
    st.just(Reopened("fires again")),
    st.builds(AlertsJoined, st.just((AlertRef("a1", "Disk"),)), severities, st.just("group")),
    st.builds(
        TookOver,
        st.just("i2"),
        st.integers(0, 5),
        st.lists(st.sampled_from(["mail", "slack/bob"]), unique=True).map(tuple),
        st.lists(st.sampled_from(["mail", "sms/carol"]), unique=True).map(tuple),
        st.sampled_from(["", "", "bob"]),
    ),
)
failures = st.sets(st.sampled_from(["slack", "sms", "mail", "bob", "alice", "sms/carol"]), max_size=4)


class Machine(RuleBasedStateMachine):
    """The rules; `Play.check` tells what must hold."""

    play: Play

    @initialize(plan=plans, default=plans, day=rosters, night=rosters, severity=severities)
    def opens(self, plan: Escalation, default: Escalation, day: Shifts, night: Shifts, severity: Severity) -> None:
        self.play = Play(plan, default=default, rosters={"day": day, "night": night}, severity=severity)

    @rule(event=answers)
    def happens(self, event: AnyEvent) -> None:
        self.play.happens(event)

    @rule(length=st.integers(-1, 60), who=people)
    def snoozes(self, length: int, who: str) -> None:
        self.play.happens(Snoozed(who, self.play.clock.now() + timedelta(minutes=max(length, 0))))

    @rule(minutes=st.integers(0, 20))
    def waits(self, minutes: int) -> None:
        self.play.run(minutes)

    @rule(names=failures)
    def fails(self, names: set[str]) -> None:
        self.play.failing = names

    @rule(names=st.sets(st.sampled_from(sorted(USERS))))
    def reloads(self, names: set[str]) -> None:
        """People come and go; the policy of the incident stays."""
        before = self.play.incident.escalation
        self.play.escalating.directory = directory({name: USERS[name] for name in sorted(names)})
        assert self.play.incident.escalation == before

    @rule(minutes=st.integers(0, 40))
    def replicas_were_late(self, minutes: int) -> None:
        """Nobody looked at the jobs for a while."""
        self.play.clock.advance(minutes=minutes)

    @precondition(lambda self: any(isinstance(event, MessageSent) for _, event in self.play.events))
    @rule(data=st.data())
    def fails_late(self, data: st.DataObject) -> None:
        """A far side says afterwards that a message has not arrived."""
        sent = [event for _, event in self.play.events if isinstance(event, MessageSent)]
        one = data.draw(st.sampled_from(sent))
        self.play.happens(MessageFailed(one.channel, one.message, one.key, "bounced", one.person))

    @rule(minutes=st.integers(-60, 60))
    def stale_snooze(self, minutes: int) -> None:
        """An alarm of a snooze that was replaced meanwhile changes nothing."""
        until = self.play.clock.now() + timedelta(minutes=minutes)
        if until != self.play.incident.snoozed_until:
            assert not self.play.happens(SnoozeDue(until)).events

    @invariant()
    def holds(self) -> None:
        self.play.run()
        self.play.check()

    def teardown(self) -> None:
        """Left alone, it comes to rest: everybody is told, and nothing is left to do but to hand over."""
        if hasattr(self, "play"):
            self.play.run(60 * 24)
            self.play.check()


def test_whatever_happens() -> None:
    """Nobody is paged twice by one way in one step and round, nor once somebody has it; no step is skipped."""
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=200, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
