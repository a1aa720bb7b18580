"""A sample run of a runbook: what it would do, and what it has done."""

from __future__ import annotations

from datetime import datetime, timedelta

from receiver.engine.events import AnyEvent
from receiver.engine.incident import Incident, apply
from receiver.engine.plan import Message
from receiver.engine.run_events import (
    Observed,
    RunEnded,
    RunEvent,
    RunProposed,
    RunStarted,
    RunStepBegan,
    RunStepEnded,
    RunVerified,
)
from receiver.engine.runs_planned import Action, ApprovalTerms, Condition, PlannedStep, RunPlan, Verification

RUN = "m4q8z2tkwd"
UP = Condition("replica is up", 'mysql_up{instance="db-2"}', equals=1.0)
WELL = Condition("requests fail no longer", "job:player_errors:ratio5m", below=0.01)


def happened(message: Message, began: datetime) -> list[tuple[datetime, AnyEvent]]:
    """What a run is told by: one that waits, one that went wrong, else one that helped."""
    plan = _plan(waits=message == "approval")
    fits, up = "its matchers fit DatabaseDown", (Observed(UP.name, UP.expr, holds=True, value=1.0),)
    events: list[RunEvent] = [
        RunProposed(RUN, plan, reason=fits, expires_at=began + timedelta(minutes=40), observed=up)
    ]
    if message != "approval":
        events += _done(plan, well=message != "remediation")
    return [(began + timedelta(minutes=2, seconds=10 * number), event) for number, event in enumerate(events)]


def after(incident: Incident, story: list[tuple[datetime, AnyEvent]]) -> Incident:
    """The incident with such a run."""
    for at, event in story:
        incident = apply(incident, event, at)
    return incident


def _plan(*, waits: bool) -> RunPlan:
    fail_over = Action("exec", "fail over", "run db-failover --to db-2")
    drain = Action("http", "drain", "POST https://proxy.example.org/drain/db-1")
    back = Action("http", "undrain", "POST https://proxy.example.org/undrain/db-1")
    return RunPlan(
        runbook="fail-over-replica",
        runbook_hash="2f6c",
        target="db-1",
        alert_name="DatabaseDown",
        steps=(
            PlannedStep(drain, back),
            PlannedStep(fail_over),
        ),
        guards=(UP,),
        verification=Verification((WELL,), timedelta(minutes=5), timedelta(seconds=15)),
        approval=ApprovalTerms(role="dba", count=2, expires=timedelta(minutes=40)) if waits else None,
        dry_run=False,
    )


def _done(plan: RunPlan, *, well: bool) -> list[RunEvent]:
    first = RunStepEnded(RUN, 0, "succeeded", action="drain", runbook=plan.runbook)
    second = RunStepEnded(RUN, 1, "succeeded", action="fail over", runbook=plan.runbook)
    seen = (Observed(WELL.name, WELL.expr, holds=well, value=0.001 if well else 0.07),)
    events: list[RunEvent] = [
        RunStarted(RUN),
        RunStepBegan(RUN, 0),
        first,
        RunStepBegan(RUN, 1),
        second,
        RunVerified(RUN, helped=well, observed=seen, reason="" if well else f"{WELL.name}: 0.07"),
    ]
    if not well:
        back = RunStepEnded(RUN, 0, "succeeded", undo=True, action="undrain", runbook=plan.runbook)
        events += [RunStepBegan(RUN, 0, undo=True), back]
    outcome = RunEnded(RUN, "succeeded" if well else "rolled_back", f"{WELL.name}: {0.001 if well else 0.07}")
    return [*events, outcome]
