"""What `/metrics` tells of runbooks: what they did, how it went, what that saved."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

from receiver.engine.events import AnyEvent
from receiver.engine.incident import Incident
from receiver.engine.run import Run
from receiver.engine.run_events import RunEnded, RunStepEnded, RunVerified


class HealingMetrics:
    """Counters of runs, by runbook: their names, and those of their steps, stand in files and are few."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.actions = Counter(
            "tocsin_auto_healing_actions",
            "Steps of runbooks that ended, by runbook, step and outcome; a rollback is the action `rollback STEP`.",
            ["runbook", "action", "outcome"],
            registry=registry,
        )
        self.runs = Counter(
            "tocsin_auto_healing_runs",
            "Runs of runbooks that ended, by outcome.",
            ["runbook", "outcome"],
            registry=registry,
        )
        self.saved = Counter(
            "tocsin_auto_healing_saved_seconds",
            "Time that runs saved which succeeded: what a person would have needed (by_hand), less what they took.",
            ["runbook"],
            registry=registry,
        )
        self.in_vain = Counter(
            "tocsin_auto_healing_verification_failures",
            "Runs whose verification did not hold in time: done, and in vain.",
            ["runbook"],
            registry=registry,
        )
        self.pending = Gauge(
            "tocsin_auto_healing_approvals_pending",
            "Runs that wait for somebody to approve or reject them.",
            registry=registry,
        )

    def observe(self, event: AnyEvent, incident: Incident) -> None:
        """Counts an event of an incident that is committed; `incident` is as it was left."""
        match event:
            case RunStepEnded(runbook=runbook, action=action, outcome=outcome, undo=undo):
                self.actions.labels(runbook, f"rollback {action}" if undo else action, outcome).inc()
            case RunVerified(helped=False):
                run = incident.run(event.run)
                self.in_vain.labels(run.plan.runbook if run is not None else "").inc()
            case RunEnded(runbook=runbook, outcome=outcome):
                self.runs.labels(runbook, outcome).inc()
                run = incident.run(event.run)
                if run is not None and outcome == "succeeded":
                    self.saved.labels(runbook).inc(saved_seconds(run))


def saved_seconds(run: Run) -> float:
    """What a person would have needed beyond what the run took, its approval included; never less than nothing."""
    took = run.ended_at - run.proposed_at if run.ended_at is not None else run.plan.by_hand
    return max(0.0, (run.plan.by_hand - took).total_seconds())
