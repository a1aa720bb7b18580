"""A run of a runbook in any state, built from the events that lead there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, get_args

from msgspec.structs import replace

from receiver.engine.incident import Incident, apply
from receiver.engine.plan import Contact
from receiver.engine.run_events import (
    Observed,
    RunApproved,
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
from receiver.engine.runs_planned import Action, ApprovalTerms, Condition, PlannedStep, RunPlan, Verification
from tests.receiver.bodies import START

RUN = "r7kq2mzd"
RESTART = Action("kubernetes", "restart", "restart deployment shop/checkout", {"verb": "restart"})
UNDO = Action("kubernetes", "undo", "undo the rollout of deployment shop/checkout")
SCALE = Action("kubernetes", "scale", "scale deployment shop/checkout from 2 to 4")
BACK = Action("kubernetes", "scale back", "scale deployment shop/checkout back")
READY = Condition("ready", 'kube_deployment_status_replicas_ready{deployment="checkout"}', at_least=1.0)

PLAN = RunPlan(
    runbook="restart-deployment",
    runbook_hash="b00c",
    target="shop/checkout",
    alert="a1",
    alert_name="KubePodCrashLooping",
    values=(("deployment", "checkout"), ("namespace", "shop")),
    steps=(PlannedStep(RESTART, UNDO), PlannedStep(SCALE, BACK)),
    guards=(READY,),
    verification=Verification((READY,), timedelta(minutes=5), timedelta(seconds=15)),
    approval=ApprovalTerms(role="sre", count=1),
    dry_run=False,
    by_hand=timedelta(minutes=20),
    severity="critical",
)
FREE = replace(PLAN, approval=None)

# What happens to a run, by name; each an event of PLAN's run.
HAPPENS: Mapping[str, RunEvent] = {
    "approved": RunApproved(RUN, "alice", PLAN.hash, "slack"),
    "rejected": RunRejected(RUN, "alice", "api", "it is a deploy of ours"),
    "started": RunStarted(RUN, (Observed("ready", READY.expr, True, 2),)),
    "begins 1": RunStepBegan(RUN, 0, worker="w", before={"image": "checkout:1"}),
    "begins 2": RunStepBegan(RUN, 1, worker="w", before={"replicas": "2"}),
    "ends 1": RunStepEnded(RUN, 0, "succeeded", action="restart", runbook=PLAN.runbook, seconds=3.5),
    "ends 2": RunStepEnded(RUN, 1, "succeeded", action="scale", runbook=PLAN.runbook),
    "fails 1": RunStepEnded(RUN, 0, "failed", reason="409 Conflict", action="restart", runbook=PLAN.runbook),
    "fails 2": RunStepEnded(RUN, 1, "failed", reason="no quota", action="scale", runbook=PLAN.runbook),
    "is lost 1": RunStepEnded(RUN, 0, "unknown", reason="the worker died", action="restart", runbook=PLAN.runbook),
    "helped": RunVerified(RUN, True, (Observed("ready", READY.expr, True, 2),), "every condition holds"),
    "in vain": RunVerified(RUN, False, (Observed("ready", READY.expr, False, 0, "it is below 1"),), "ready is below 1"),
    "undoes 2": RunStepBegan(RUN, 1, undo=True, worker="w"),
    "undone 2": RunStepEnded(RUN, 1, "succeeded", undo=True, action="scale back", runbook=PLAN.runbook),
    "undoes 1": RunStepBegan(RUN, 0, undo=True, worker="w"),
    "undone 1": RunStepEnded(RUN, 0, "succeeded", undo=True, action="undo", runbook=PLAN.runbook),
    "not undone 1": RunStepEnded(RUN, 0, "failed", undo=True, reason="gone", action="undo", runbook=PLAN.runbook),
    **{
        f"is {outcome}": RunEnded(RUN, outcome, f"because of {outcome}", runbook=PLAN.runbook, target=PLAN.target)
        for outcome in get_args(RunOutcome)
    },
}


def proposed(
    plan: RunPlan = PLAN, *contacts: Contact, run: str = RUN, by: str = "", at: datetime = START
) -> RunProposed:
    """A runbook fits."""
    until = at + plan.approval.expires if plan.approval is not None and not plan.dry_run else None
    return RunProposed(run, plan, by, "its matchers fit KubePodCrashLooping", until, contacts)


def story(*names: str, plan: RunPlan = PLAN, by: str = "", at: datetime = START) -> list[tuple[datetime, RunEvent]]:
    """A proposal, and what happens to it a minute apart."""
    events: list[RunEvent] = [proposed(plan, by=by, at=at)]
    events += [_of(HAPPENS[name], plan) for name in names]
    return [(at + timedelta(minutes=minute), event) for minute, event in enumerate(events)]


def after(incident: Incident, *names: str, **other: Any) -> Incident:
    """The incident once all this has happened."""
    for at, event in story(*names, **other):
        incident = apply(incident, event, at)
    return incident


def _of(event: RunEvent, plan: RunPlan) -> RunEvent:
    return replace(event, plan_hash=plan.hash) if isinstance(event, RunApproved) else event
