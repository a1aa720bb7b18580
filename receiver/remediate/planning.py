"""From a runbook and an alert to a plan, down to the last argument; pure. What does not fit is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from receiver.engine.occurrence import Occurrence, OccurrenceStatus
from receiver.engine.runs_planned import ApprovalTerms, Condition, PlannedStep, RunPlan, Verification
from receiver.remediate.runbook import Runbook
from receiver.remediate.settings import ApprovalSettings, ConditionSettings, VerifySettings
from receiver.remediate.taking import all_values, allowed, taken_from, target_of
from receiver.remediate.values import Unfit, Values
from tocsin import promql, promql_matchers
from tocsin.promql import PromQLError


@dataclass(frozen=True, slots=True)
class Fleet:
    """What a target is one of many of: `size`, or the expression that tells it."""

    name: str
    share: float
    within: timedelta
    size: int | None = None
    expr: str = ""


def planned(runbook: Runbook, occurrence: Occurrence, *, dry_run: bool | None = None) -> RunPlan:
    """What a run would do about an alert.

    `dry_run` True asks for a dry run of a runbook that would act; a runbook whose mode is dry-run never acts, whatever
    is asked for.

    Raises:
        Unfit: the alert's values, or the target, are not such as the runbook allows.
    """
    settings = runbook.settings
    taken = taken_from(runbook, occurrence)
    values = all_values(runbook, taken)
    target = target_of(runbook, values)
    allowed(runbook, target)
    dry = settings.mode == "dry-run" or dry_run is True
    fleet = settings.target.fleet
    return RunPlan(
        runbook=runbook.name,
        runbook_hash=runbook.hash,
        target=target,
        alert=occurrence.id,
        alert_name=occurrence.name,
        values=tuple(sorted(taken.items())),
        steps=tuple(
            PlannedStep(
                entry.step.action(values), None if entry.rollback is None else entry.rollback.step.action(values)
            )
            for entry in settings.steps
        ),
        guards=tuple(_condition(guard, values) for guard in settings.guards),
        verification=None if settings.verify is None else _verification(settings.verify, values),
        approval=None if settings.approval is None else _terms(settings.approval),
        dry_run=dry,
        while_acknowledged=settings.while_acknowledged,
        fresh_within=settings.fresh_within,
        fleet="" if fleet is None else values.fill(fleet.name),
        holds_page=bool(runbook.hold) and not dry,
        by_hand=settings.by_hand,
        severity=occurrence.severity.value,
    )


def fitting(runbooks: Mapping[str, Runbook], occurrences: Iterable[Occurrence]) -> Iterator[tuple[Runbook, Occurrence]]:
    """The automatic runbooks that firing alerts are for, by name; of each one alert a target.

    An alert whose values do not fit stands for all of its runbook that do not: `planned` tells why.
    """
    firing = [one for one in occurrences if one.status is OccurrenceStatus.FIRING]
    for _, runbook in sorted(runbooks.items()):
        if not runbook.settings.automatic:
            continue
        known: set[str | None] = set()
        for occurrence in firing:
            if not runbook.fits(occurrence.labels, occurrence.tenant):
                continue
            target = _target_or_none(runbook, occurrence)
            if target not in known:
                known.add(target)
                yield runbook, occurrence


def fleet_of(runbook: Runbook, plan: RunPlan) -> Fleet | None:
    """What the target of a plan is one of many of.

    Raises:
        Unfit: the runbook has changed since, and the plan has not the values that it needs now.
    """
    fleet = runbook.settings.target.fleet
    if fleet is None:
        return None
    values = all_values(runbook, dict(plan.values))
    expr = "" if fleet.expr is None else scoped(fleet.expr, fleet.where, values)
    return Fleet(values.fill(fleet.name), fleet.share, fleet.within, fleet.size, expr)


def _target_or_none(runbook: Runbook, occurrence: Occurrence) -> str | None:
    try:
        return target_of(runbook, all_values(runbook, taken_from(runbook, occurrence)))
    except Unfit:
        return None


def _condition(settings: ConditionSettings, values: Values) -> Condition:
    return Condition(
        name=settings.name or settings.expr,
        expr=scoped(settings.expr, settings.where, values),
        above=settings.above,
        below=settings.below,
        at_least=settings.at_least,
        at_most=settings.at_most,
        equals=settings.equals,
    )


def scoped(expr: str, where: Mapping[str, str], values: Values) -> str:
    """The expression with `where` as matchers in each selector of its tree; a value is never part of the text.

    Raises:
        Unfit: it is no PromQL, or there is no such value.
    """
    matchers = promql_matchers.equal({label: values.fill(text) for label, text in where.items()})
    try:
        return promql_matchers.put(promql.parse(expr), lambda selector: matchers).text
    except PromQLError as error:
        raise Unfit(f"{expr} is no PromQL: {error}") from error


def _verification(settings: VerifySettings, values: Values) -> Verification:
    conditions = tuple(_condition(one, values) for one in settings.conditions)
    return Verification(conditions, settings.within, settings.every, settings.lasting)


def _terms(settings: ApprovalSettings) -> ApprovalTerms:
    return ApprovalTerms(settings.role or "", settings.count, settings.expires, settings.notify)
