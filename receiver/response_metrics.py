"""What `/metrics` tells of how people respond: how long it takes, who is paged when, how far it escalates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from receiver.engine.events import Acknowledged, AnyEvent, Escalated, Resolved, Snoozed
from receiver.engine.incident import Incident
from receiver.engine.message_events import MessageSent
from receiver.engine.working_set import Recorded
from tocsin.model import Severity

RESPONSE_SECONDS = (15, 30, 60, 120, 300, 600, 1800, 3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600)
NIGHT_BEGINS, NIGHT_ENDS = 22, 6  # o'clock, where the person is
MOST_STEPS = 9  # of a policy, told apart


class ResponseMetrics:
    """Times by severity, pages by person and hours, escalations by step."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.zones: Mapping[str, tzinfo] = {}  # where each person is; of channels that are nobody's own: UTC
        self.acknowledge = self._seconds("acknowledge", "From opening to acknowledgement.", registry)
        self.resolve = self._seconds("resolve", "From opening to resolution.", registry)
        self.unresolved = Gauge(
            "tocsin_receiver_unresolved_incidents",
            "Incidents that are not over, by tenant.",
            ["tenant", "status", "severity"],
            registry=registry,
        )
        self.pages = Counter(
            "tocsin_receiver_pages",
            "Pages that were sent, by the person (empty: a channel that is nobody's own), the channel, and whether it "
            "was night (22 to 6 o'clock) where that person is.",
            ["person", "channel", "hours"],
            registry=registry,
        )
        self.escalations = Counter(
            "tocsin_receiver_escalations",
            "Steps of escalation policies that were taken; the first one tells of a new incident, the others escalate "
            "it.",
            ["step"],
            registry=registry,
        )

    def _seconds(self, what: str, help_text: str, registry: CollectorRegistry) -> Histogram:
        made = Histogram(
            f"tocsin_receiver_time_to_{what}_seconds", help_text, ["severity"], buckets=RESPONSE_SECONDS,
            registry=registry,
        )  # fmt: skip
        for severity in Severity:
            made.labels(severity.value)  # from zero, so that the first one is an increase
        return made

    def observe(self, recorded: Recorded, incident: Incident) -> None:
        """Counts an event of an incident that is committed; `incident` is as it was left."""
        seconds = (recorded.at - incident.opened_at).total_seconds()
        match recorded.event:
            case Acknowledged() | Snoozed() if incident.acknowledged_at == recorded.at:
                self.acknowledge.labels(incident.severity.value).observe(seconds)
            case Resolved():
                self.resolve.labels(incident.severity.value).observe(seconds)
            case _:
                self._tell(recorded.event, recorded.at)

    def _tell(self, event: AnyEvent, at: datetime) -> None:
        match event:
            case MessageSent(message="page", person=person, channel=channel):
                self.pages.labels(person, channel, self._hours(person, at)).inc()
            case Escalated(step=step):
                self.escalations.labels(str(min(step + 1, MOST_STEPS))).inc()

    def _hours(self, person: str, at: datetime) -> str:
        hour = at.astimezone(self.zones.get(person, UTC)).hour
        return "night" if hour >= NIGHT_BEGINS or hour < NIGHT_ENDS else "day"
