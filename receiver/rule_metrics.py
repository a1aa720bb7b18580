"""What `/metrics` tells of alert rules: what became of the alerts of each, so that the loud and useless ones show."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter

from receiver.engine.events import (
    Acknowledged,
    AlertRef,
    AlertsJoined,
    FlappingBegan,
    NoiseMarked,
    Opened,
    Reopened,
    Resolved,
    Snoozed,
)
from receiver.engine.incident import Incident
from receiver.engine.working_set import Outcome, Recorded

MOST_RULES = 1000  # names come from outside: what goes beyond is counted together
OTHERS = "others"
BY_ITSELF = frozenset({"alertmanager", "reconciler"})  # who resolves what nobody touched


class RuleMetrics:
    """Counts by tenant, alert name and the alert's label `owner`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.alerts = Counter(
            "tocsin_receiver_rule_alerts",
            "What became of the alerts of each rule: joined (part of an incident now), flapped, dismissed (a person "
            "said that it is noise); of incidents that they began: opened, acknowledged, unattended (over before "
            "anybody took it).",
            ["tenant", "alertname", "owner", "event"],
            registry=registry,
        )
        self._owners: dict[tuple[str, str], str] = {}  # as the alerts said that were last seen
        self._known: set[tuple[str, str, str]] = set()

    def observe(self, recorded: Recorded, outcome: Outcome) -> None:
        """Counts an event that is committed, with the rest of its outcome."""
        incident = outcome.incidents[recorded.incident]
        match recorded.event:
            case AlertsJoined(alerts=alerts):
                for alert in alerts:
                    self._count_alert(alert, incident, outcome, "joined")
            case FlappingBegan(alert=alert):
                self._count_alert(alert, incident, outcome, "flapped")
            case NoiseMarked(alert=alert):
                self._count_alert(alert, incident, outcome, "dismissed")
            case Opened() | Reopened():
                self._count_opener(incident, "opened")
            case Acknowledged() | Snoozed() if incident.acknowledged_at == recorded.at:
                self._count_opener(incident, "acknowledged")
            case Resolved(by=by) if by in BY_ITSELF and incident.acknowledged_at is None:
                self._count_opener(incident, "unattended")

    def _count_alert(self, alert: AlertRef, incident: Incident, outcome: Outcome, event: str) -> None:
        found = outcome.occurrences.get(alert.id)
        owner = self._owners.get((incident.tenant, alert.name), "")
        self._count(incident.tenant, alert.name, owner if found is None else found.labels.get("owner", ""), event)

    def _count_opener(self, incident: Incident, event: str) -> None:
        """One that a person opened is no rule's."""
        labels = dict(incident.labels)
        if name := labels.get("alertname"):
            self._count(incident.tenant, name, labels.get("owner", ""), event)

    def _count(self, tenant: str, name: str, owner: str, event: str) -> None:
        rule = (tenant, name, owner)
        if rule not in self._known:
            if len(self._known) >= MOST_RULES:
                self.alerts.labels(tenant, OTHERS, "", event).inc()
                return
            self._known.add(rule)
        self._owners[tenant, name] = owner
        self.alerts.labels(*rule, event).inc()
