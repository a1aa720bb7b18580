"""Plans and runs as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from receiver.engine.run_events import Observed
from receiver.engine.runs_planned import Action, ApprovalTerms, Condition, PlannedStep, RunPlan, Verification
from receiver.remediate.settings import ConditionSettings
from receiver.store.runs import RunRow
from receiver.web import run_answers as answers
from receiver.web.shapes import time_json
from tocsin import duration


class Bounds(Protocol):
    """What a condition's value must be."""

    @property
    def above(self) -> float | None: ...
    @property
    def below(self) -> float | None: ...
    @property
    def at_least(self) -> float | None: ...
    @property
    def at_most(self) -> float | None: ...
    @property
    def equals(self) -> float | None: ...


def bounds_in_words(bounds: Bounds) -> str:
    """`above 3, at most 9`; where there are none, what that means."""
    named = {
        "above": bounds.above,
        "at least": bounds.at_least,
        "below": bounds.below,
        "at most": bounds.at_most,
        "equal to": bounds.equals,
    }
    told = [f"{words} {bound:g}" for words, bound in named.items() if bound is not None]
    return ", ".join(told) or "one value, whichever"


def condition_json(condition: Condition | ConditionSettings) -> answers.ConditionJson:
    return {
        "name": condition.name or condition.expr,
        "expr": condition.expr,
        "bounds": bounds_in_words(condition),
    }


def guard_json(guard: Condition, seen: Observed) -> answers.GuardJson:
    return {
        **condition_json(guard),
        "holds": seen.holds,
        "value": seen.value,
        "reason": seen.reason,
        "answered": seen.answered,
    }


def verification_of(
    conditions: Sequence[Condition | ConditionSettings], within: timedelta, every: timedelta, lasting: timedelta
) -> answers.VerificationJson:
    return {
        "conditions": [condition_json(one) for one in conditions],
        "within": duration.show(within),
        "every": duration.show(every),
        "lasting": duration.show(lasting),
    }


def verification_json(planned: Verification) -> answers.VerificationJson:
    return verification_of(planned.conditions, planned.within, planned.every, planned.lasting)


def terms_json(terms: ApprovalTerms) -> answers.TermsJson:
    return {"role": terms.role or None, "count": terms.count, "expires": duration.show(terms.expires)}


def action_json(action: Action) -> answers.ActionJson:
    return {
        "name": action.name,
        "kind": action.kind,
        "does": action.does,
        "timeout": duration.show(action.timeout),
        "arguments": dict(action.arguments),
    }


def step_json(step: PlannedStep) -> answers.PlannedStepJson:
    return {**action_json(step.action), "rollback": None if step.rollback is None else action_json(step.rollback)}


def plan_json(plan: RunPlan) -> answers.PlanJson:
    return {
        "plan_hash": plan.hash,
        "dry_run": plan.dry_run,
        "alert": {"id": plan.alert, "name": plan.alert_name},
        "values": dict(plan.values),
        "steps": [step_json(one) for one in plan.steps],
        "approval": None if plan.approval is None else terms_json(plan.approval),
        "verification": None if plan.verification is None else verification_json(plan.verification),
    }


def run_json(row: RunRow) -> answers.RunJson:
    return {
        "id": row.id,
        "incident": row.incident,
        "tenant": row.tenant,
        "runbook": row.runbook,
        "target": row.target,
        "state": row.state,
        "outcome": row.outcome,
        "reason": row.reason,
        "dry_run": row.dry_run,
        "by": row.by or None,
        "plan_hash": row.plan_hash,
        "proposed_at": time_json(row.proposed_at),
        "expires_at": time_json(row.expires_at),
        "started_at": time_json(row.started_at),
        "ended_at": time_json(row.ended_at),
    }


def observed_json(one: Observed) -> answers.ObservedJson:
    return {
        "name": one.name,
        "expr": one.expr,
        "holds": one.holds,
        "value": one.value,
        "reason": one.reason,
        "answered": one.answered,
    }
