"""Alerts go to the incidents where they were placed, which are opened, reopened and merged as that asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from msgspec.structs import replace

from receiver.engine.causes.merging import adopt
from receiver.engine.causes.storm import BY as STORM
from receiver.engine.causes.storm import Storms
from receiver.engine.correlate import Placed, Placement
from receiver.engine.effects import ConsiderRunbooks
from receiver.engine.events import AlertRef, AlertsJoined, Opened, Reopened
from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.occurrence import Occurrence, new_id
from receiver.engine.plan import Escalation
from receiver.engine.policy import step
from receiver.engine.remedies import Remedies
from receiver.engine.routing import Routing
from receiver.engine.working_set import WorkingSet


class Opening(Protocol):
    """The configuration's part in it: who is told, how long the first page waits, what a storm is, what may help."""

    @property
    def routing(self) -> Routing: ...

    @property
    def settle(self) -> timedelta: ...

    @property
    def storms(self) -> Storms | None: ...

    @property
    def remedies(self) -> Remedies: ...


def join(placed: Iterable[Placed], work: WorkingSet, rules: Opening, now: datetime, traceparent: str) -> None:
    """Opens an incident for each key that has none, then adds all alerts of a key in one event."""
    groups: dict[tuple[str, str], list[Placed]] = {}
    for placement, occurrence in placed:
        groups.setdefault((placement.incident, placement.key), []).append((placement, occurrence))
    for members in groups.values():
        placement = members[0][0]
        worst = max([occurrence for _, occurrence in members], key=lambda occurrence: occurrence.severity.rank)
        incident = _incident(placement, worst, work, rules, now, traceparent)
        incident = work.decided(incident, step(incident, _joined(members, worst), now), now)
        for _, occurrence in members:
            work.keep(occurrence.in_incident(incident.id))
        if rules.remedies.any_for(occurrence for _, occurrence in members):
            work.outcome.effects.append(ConsiderRunbooks(incident.id, now))
        for adoption in dict.fromkeys(adoption for one, _ in members for adoption in one.adopts):
            adopt(incident.id, adoption, work, now)


def _joined(members: Sequence[Placed], worst: Occurrence) -> AlertsJoined:
    """One event for all; where they joined for different reasons, each alert has its own."""
    first = members[0][0]
    if all(one is first or one == first for one, _ in members):
        refs = tuple([AlertRef(occurrence.id, occurrence.name) for _, occurrence in members])
        return AlertsJoined(refs, worst.severity, first.why, first.follows, first.odds)
    refs = tuple([AlertRef(o.id, o.name, one.why, one.follows, one.odds) for one, o in members])
    return AlertsJoined(refs, worst.severity, first.why, first.follows, first.odds)


def _incident(
    placement: Placement,
    worst: Occurrence,
    work: WorkingSet,
    rules: Opening,
    now: datetime,
    traceparent: str,
) -> Incident:
    """The incident of a placement, opened now if there is none; `worst` gives it its title.

    One that is over comes back for what began before its end.
    """
    known = _known(placement, work)
    if known is None and rules.storms is not None:
        placement = rules.storms.fold(placement, worst, work, now)
        known = _known(placement, work)
    if known is not None and known.status is not IncidentStatus.RESOLVED:
        return known
    if known is not None:
        reason = placement.reopens or f"{worst.name} belongs to it"
        return work.decided(known, step(known, Reopened(reason), now), now)
    storms = rules.storms if placement.key.startswith(STORM) else None
    waits = max(rules.settle, rules.remedies.hold(worst))
    plan = _settled(rules.routing.escalation(worst.labels, worst.tenant, now), waits)
    opened = Opened(
        tenant=worst.tenant,
        source=worst.source,
        key=placement.key,
        title=storms.title() if storms else worst.summary,
        escalation=plan.steps,
        reason=placement.reason if placement.root else "no open incident of its group",
        traceparent=traceparent,
        root=placement.root,
        plan=plan,
        labels=tuple(sorted(worst.labels.items())),
    )
    incident = Incident(placement.incident or new_id("incident", worst.id))
    incident = work.decided(incident, step(incident, opened, now), now)
    return storms.begins(incident, work, now) if storms else incident


def _known(placement: Placement, work: WorkingSet) -> Incident | None:
    return work.home(placement.incident) or work.incidents.get(work.open_by_key.get(placement.key, ""))


def _settled(plan: Escalation, settle: timedelta) -> Escalation:
    """The escalation; its first step waits until causes that come late have come, and for a runbook that may help."""
    if not plan.steps or plan.steps[0].after >= settle:
        return plan
    first = plan.steps[0]
    return replace(plan, steps=(replace(first, after=settle), *plan.steps[1:]))
