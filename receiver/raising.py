"""An incident that a person opens, without an alert: which route it takes, who is told of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from receiver.access.principal import Principal
from receiver.decide import Decider
from receiver.engine.events import AnyEvent, Commented, Opened
from receiver.engine.incident import Incident
from receiver.engine.ingest import tenant_in
from receiver.engine.plan import Escalation
from receiver.respond import WAIT_AFTER_REASSIGNING, Forbidden, Responder
from tocsin.clock import Clock
from tocsin.model import Severity

SOURCE = "people"  # of what no Alertmanager sent


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody says of an incident that no alert tells of."""

    title: str
    severity: Severity = Severity.WARNING
    tenant: str = ""
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    notify: tuple[str, ...] = ()  # targets that are told at once, before the policy's
    policy: str = ""  # instead of the one that the labels choose


class Raising:
    """Opens incidents by hand, under the configuration that the responder has."""

    def __init__(
        self, decider: Decider, responder: Responder, clock: Clock, *, tenant_label: Callable[[], str]
    ) -> None:
        """`tenant_label`: of the configuration as it is then."""
        self._decider = decider
        self._responder = responder
        self._clock = clock
        self._tenant_label = tenant_label

    async def open(self, openings: Mapping[str, Sequence[AnyEvent]]) -> dict[str, tuple[Incident, bool]]:
        """The incidents of these ids, opened now where there are none, and whether they were; all or none.

        Raises:
            StoreUnavailable: none was opened.
        """
        return await self._decider.open(openings)

    def opening(self, incident_id: str, wanted: Wanted, who: Principal) -> list[AnyEvent]:
        """The first events of an incident.

        Raises:
            Forbidden: they may not, for this tenant.
            NotPossible: it names a policy or somebody that there is not.
        """
        label = self._tenant_label()
        only = next(iter(who.tenants)) if who.tenants is not None and len(who.tenants) == 1 else ""
        tenant = wanted.tenant or wanted.labels.get(label) or only or tenant_in({}, label)
        if not who.may("incidents:write", tenant):
            raise Forbidden(f"{who.name} may not open incidents for the tenant {tenant}: incidents:write is missing")
        labels = {"severity": wanted.severity.value, **wanted.labels, label: tenant}
        plan = self._plan(wanted, labels, tenant)
        opened = Opened(
            tenant=tenant,
            source=SOURCE,
            key=f"{SOURCE}/{incident_id}",
            title=wanted.title,
            escalation=plan.steps,
            reason=f"{who.name} opened it by hand",
            plan=plan,
            by=who.name,
            severity=wanted.severity,
            labels=tuple(sorted(labels.items())),
        )
        events: list[AnyEvent] = [opened]
        if wanted.description.strip():
            events.append(Commented(who.name, wanted.description.strip(), who.via))
        return events

    def _plan(self, wanted: Wanted, labels: Mapping[str, str], tenant: str) -> Escalation:
        responder = self._responder
        if wanted.policy:
            plan = responder.policy(wanted.policy, tenant)
        else:
            plan = responder.routing.escalation(labels, tenant, self._clock.now())
        if not wanted.notify:
            return plan
        targets = tuple(responder.target(text) for text in wanted.notify)
        return replace(plan, steps=plan.after_telling(targets, WAIT_AFTER_REASSIGNING))
