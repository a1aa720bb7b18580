"""Which escalation policy an incident is opened under, by the labels of the alert that opens it and by the hour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from msgspec.structs import replace

from receiver.engine.plan import Escalation, EscalationStep, Sla
from tocsin.labels import Matchers, matches
from tocsin.model import Labels


class Hours(Protocol):
    """Times of the week."""

    def covers(self, at: datetime) -> bool: ...


@dataclass(frozen=True)
class Policy:
    """An escalation and, outside of its hours, the name of the policy that takes its place."""

    escalation: Escalation
    hours: Hours | None = None
    outside: str = ""


@dataclass(frozen=True)
class Route:
    """What matches goes to the policy, or to that of the first inner route which matches, too."""

    policy: str
    matchers: Matchers = ()
    routes: tuple[Route, ...] = ()

    def policy_for(self, labels: Labels) -> str:
        for inner in self.routes:
            if matches(inner.matchers, labels):
                return inner.policy_for(labels) or self.policy
        return self.policy


@dataclass(frozen=True)
class Routing:
    """The policies by name, the tree of routes whose root is the default one, each tenant's SLA."""

    policies: Mapping[str, Policy] = field(default_factory=dict)
    root: Route = field(default_factory=lambda: Route(""))
    slas: Mapping[str, Sla] = field(default_factory=dict)

    def escalation(self, labels: Labels, tenant: str, now: datetime) -> Escalation:
        """The escalation of what is opened now."""
        return self.named(self.root.policy_for(labels), tenant, now)

    def default(self, tenant: str, now: datetime) -> Escalation:
        """That of the default route: where pages go that reach nobody else."""
        return self.named(self.root.policy, tenant, now)

    def named(self, policy: str, tenant: str, now: datetime) -> Escalation:
        """A policy's escalation at this hour, with the tenant's SLA; an empty one for a name that there is not."""
        seen: set[str] = set()
        found = self.policies.get(policy)
        while found is not None and found.outside and found.hours is not None and not found.hours.covers(now):
            seen.add(policy)
            policy = found.outside
            if policy in seen:  # checked when the configuration is read; never loop all the same
                break
            found = self.policies.get(policy)
        escalation = found.escalation if found is not None else Escalation()
        sla = self.slas.get(tenant)
        return escalation if sla is None else replace(escalation, sla=sla)


def always(*steps: EscalationStep) -> Routing:
    """One policy for everything."""
    return Routing({"": Policy(Escalation(steps=steps))})
