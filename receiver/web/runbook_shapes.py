"""Runbooks, and what they would do, as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from receiver.access.principal import Tenants
from receiver.engine.run import Run
from receiver.proposing import Possible
from receiver.remediate.runbook import Runbook
from receiver.remediate.settings import FleetSettings, LimitsSettings, RateSettings, RunbookSettings
from receiver.remediate.step import StepSettings
from receiver.remediate.values import Unfit, Values
from receiver.web import run_answers as answers
from receiver.web.run_shapes import condition_json, guard_json, plan_json, verification_of
from tocsin import duration


def possible_json(one: Possible, runs: Sequence[Run]) -> answers.PossibleJson:
    """`runs` are the incident's."""
    settings, plan = one.runbook.settings, one.plan
    same = [run for run in runs if plan and (run.plan.runbook, run.plan.target) == (plan.runbook, plan.target)]
    guards = plan.guards if plan else ()
    return {
        "runbook": one.runbook.name,
        "doc": settings.metadata.doc,
        "automatic": settings.automatic,
        "mode": settings.mode,
        "target": plan.target if plan else None,
        "refusal": one.refusal or None,
        "needs_approval": plan is not None and plan.approval is not None and not plan.dry_run,
        "alert": {"id": one.alert.id, "name": one.alert.name},
        "plan": plan_json(plan) if plan else None,
        "guards": [guard_json(guard, seen) for guard, seen in zip(guards, one.observed, strict=False)],
        "limits": list(limits_in_words(settings.limits, settings.target.fleet)),
        "runs": [run.id for run in same if not run.over],
    }


def limits_in_words(limits: LimitsSettings, fleet: FleetSettings | None) -> Iterator[str]:
    """How much may happen, a sentence each."""
    yield f"on one target {_rate(limits.per_target)}"
    yield f"in all {_rate(limits.per_runbook)}, {limits.at_once} at once"
    if limits.cool_down:
        yield f"{duration.show(limits.cool_down)} of rest for a target after any run on it"
    if fleet is not None:
        of = f"{fleet.size}" if fleet.size is not None else f"whatever {fleet.expr} counts"
        yield f"on {fleet.share:.0%} of {of} ({fleet.name}) within {duration.show(fleet.within)}"


def _rate(rate: RateSettings) -> str:
    return f"{rate.most} within {duration.show(rate.within)}"


def runbook_json(runbook: Runbook, tenants: Tenants) -> answers.RunbookJson:
    """As those see it who ask for these tenants: other tenants' targets are not told."""
    settings = runbook.settings
    target, approval, verify = settings.target, settings.approval, settings.verify
    whole = tenants is None or (bool(settings.tenants) and tenants.issuperset(settings.tenants))
    return {
        "name": runbook.name,
        "owner": settings.metadata.owner,
        "doc": settings.metadata.doc,
        "where": str(runbook.where),
        "hash": runbook.hash,
        "matchers": [str(one) for one in runbook.matchers],
        "tenants": list(settings.tenants),
        "mode": settings.mode,
        "automatic": settings.automatic,
        "while_acknowledged": settings.while_acknowledged,
        "hold_page": duration.show(runbook.hold),
        "targets": {
            "pattern": target.is_,
            "allow": list(target.allow) if whole else None,
            "allow_matching": list(target.allow_matching) if whole else None,
        },
        "approval": None
        if approval is None
        else {"role": approval.role, "count": approval.count, "expires": duration.show(approval.expires)},
        "limits": list(limits_in_words(settings.limits, target.fleet)),
        "guards": [condition_json(one) for one in settings.guards],
        "steps": list(_steps_in_words(settings)),
        "verification": None
        if verify is None
        else verification_of(verify.conditions, verify.within, verify.every, verify.lasting),
    }


def _steps_in_words(settings: RunbookSettings) -> Iterator[answers.StepWordsJson]:
    """The steps before any alert gives them values: those stand there by name."""
    unfilled = Values({name: f"$({name})" for name in {*settings.values, *settings.params}})
    for entry in settings.steps:
        step = entry.step
        rollback = None if entry.rollback is None else _does(entry.rollback.step, unfilled)
        yield {"name": step.name or step.KIND, "kind": step.KIND, "does": _does(step, unfilled), "rollback": rollback}


def _does(step: StepSettings, values: Values) -> str:
    try:
        return step.action(values).does
    except Unfit:  # a value must be such as only an alert can give it: a number, a name
        return step.name or step.KIND
