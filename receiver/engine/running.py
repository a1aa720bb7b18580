"""What events of a run mean for its incident: which are refused, what follows, what must happen. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from receiver.engine.effects import ActOn, CancelTimer, Effect, SetAlarm, SetTimer
from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.run import Next, Perform, Run, RunState, Verify, following
from receiver.engine.run_events import (
    NEEDS_PEOPLE,
    ApprovalDue,
    RunApproved,
    RunbookUnfit,
    RunEnded,
    RunEvent,
    RunOutcome,
    RunProposed,
    RunRejected,
    RunStarted,
    RunStepBegan,
    RunStepEnded,
    RunVerified,
)

MOST_RUNS = 50  # of one incident: more of them would be no remedy
BEFORE_IT_BEGINS = (RunState.AWAITING, RunState.READY)


def refuses(incident: Incident, event: RunEvent | ApprovalDue | RunbookUnfit) -> str:
    """Why an event of a run changes nothing, or an empty text."""
    if isinstance(event, RunbookUnfit):
        return "it has been told" if event.runbook in incident.unfit else ""
    run = incident.run(event.run)
    match event:
        case RunProposed():
            return _no_proposal(incident, event, run)
        case _ if run is None:
            return "there is no such run"
        case RunApproved() | RunRejected():
            return _no_answer(incident, event, run)
        case ApprovalDue():
            return "" if run.state is RunState.AWAITING else "it waits for no approval"
        case _ if run.over:
            return f"the run is over: {run.outcome}"
        case RunEnded(outcome="cancelled") if run.before:
            return f"a step has begun: the run is {run.state.value}"  # and goes on to its own end
        case RunStarted():
            return "" if run.state is RunState.READY else f"the run is {run.state.value}"
        case RunStepBegan(step=step, undo=undo):
            return "" if _comes_next(run, step, undo=undo) else f"step {step + 1} is not what comes next"
        case RunStepEnded(step=step):
            return "" if _can_end(run, event) else f"step {step + 1} is not being done"
        case RunVerified():
            return "" if Verify() in (following(run), following(run, wanted=False)) else f"the run is {run.state.value}"
        case _:
            return ""


def _no_proposal(incident: Incident, event: RunProposed, run: Run | None) -> str:
    if run is not None:
        return "it has been proposed"
    if incident.status is IncidentStatus.RESOLVED:
        return "the incident is over"
    if len(incident.runs) >= MOST_RUNS:
        return f"there have been {MOST_RUNS} runs for this incident; a person should look at it"
    target = event.plan.target
    same = (one for one in incident.runs if one.plan.runbook == event.plan.runbook and one.plan.target == target)
    return next((f"{one.id} does that, and is {one.state.value}" for one in same if not one.over), "")


def _no_answer(incident: Incident, event: RunApproved | RunRejected, run: Run) -> str:
    if run.state is not RunState.AWAITING:
        return f"it no longer waits for approval: it is {run.outcome or run.state.value}"
    if isinstance(event, RunRejected):
        return ""
    if incident.status is IncidentStatus.RESOLVED:
        return "the incident is over"
    if event.plan_hash != run.plan_hash:
        return f"that is not the plan as it stands: its hash is {run.plan_hash}; look at it again"
    return f"{event.by} has agreed before" if event.by in run.approved_by else ""


def _comes_next(run: Run, step: int, *, undo: bool) -> bool:
    perform = following(run)
    return isinstance(perform, Perform) and (perform.step, perform.undo) == (step, undo)


def _can_end(run: Run, event: RunStepEnded) -> bool:
    """The end is of the step that is being done; one that was never begun can only have failed."""
    if run.doing:
        return (run.step, run.state is RunState.UNDOING) == (event.step, event.undo)
    return event.outcome == "failed" and _comes_next(run, event.step, undo=event.undo)


def follows(incident: Incident, event: RunEvent | ApprovalDue) -> Iterator[RunEvent]:
    """The event, or what it amounts to, and what follows from it."""
    run = incident.run(event.run)
    match event:
        case ApprovalDue():
            assert run is not None  # else it was refused
            yield ended(run, "expired", _agreed(run))
        case RunRejected(by=by, reason=reason):
            assert run is not None  # else it was refused
            yield event
            yield ended(run, "rejected", reason or f"{by} said no", by=by)
        case RunVerified(helped=True, reason=reason):
            assert run is not None  # else it was refused
            yield event
            yield ended(run, "succeeded", reason)
        case _:
            yield event


def _agreed(run: Run) -> str:
    terms = run.plan.approval
    wanted = terms.count if terms else 1
    who = " and ".join(run.approved_by)
    return f"{who} agreed, {wanted} are needed, and the time is over" if who else "nobody agreed in time"


def ended(run: Run, outcome: RunOutcome, reason: str, *, by: str = "") -> RunEnded:
    """The end of a run."""
    return RunEnded(run.id, outcome, reason, by=by, runbook=run.plan.runbook, target=run.plan.target)


def over(incident: Incident, reason: str) -> Iterator[RunEnded]:
    """The ends of the runs that have not begun, when their incident ends; one that has begun goes on to its end."""
    for run in incident.runs:
        if run.state in BEFORE_IT_BEGINS:
            yield ended(run, "cancelled", reason)


def effects(before: Incident, after: Incident, event: RunEvent, now: datetime) -> Iterator[Effect]:
    """What must happen; messages are the business of `consequences.py`."""
    run = after.run(event.run)
    assert run is not None  # the event is of it
    match event:
        case RunProposed() if run.state is RunState.AWAITING:
            if run.expires_at is not None:
                yield SetAlarm(after.id, _alarm(run), ApprovalDue(run.id), run.expires_at)
        case RunProposed() | RunStepEnded() | RunVerified(helped=False):
            yield ActOn(after.id, run.id, now)
        case RunApproved() if run.state is RunState.READY:
            yield CancelTimer(after.id, _alarm(run))
            yield ActOn(after.id, run.id, now)
        case RunEnded(outcome=outcome):
            yield CancelTimer(after.id, _alarm(run))
            yield from _people_now(after, run, outcome, now)


def _people_now(incident: Incident, run: Run, outcome: RunOutcome, now: datetime) -> Iterator[Effect]:
    """Where it did not help, nobody waits for it any longer; where it went wrong, the next people hear of it now."""
    if incident.status is not IncidentStatus.OPEN or outcome in ("succeeded", "dry_run"):
        return
    others = any(not one.over and one.plan.holds_page for one in incident.runs)
    first = incident.step == 0 and run.plan.holds_page and not others
    if (first or outcome in NEEDS_PEOPLE) and incident.step < len(incident.escalation):
        yield SetTimer(incident.id, incident.step, now)


def _alarm(run: Run) -> str:
    return f"approval-{run.id}"


def what_next(incident: Incident, run: Run) -> Next:
    """What comes next in a run; once its incident is over no further step begins."""
    return following(run, wanted=incident.status is not IncidentStatus.RESOLVED)
