"""The machine of a run, whatever comes in whichever order: what may never happen, and that it always ends."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import get_args

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec import structs

from receiver.engine.effects import ActOn, Effect, SetAlarm, SetTimer
from receiver.engine.events import Acknowledged, AnyEvent, Reopened, Resolved
from receiver.engine.incident import Incident, IncidentStatus, fold
from receiver.engine.policy import step
from receiver.engine.run import End, Interrupted, Perform, RunState, Start, Verify
from receiver.engine.run_events import (
    NEEDS_PEOPLE,
    ApprovalDue,
    RunApproved,
    RunEnded,
    RunEvent,
    RunOutcome,
    RunRejected,
    RunStarted,
    RunStepBegan,
    RunStepEnded,
    RunVerified,
    StepOutcome,
)
from receiver.engine.running import what_next
from receiver.engine.runs_planned import ApprovalTerms, PlannedStep
from tests.receiver.bodies import START
from tests.receiver.engine.test_running import OPENED
from tests.receiver.runs import PLAN, proposed

BARE = structs.replace(PLAN, steps=(PlannedStep(PLAN.steps[0].action), PLAN.steps[1]), target="bare")
PLANS = {
    "r1": PLAN,
    "r2": structs.replace(BARE, approval=ApprovalTerms(count=2), holds_page=True),
    "r3": structs.replace(BARE, target="free", approval=None),
}
RUNS = st.sampled_from(sorted(PLANS))
NUMBERS = st.integers(-1, 3)
OUTCOMES: st.SearchStrategy[StepOutcome] = st.sampled_from(get_args(StepOutcome))
PEOPLE = st.sampled_from(["alice", "bob", "carol"])


@dataclass
class Seen:
    """What has been recorded of one run."""

    agreed: set[str] = field(default_factory=set)
    began: Counter[tuple[int, bool]] = field(default_factory=Counter)
    ended: Counter[tuple[int, bool]] = field(default_factory=Counter)
    over: bool = False


class Runs(RuleBasedStateMachine):
    """An incident with three runbooks, to which anything may happen, from anybody, in any order, twice."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.story: list[tuple[datetime, AnyEvent]] = []
        self.incident = Incident("i1")
        self.seen = {name: Seen() for name in PLANS}
        self.offer(OPENED)

    def offer(self, event: AnyEvent) -> None:
        """Something that may have happened; what is recorded of it is checked."""
        self.now += timedelta(seconds=1)
        before, decision = self.incident, step(self.incident, event, self.now)
        for one in decision.events:
            if isinstance(one, RunEvent):
                self.check(before, one)
            self.story.append((self.now, one))
        self.incident = decision.incident
        for one in decision.events:
            if isinstance(one, RunEnded):
                self.people_hear(before, one, decision.effects)
            elif isinstance(one, RunEvent):
                self.somebody_goes_on(one, decision.effects)

    def check(self, before: Incident, event: RunEvent) -> None:
        seen, plan = self.seen[event.run], PLANS[event.run]
        assert not seen.over, "something happens after the end"
        match event:
            case RunApproved(by=by, plan_hash=plan_hash):
                assert plan_hash == plan.hash
                seen.agreed.add(by)
            case RunStarted() if plan.approval is not None:
                run = before.run(event.run)
                assert run is not None
                assert len(seen.agreed) >= plan.approval.count
                assert seen.agreed - {run.by}
            case RunStepBegan(step=number, undo=undo):
                key = (number, undo)
                assert not seen.began[key], "a step begins twice"
                assert seen.began.total() == seen.ended.total(), "two steps at once"
                if undo:
                    assert plan.steps[number].rollback is not None
                    assert seen.began[number, False], "what never began is taken back"
                seen.began[key] += 1
            case RunStepEnded(step=number, undo=undo):
                seen.ended[number, undo] += seen.began[number, undo]
            case RunEnded():
                seen.over = True

    def people_hear(self, before: Incident, event: RunEnded, effects: tuple[Effect, ...]) -> None:
        left = self.incident.step < len(self.incident.escalation)
        if event.outcome in NEEDS_PEOPLE and before.status is IncidentStatus.OPEN and left:
            assert SetTimer("i1", self.incident.step, self.now) in effects

    @initialize(by=st.sampled_from(["", "alice"]))
    def begins_with(self, by: str) -> None:
        for name in PLANS:
            self.proposes(name, by)

    @rule(name=RUNS, by=st.sampled_from(["", "alice"]))
    def proposes(self, name: str, by: str) -> None:
        self.offer(proposed(PLANS[name], run=name, by=by, at=self.now))

    def somebody_goes_on(self, event: RunEvent, effects: tuple[Effect, ...]) -> None:
        """A run waits for people until a time that is set, else a worker is called, unless one is at it."""
        run = self.incident.run(event.run)
        assert run is not None
        if run.over or isinstance(event, RunStarted | RunStepBegan):
            return
        if run.state is not RunState.AWAITING:
            assert any(isinstance(one, ActOn) and one.run == run.id for one in effects)
        elif not run.approved_by:
            assert any(isinstance(one, SetAlarm) and one.alarm == ApprovalDue(run.id) for one in effects)

    @rule(name=RUNS, by=PEOPLE, right=st.sampled_from([True, True, True, False]))
    def approves(self, name: str, by: str, right: bool) -> None:
        self.offer(RunApproved(name, by, PLANS[name].hash if right else PLANS["r3"].brief.hash))

    @rule(name=RUNS, by=PEOPLE)
    def rejects(self, name: str, by: str) -> None:
        self.offer(RunRejected(name, by))

    @rule(name=RUNS)
    def rings(self, name: str) -> None:
        self.offer(ApprovalDue(name))

    @rule(name=RUNS)
    def starts(self, name: str) -> None:
        self.offer(RunStarted(name))

    @rule(name=RUNS, number=NUMBERS, undo=st.booleans())
    def begins(self, name: str, number: int, undo: bool) -> None:
        self.offer(RunStepBegan(name, number, undo))

    @rule(name=RUNS, number=NUMBERS, undo=st.booleans(), outcome=OUTCOMES)
    def ends(self, name: str, number: int, undo: bool, outcome: StepOutcome) -> None:
        self.offer(RunStepEnded(name, number, outcome, undo))

    @rule(which=st.integers(0, 200))
    def comes_again(self, which: int) -> None:
        """Somebody who was away for a while says once more what was said before."""
        self.offer(self.story[-1 - which % len(self.story)][1])

    @rule(name=RUNS, helped=st.booleans())
    def verifies(self, name: str, helped: bool) -> None:
        self.offer(RunVerified(name, helped))

    @rule(name=RUNS, outcome=st.sampled_from(get_args(RunOutcome)))
    def stops(self, name: str, outcome: RunOutcome) -> None:
        self.offer(RunEnded(name, outcome))

    @rule(event=st.sampled_from([Acknowledged("bob"), Resolved("bob"), Reopened("it is back")]))
    def lives(self, event: AnyEvent) -> None:
        self.offer(event)

    @rule(name=RUNS, outcome=OUTCOMES, helped=st.booleans(), times=st.integers(1, 6))
    def works(self, name: str, outcome: StepOutcome, helped: bool, times: int) -> None:
        """A worker does what comes next."""
        for _ in range(times):
            self.work(name, outcome, helped=helped)

    def work(self, name: str, outcome: StepOutcome, *, helped: bool) -> None:
        run = self.incident.run(name)
        match what_next(self.incident, run) if run is not None else None:
            case Start():
                self.offer(RunStarted(name))
            case Perform(step=number, undo=undo):
                self.offer(RunStepBegan(name, number, undo))
            case Interrupted(step=number, undo=undo):
                self.offer(RunStepEnded(name, number, outcome, undo))
            case Verify():
                self.offer(RunVerified(name, helped))
            case End(outcome=end, reason=reason):
                self.offer(RunEnded(name, end, reason))

    @invariant()
    def adds_up(self) -> None:
        """The incident is the fold of what was recorded."""
        assert fold("i1", self.story) == self.incident

    def teardown(self) -> None:
        """Whatever has happened: left to a worker and the clock, every run ends soon."""
        for run in self.incident.runs:
            self.offer(ApprovalDue(run.id))
            for _ in range(20):
                self.work(run.id, "failed", helped=False)
            found = self.incident.run(run.id)
            assert found is not None
            assert found.over


TestRuns = Runs.TestCase
TestRuns.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)


def test_the_rules_reach_everything() -> None:
    """The machine above can bring a run to each of its ends, by a worker that is honest."""
    ends = set()
    for outcome in get_args(StepOutcome):
        for helped in (True, False):
            runs = Runs()
            runs.proposes("r3", "")
            for _ in range(20):
                runs.work("r3", outcome, helped=helped)
            (run,) = runs.incident.runs
            ends.add(run.outcome)
    assert ends == {"succeeded", "failed", "unknown"} | {"rolled_back"}
