"""Which plan a person means who asks for a runbook by name; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from receiver.engine.incident import Incident
from receiver.engine.occurrence import Occurrence
from receiver.engine.runs_planned import RunPlan
from receiver.remediate.planning import planned
from receiver.remediate.runbook import Runbook
from receiver.remediate.values import Unfit

MOST_NAMED = 5  # targets, or runbooks, in a message


def chosen(
    runbooks: Mapping[str, Runbook],
    name: str,
    alerts: Sequence[Occurrence],
    *,
    target: str = "",
    dry_run: bool = False,
) -> RunPlan:
    """The plan of the runbook of that name for the one target that it can mean, or for `target`.

    Raises:
        Unfit: there is no such plan, or more than one; the message tells which there are.
    """
    firing = [one for one in alerts if one.ends_at is None]
    runbook = runbooks.get(name)
    fitting = [one for one in firing if runbook is not None and runbook.fits(one.labels, one.tenant)]
    if runbook is None or not fitting:
        others = [
            other.name for other in runbooks.values() if any(other.fits(one.labels, one.tenant) for one in firing)
        ]
        why = "is for none of the alerts that fire here" if runbook else "does not exist"
        raise Unfit(f"the runbook {name} {why}; those that are: {_listed(others)}")
    plans: dict[str, RunPlan] = {}
    unfit: list[str] = []
    for alert in fitting:
        try:
            plan = planned(runbook, alert, dry_run=dry_run or None)
        except Unfit as error:
            unfit.append(str(error))
        else:
            plans.setdefault(plan.target, plan)
    if target and target not in plans:
        raise Unfit(f"{name} cannot work on {target} here; on what it can: {_listed(plans)}" + _why(unfit))
    if not plans:
        raise Unfit("; ".join(dict.fromkeys(unfit)))
    if not target and len(plans) > 1:
        raise Unfit(f"{name} could work on {_listed(plans)}: say on which of them, as `target`")
    return plans[target or next(iter(plans))]


def asked_for(plan: RunPlan, incident: Incident, who: str) -> RunPlan:
    """The plan as it is where this person asks for it: whoever has the incident may run what nobody else may then."""
    has_it = bool(who) and incident.acknowledged_by == who
    return replace(plan, while_acknowledged=True) if has_it else plan


def _listed(names: Sequence[str] | Mapping[str, object]) -> str:
    some = sorted(names)
    more = f" and {len(some) - MOST_NAMED} more" if len(some) > MOST_NAMED else ""
    return (", ".join(some[:MOST_NAMED]) or "none") + more


def _why(unfit: Sequence[str]) -> str:
    return f" ({'; '.join(list(dict.fromkeys(unfit))[:MOST_NAMED])})" if unfit else ""
