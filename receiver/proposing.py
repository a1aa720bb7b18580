"""Which runbooks fit an incident, what they would do and what stands against it; and that one of them is to run."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from receiver.decide import Decider
from receiver.engine.incident import Incident
from receiver.engine.occurrence import Occurrence, new_id
from receiver.engine.plan import Contact
from receiver.engine.policy import Step
from receiver.engine.run_events import Observed, RunbookUnfit, RunProposed
from receiver.engine.runs_planned import ApprovalTerms, RunPlan
from receiver.escalation.reach import Reached
from receiver.people.directory import Directory
from receiver.remediate.asking import Asking
from receiver.remediate.choosing import asked_for
from receiver.remediate.config import RemediationSettings
from receiver.remediate.planning import fitting, fleet_of, planned
from receiver.remediate.readiness import against, why_not
from receiver.remediate.runbook import Runbook
from receiver.remediate.settings import RateSettings
from receiver.remediate.values import Unfit
from receiver.store.admission import Fleet, Full, Limits, Rate, Stopped, Wish
from receiver.store.queries import Queries
from receiver.store.runs import Runs
from tocsin.clock import Clock
from tocsin.model import Severity

log = structlog.get_logger("receiver.remediation")

MOST_ALERTS = 1_000  # of an incident that runbooks are looked for, those that began first
NOT_TRIED = ("refused", "expired")  # after which a runbook may be proposed again by itself

Reach = Callable[[Sequence[str], Severity], Awaitable[Reached]]


@dataclass(frozen=True, slots=True)
class Possible:
    """A runbook and an alert of an incident that it is for: the plan, or why there is none.

    `observed` are the guards as they are now, `refusal` what stands against a start now (a guard, a limit, the state of
    the incident); an approval that it needs is no refusal.
    """

    runbook: Runbook
    alert: Occurrence
    plan: RunPlan | None
    refusal: str
    observed: tuple[Observed, ...] = ()


class Proposing:
    """Plans runs and proposes them. `runbooks`, `settings` and `directory` are replaced when those are read again."""

    def __init__(
        self,
        settings: RemediationSettings,
        runbooks: Mapping[str, Runbook],
        *,
        decider: Decider,
        queries: Queries,
        asking: Asking,
        runs: Runs,
        directory: Directory,
        reach: Reach,
        clock: Clock,
    ) -> None:
        self.settings = settings
        self.runbooks = runbooks
        self.directory = directory
        self.asking = asking
        self._decider = decider
        self._queries = queries
        self._runs = runs
        self._reach = reach
        self._clock = clock

    async def alerts(self, incident: Incident) -> list[Occurrence]:
        """The incident's alerts that runbooks are looked for."""
        return await self._queries.members(incident.id, MOST_ALERTS)

    async def alert(self, incident: Incident, occurrence: str) -> Occurrence | None:
        """One of the incident's alerts, if it has it."""
        found = await self._queries.members_named(incident.id, occurrence)
        return next((one for one in found if one.id == occurrence), None)

    async def consider(self, incident: Incident) -> list[str]:
        """Proposes whatever runbook fits by itself; the ids of what was proposed now."""
        proposed = []
        for runbook, alert in fitting(self.runbooks, await self.alerts(incident)):
            try:
                plan = planned(runbook, alert)
            except Unfit as error:
                log.warning("a runbook does not fit", runbook=runbook.name, incident=incident.id, reason=str(error))
                await self._decider.decide(incident.id, RunbookUnfit(runbook.name, alert.name, str(error)))
                continue
            run = _occasion(incident, plan)
            if run is not None:
                step = await self.propose(incident, run, plan)
                proposed += [run] if step.events else []
        return proposed

    async def propose(self, incident: Incident, run: str, plan: RunPlan, *, by: str = "", reason: str = "") -> Step:
        """Proposes a run under an id; one that there is already stays as it is.

        Raises:
            NoSuchIncident: there is none.
        """
        contacts: tuple[Contact, ...] = ()
        observed: Sequence[Observed] = ()
        expires = None
        if plan.approval is not None and not plan.dry_run:
            contacts = await self._approvers(plan.approval, incident)
            expires = self._clock.now() + plan.approval.expires
            observed = await self.asking.observe(plan.guards)  # for who is asked; before it begins they are asked anew
            if not contacts:
                log.error("nobody can be asked for an approval", runbook=plan.runbook, incident=incident.id)
        event = RunProposed(run, plan, by, reason, expires, contacts, tuple(observed))
        return await self._decider.decide(incident.id, event)

    async def possible(self, incident: Incident, who: str = "") -> list[Possible]:
        """Whatever could be run for an incident, with what stands against it now, where `who` would ask for it."""
        alerts = await self.alerts(incident)
        found: list[Possible] = []
        for _, runbook in sorted(self.runbooks.items()):
            found += [
                one if one.plan is None else await self._looked_at(incident, one, one.plan, alerts)
                for one in _each_target(runbook, alerts, incident, who)
            ]
        return found

    async def _looked_at(
        self, incident: Incident, one: Possible, plan: RunPlan, alerts: Sequence[Occurrence]
    ) -> Possible:
        """With what stands against it now."""
        observed = await self.asking.observe(plan.guards)
        refusal = why_not(incident, plan, alerts, one.runbook, self._clock.now()) or against(observed)
        return replace(one, refusal=refusal or await self._limited(incident, plan), observed=observed)

    async def _limited(self, incident: Incident, plan: RunPlan) -> str:
        try:
            wish = await self.wish(incident, "", plan)
            await self._runs.refusal(self._runs.admission(wish, self._clock.now()))
        except (Full, Stopped, Unfit) as error:
            return str(error)
        return ""

    async def wish(self, incident: Incident, run: str, plan: RunPlan) -> Wish:
        """What is asked for when a run is to begin.

        Raises:
            Unfit: the size of its fleet cannot be told, or the runbook is not configured.
        """
        runbook = self.runbooks.get(plan.runbook)
        if runbook is None:
            raise Unfit("the runbook is no longer configured")
        own, budgets = runbook.settings.limits, self.settings.budgets
        budget = budgets.get(incident.tenant, budgets.get("*"))
        limits = Limits(
            per_target=_rate(own.per_target),
            per_runbook=_rate(own.per_runbook),
            at_once=own.at_once,
            cool_down=own.cool_down,
            everything=_rate(self.settings.everything),
            budget=None if budget is None else _rate(budget),
            fleet=await self._fleet(runbook, plan),
        )
        return Wish(run, plan.runbook, plan.target, incident.tenant, limits)

    async def _fleet(self, runbook: Runbook, plan: RunPlan) -> Fleet | None:
        fleet = fleet_of(runbook, plan)
        if fleet is None:
            return None
        size = fleet.size if fleet.size is not None else await self.asking.size(fleet.expr)
        if size is None:
            raise Unfit(f"the size of the fleet {fleet.name} cannot be told: {fleet.expr} gives no number")
        words = f"{fleet.share:.0%} of {size}"
        return Fleet(fleet.name, math.floor(fleet.share * size), fleet.within, words)

    async def _approvers(self, terms: ApprovalTerms, incident: Incident) -> tuple[Contact, ...]:
        """Whom the runbook names; else everybody with the role, else everybody who may approve."""
        if terms.notify:
            return (await self._reach(terms.notify, incident.severity)).contacts
        now, found = self._clock.now(), []
        for name, user in self.directory.users.items():
            principal = self.directory.principal(name)
            may = principal is not None and principal.may("remediation:approve", incident.tenant)
            if may and (not terms.role or terms.role in user.roles):
                found += self.directory.contacts_of(name, incident.severity, now, "may approve it")
        return tuple(found)


def _each_target(runbook: Runbook, alerts: Sequence[Occurrence], incident: Incident, who: str) -> Iterator[Possible]:
    """A plan for each target that firing alerts mean, or each reason why there is none."""
    seen: set[str] = set()
    for alert in alerts:
        if alert.ends_at is not None or not runbook.fits(alert.labels, alert.tenant):
            continue
        try:
            plan = asked_for(planned(runbook, alert), incident, who)
            one = Possible(runbook, alert, plan, "")
        except Unfit as error:
            one = Possible(runbook, alert, None, str(error))
        name = one.refusal if one.plan is None else one.plan.target
        if name not in seen:
            seen.add(name)
            yield one


def _occasion(incident: Incident, plan: RunPlan) -> str | None:
    """The id of the run that begins by itself: once each time that the incident opens, unless nothing was tried."""
    name = (incident.id, incident.reopened, plan.runbook, plan.target)
    before = 0
    while (run := incident.run(new_id("run", *name, before))) is not None:
        if run.outcome not in NOT_TRIED:
            return None
        before += 1
    return new_id("run", *name, before)


def _rate(settings: RateSettings) -> Rate:
    return Rate(settings.most, settings.within)
