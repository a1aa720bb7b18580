"""The machine of a run: what each state takes, what comes next, and what may never happen, whatever comes."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest
from msgspec import structs

from receiver.engine.effects import ActOn, SetTimer
from receiver.engine.events import Acknowledged, AnyEvent, MergedInto, Opened, Resolved
from receiver.engine.incident import Incident
from receiver.engine.plan import EscalationStep
from receiver.engine.policy import step
from receiver.engine.run import End, Interrupted, Perform, Run, RunState, Start, Verify, following
from receiver.engine.run_events import (
    NEEDS_PEOPLE,
    ApprovalDue,
    RunApproved,
    RunEnded,
    RunEvent,
    RunOutcome,
)
from receiver.engine.running import MOST_RUNS, what_next
from receiver.engine.runs_planned import ApprovalTerms, RunPlan
from tests.receiver.bodies import START
from tests.receiver.runs import FREE, HAPPENS, PLAN, RUN, proposed, story

STEPS = (EscalationStep(timedelta(), ("mail",)), EscalationStep(timedelta(minutes=30), ("sms",)))
OPENED = Opened("default", "am", "k", "T", STEPS, "PlayerErrors fires")
BEGUN = ("started", "begins 1")
FIRST = (*BEGUN, "ends 1")
SECOND = (*FIRST, "begins 2")
DONE = (*SECOND, "ends 2")
VAIN = (*DONE, "in vain")
ENDS = frozenset(name for name in HAPPENS if name.startswith("is ") and not name.startswith("is lost"))

# What a run takes, by what has happened to it; whatever is not named changes nothing.
TAKES: list[tuple[str, RunPlan, tuple[str, ...], set[str]]] = [
    ("awaiting", PLAN, (), {"approved", "rejected", "due"}),
    ("ready", PLAN, ("approved",), {"started"}),
    ("ready", FREE, (), {"started"}),
    ("running", FREE, ("started",), {"begins 1", "fails 1"}),  # what cannot even be begun has failed
    ("running", FREE, BEGUN, {"ends 1", "fails 1", "is lost 1"}),
    ("running", FREE, FIRST, {"begins 2", "fails 2", "helped", "in vain"}),  # verified early: the incident is over
    ("running", FREE, SECOND, {"ends 2", "fails 2"}),
    ("verifying", FREE, DONE, {"helped", "in vain"}),
    ("verifying", FREE, (*BEGUN, "is lost 1"), {"helped", "in vain"}),
    ("undoing", FREE, VAIN, {"undoes 2"}),
    ("undoing", FREE, (*VAIN, "undoes 2"), {"undone 2"}),
    ("undoing", FREE, (*VAIN, "undoes 2", "undone 2"), {"undoes 1", "not undone 1"}),
    ("undoing", FREE, (*VAIN, "undoes 2", "undone 2", "undoes 1"), {"undone 1", "not undone 1"}),
    ("undoing", FREE, (*VAIN, "undoes 2", "undone 2", "undoes 1", "undone 1"), set()),
    ("undoing", FREE, (*BEGUN, "fails 1"), {"undoes 1", "not undone 1"}),  # it may be half done
    ("undoing", FREE, ("started", "fails 1"), set()),  # never begun: nothing is to be taken back
    *(
        (RunState.OVER.value, FREE, (*(BEGUN if name != "is cancelled" else ("started",)), name), set[str]())
        for name in ENDS
    ),
]


def at(plan: RunPlan, *names: str) -> Incident:
    """An incident with a run to which all this has happened, each of it taken."""
    incident = step(Incident("i1"), OPENED, START).incident
    for when, event in story(*names, plan=plan):
        decision = step(incident, event, when)
        assert decision.events, (event, decision.reason)
        incident = decision.incident
    return incident


def run_of(incident: Incident) -> Run:
    (run,) = incident.runs
    return run


@pytest.mark.parametrize(("state", "plan", "names", "takes"), TAKES)
def test_what_each_state_takes(state: str, plan: RunPlan, names: tuple[str, ...], takes: set[str]) -> None:
    """Every event in every state: what does not belong there changes nothing and says why."""
    incident = at(plan, *names)
    assert run_of(incident).state == state
    offered: dict[str, RunEvent | ApprovalDue] = {**HAPPENS, "due": ApprovalDue(RUN), "again": proposed(plan)}
    taken = set()
    for name, event in offered.items():
        decision = step(incident, event, START + timedelta(hours=1))
        assert decision.reason
        if decision.events:
            taken.add(name)
        else:
            assert decision.incident == incident
    ends = ENDS - ({"is cancelled"} if run_of(at(plan, *names)).before else set())  # nothing calls off what has begun
    assert taken == takes | (ends if state != "over" else set())


@pytest.mark.parametrize("event", HAPPENS.values(), ids=HAPPENS)
def test_nothing_happens_to_no_run(event: RunEvent) -> None:
    """An event of a run that the incident does not have changes nothing."""
    assert step(at(FREE), structs.replace(event, run="other"), START).reason == "there is no such run"


TWO = structs.replace(PLAN, approval=ApprovalTerms(count=2))
AGREED: list[tuple[RunPlan, str, tuple[str, ...], RunState]] = [
    (PLAN, "", ("alice",), RunState.READY),
    (PLAN, "alice", ("alice",), RunState.AWAITING),  # never whoever asked for it alone
    (PLAN, "alice", ("alice", "bob"), RunState.READY),
    (PLAN, "alice", ("bob",), RunState.READY),
    (TWO, "", ("alice",), RunState.AWAITING),
    (TWO, "", ("alice", "alice"), RunState.AWAITING),  # one person is one
    (TWO, "", ("alice", "bob"), RunState.READY),
    (TWO, "alice", ("alice", "bob"), RunState.READY),
]


@pytest.mark.parametrize(("plan", "by", "people", "state"), AGREED)
def test_who_must_agree(plan: RunPlan, by: str, people: tuple[str, ...], state: RunState) -> None:
    """As many as the plan asks for, each of them once, and never whoever asked for it alone."""
    incident = step(step(Incident("i1"), OPENED, START).incident, proposed(plan, by=by), START).incident
    called = False
    for who in people:
        decision = step(incident, RunApproved(RUN, who, plan.hash), START)
        incident, called = decision.incident, any(isinstance(one, ActOn) for one in decision.effects)
    assert run_of(incident).state is state
    assert called is (state is RunState.READY)


@pytest.mark.parametrize("plan_hash", ["", PLAN.brief.hash, FREE.hash, PLAN.hash[:-1]])
def test_a_yes_to_another_plan(plan_hash: str) -> None:
    """Whoever agrees with something else agrees with nothing."""
    decision = step(at(PLAN), RunApproved(RUN, "alice", plan_hash), START)
    assert not decision.events
    assert f"its hash is {PLAN.hash}" in decision.reason


CALLS: list[tuple[str, ...]] = [
    (),
    FIRST,
    DONE,
    VAIN,
    (*VAIN, "undoes 2", "undone 2"),
    (*BEGUN, "is lost 1"),
    (*BEGUN, "fails 1"),
]


@pytest.mark.parametrize("names", CALLS)
def test_a_worker_is_called(names: tuple[str, ...]) -> None:
    """After whatever leaves something to be done somebody is asked to do it, at once."""
    *before, (when, last) = story(*names, plan=FREE)
    incident = step(Incident("i1"), OPENED, START).incident
    for earlier, event in before:
        incident = step(incident, event, earlier).incident
    assert ActOn("i1", RUN, when) in step(incident, last, when).effects


COMES_NEXT: list[tuple[RunPlan, tuple[str, ...], object]] = [
    (PLAN, (), None),
    (PLAN, ("approved",), Start()),
    (FREE, ("started",), Perform(0, FREE.steps[0].action)),
    (FREE, BEGUN, Interrupted(0, FREE.steps[0].action)),
    (FREE, FIRST, Perform(1, FREE.steps[1].action)),
    (FREE, DONE, Verify()),
    (FREE, (*BEGUN, "is lost 1"), Verify()),
    (FREE, VAIN, Perform(1, FREE.steps[1].rollback, undo=True, before={"replicas": "2"})),  # type: ignore[arg-type]
    (FREE, (*VAIN, "undoes 2"), Interrupted(1, FREE.steps[1].rollback, undo=True)),  # type: ignore[arg-type]
    (FREE, ("started", "fails 1"), End("failed", "step 1 failed: 409 Conflict; nothing of it can be taken back")),
    (FREE, (*VAIN, "undoes 2", "undone 2", "undoes 1", "undone 1"), End("rolled_back", "ready is below 1")),
    (
        FREE,
        (*VAIN, "undoes 2", "undone 2", "undoes 1", "not undone 1"),
        End("failed", "the rollback of step 1 failed: gone"),
    ),
    (FREE, (*DONE, "is succeeded"), None),
]


@pytest.mark.parametrize(("plan", "names", "expected"), COMES_NEXT)
def test_what_comes_next(plan: RunPlan, names: tuple[str, ...], expected: object) -> None:
    """From what has happened follows what is to be done, and nothing else."""
    assert following(run_of(at(plan, *names))) == expected


ONCE_IT_IS_OVER: list[tuple[tuple[str, ...], object]] = [
    (("started",), End("cancelled", "the incident was over before the first step")),
    (BEGUN, Interrupted(0, FREE.steps[0].action)),
    (FIRST, Verify()),  # the second step is not begun
    (VAIN, Perform(1, FREE.steps[1].rollback, undo=True, before={"replicas": "2"})),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("names", "expected"), ONCE_IT_IS_OVER)
def test_once_the_incident_is_over(names: tuple[str, ...], expected: object) -> None:
    """No further step begins; what was done is verified, and what is being taken back goes on."""
    over = step(at(FREE, *names), Resolved("alertmanager"), START).incident
    assert what_next(over, run_of(over)) == expected


@pytest.mark.parametrize("event", [Resolved("bob"), MergedInto("other", "r")])
@pytest.mark.parametrize(("plan", "names"), [(PLAN, ()), (PLAN, ("approved",)), (FREE, ())])
def test_what_waits_ends_with_its_incident(plan: RunPlan, names: tuple[str, ...], event: AnyEvent) -> None:
    """A run that has not begun is called off in the same breath."""
    assert run_of(step(at(plan, *names), event, START).incident).outcome == "cancelled"


def test_a_proposal_that_is_none() -> None:
    """No second run of a runbook on a target while one is not over; none for an incident that is; and not too many."""
    incident = at(FREE)
    assert "r7kq2mzd does that" in step(incident, proposed(FREE, run="other"), START).reason
    assert step(incident, proposed(structs.replace(FREE, target="t"), run="other"), START).events
    many = structs.replace(incident, runs=incident.runs * MOST_RUNS)
    assert "a person should look" in step(many, proposed(structs.replace(FREE, target="t"), run="other"), START).reason
    over = step(incident, Resolved("bob"), START).incident
    assert step(over, proposed(FREE, run="other"), START).reason == "the incident is over"


@pytest.mark.parametrize("outcome", get_args(RunOutcome))
@pytest.mark.parametrize("taken", [0, 1, 2])
@pytest.mark.parametrize("holds", [False, True])
@pytest.mark.parametrize("had", [False, True])
def test_who_is_told_at_once(outcome: RunOutcome, taken: int, holds: bool, had: bool) -> None:
    """What went wrong brings the next step forward; so does whatever the first page had waited for in vain."""
    incident = structs.replace(at(structs.replace(FREE, holds_page=holds), "started"), step=taken)
    if had:
        incident = step(incident, Acknowledged("bob"), START).incident
    effects = step(incident, RunEnded(RUN, outcome), START).effects
    hurried = [one for one in effects if isinstance(one, SetTimer)]
    in_vain = outcome not in ("succeeded", "dry_run")
    wanted = (outcome in NEEDS_PEOPLE or (holds and taken == 0 and in_vain)) and taken < len(STEPS) and not had
    assert hurried == ([SetTimer("i1", taken, START)] if wanted else [])


def test_the_page_waits_for_all_that_hold_it() -> None:
    """While another run goes on that the page waits for, the end of one in vain does not bring it forward."""
    plan = structs.replace(FREE, holds_page=True)
    both = step(at(plan), proposed(structs.replace(plan, target="t"), run="other"), START).incident
    assert not any(isinstance(one, SetTimer) for one in step(both, RunEnded(RUN, "refused"), START).effects)
    (alone,) = [one for one in step(at(plan), RunEnded(RUN, "refused"), START).effects if isinstance(one, SetTimer)]
    assert alone.due_at == START
