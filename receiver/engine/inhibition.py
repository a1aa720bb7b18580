"""Inhibition by dependency: a caller's alert pages nobody while what it depends on has an open incident."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from pydantic import Field

from receiver.engine.held import Hold, Kind
from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.occurrence import Occurrence
from receiver.engine.topology import Topology
from tocsin.config import Duration, Settings
from tocsin.model import Severity

Causes = Mapping[tuple[str, str], Mapping[str, str]]


class InhibitionSettings(Settings):
    """Which incidents hold back the alerts of callers, and for how long after their end."""

    severity: Severity = Field(Severity.CRITICAL, description="How bad the dependency's incident must be, at least.")
    hops: int = Field(3, ge=1, le=10, description="How far away the dependency may be.")
    settle: Duration = Field(timedelta(minutes=2), description="After the cause's end, the time to recover.")

    def rules(self, topology: Topology) -> Inhibition:
        return Inhibition(topology, self.severity, self.hops, self.settle)


@dataclass(frozen=True, slots=True)
class Inhibition:
    """The declared topology, and how it is used to hold back."""

    topology: Topology
    severity: Severity = Severity.CRITICAL
    hops: int = 3
    settle: timedelta = timedelta(minutes=2)
    _nothing: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False, repr=False)

    def node_of(self, occurrence: Occurrence) -> str:
        return occurrence.labels.get(self.topology.label, "")

    def cause_of(self, occurrence: Occurrence) -> str:
        """The node of an alert that can hold others back; empty for one on which nothing depends."""
        node = self.node_of(occurrence)
        return node if node in self.topology.depended_on else ""

    def ways(self, node: str) -> Mapping[str, tuple[str, ...]]:
        """What a node depends on, nearest first, each with the way there."""
        return self.topology.dependencies(node, self.hops) if node else self._nothing


def inhibited(
    occurrence: Occurrence, rules: Inhibition, causes: Causes, incident: Callable[[str], Incident | None]
) -> Hold | None:
    """Held by the oldest incident that is open on the nearest dependency."""
    node = rules.node_of(occurrence)
    for dependency, way in rules.ways(node).items():
        found = {incident(one) for one in causes.get((occurrence.tenant, dependency), {}).values()}
        fit = [one for one in found if one is not None and _holds(one, rules)]
        if fit:
            cause = min(fit, key=lambda one: (one.opened_at, one.id))
            through = f" (by way of {', '.join(way[:-1])})" if len(way) > 1 else ""
            reason = f"{node} depends on {dependency}{through}, which has the incident {cause.id}: {cause.title}"
            return Hold(Kind.INHIBITED, cause.id, reason)
    return None


def _holds(incident: Incident, rules: Inhibition) -> bool:
    return incident.status is not IncidentStatus.RESOLVED and incident.severity.rank >= rules.severity.rank
