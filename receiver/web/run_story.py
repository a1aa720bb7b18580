"""The whole record of a run, read from its incident's events; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from receiver.engine.events import AnyEvent
from receiver.engine.run_events import (
    Observed,
    RunApproved,
    RunEnded,
    RunEvent,
    RunProposed,
    RunRejected,
    RunStarted,
    RunStepBegan,
    RunStepEnded,
    RunVerified,
)
from receiver.engine.runs_planned import RunPlan
from receiver.store.runs import RunRow
from receiver.web import run_answers as answers
from receiver.web.run_shapes import observed_json, plan_json, run_json
from receiver.web.shapes import time_json

Happened = tuple[datetime, AnyEvent]


def of_run(events: Iterable[Happened], run: str) -> list[tuple[datetime, RunEvent]]:
    """What happened to one run, in order."""
    return [(at, event) for at, event in events if isinstance(event, RunEvent) and event.run == run]


def story(row: RunRow, happened: Sequence[tuple[datetime, RunEvent]]) -> answers.RunStoryJson | None:
    """The record of a run; None: its events are gone."""
    proposed = next((event for _, event in happened if isinstance(event, RunProposed)), None)
    if proposed is None:
        return None
    ended = next((event for _, event in happened if isinstance(event, RunEnded)), None)
    rejected = [said_json(at, event) for at, event in happened if isinstance(event, RunRejected)]
    return {
        **run_json(row),
        "plan": plan_json(proposed.plan),
        "requested_because": proposed.reason,
        "asked": [contact.address for contact in proposed.contacts],
        "approvals": [said_json(at, event) for at, event in happened if isinstance(event, RunApproved)],
        "rejection": rejected[0] if rejected else None,
        "ended_by": (ended.by or None) if ended else None,
        "guards": guards_json(proposed.plan, [event for _, event in happened]),
        "taken": taken_json(proposed.plan, happened),
        "verified": verified_json(proposed.plan, happened),
    }


def said_json(at: datetime, event: RunApproved | RunRejected) -> answers.SaidJson:
    return {"by": event.by, "at": time_json(at), "via": event.via, "reason": event.reason}


def guards_json(plan: RunPlan, events: Sequence[RunEvent]) -> list[answers.GuardValuesJson]:
    """The guards' values when it began, or was refused, and once more at its end."""
    before = next((event.observed for event in events if isinstance(event, RunStarted)), None)
    last: tuple[Observed, ...] = ()
    for event in events:
        if isinstance(event, RunVerified | RunEnded) and event.observed:
            last = event.observed
    first, after = (last, ()) if before is None else (before, last)
    return [
        {
            "name": guard.name,
            "expr": guard.expr,
            "before": _of(first, guard.name, guard.expr),
            "after": _of(after, guard.name, guard.expr),
        }
        for guard in plan.guards
    ]


def _of(observed: Iterable[Observed], name: str, expr: str) -> answers.ObservedJson | None:
    found = [one for one in observed if (one.name, one.expr) == (name, expr)]
    return observed_json(found[-1]) if found else None


def taken_json(plan: RunPlan, happened: Iterable[tuple[datetime, RunEvent]]) -> list[answers.StepTakenJson]:
    """Every step and every rollback, as it began and ended; one that could not begin has an end alone."""
    taken: dict[tuple[int, bool], answers.StepTakenJson] = {}
    for at, event in happened:
        if not isinstance(event, RunStepBegan | RunStepEnded):
            continue
        one = taken.setdefault((event.step, event.undo), _step(plan, event.step, undo=event.undo))
        if isinstance(event, RunStepBegan):
            one["worker"], one["before"], one["began_at"] = event.worker, dict(event.before), time_json(at)
        else:
            one["outcome"], one["output"], one["reason"] = event.outcome, event.output, event.reason
            one["seconds"], one["ended_at"] = event.seconds, time_json(at)
    return list(taken.values())


def _step(plan: RunPlan, number: int, *, undo: bool) -> answers.StepTakenJson:
    step = plan.steps[number]
    action = step.rollback if undo and step.rollback is not None else step.action
    return {
        "step": number + 1,
        "undo": undo,
        "name": action.name,
        "kind": action.kind,
        "does": action.does,
        "worker": "",
        "before": {},
        "began_at": None,
        "ended_at": None,
        "outcome": None,
        "output": "",
        "reason": "",
        "seconds": 0.0,
    }


def verified_json(plan: RunPlan, happened: Iterable[tuple[datetime, RunEvent]]) -> answers.VerifiedJson | None:
    """Whether it helped, as far as was asked; the guards' values that stand beside are told with the guards."""
    asked = {(one.name, one.expr) for one in (plan.verification.conditions if plan.verification else ())}
    found: answers.VerifiedJson | None = None
    for at, event in happened:
        if isinstance(event, RunVerified):
            observed = [observed_json(one) for one in event.observed if (one.name, one.expr) in asked]
            found = {"at": time_json(at), "helped": event.helped, "reason": event.reason, "observed": observed}
    return found
