"""The receiver's own metrics; a registry of its own, so that nothing is global."""

from __future__ import annotations

import sys
from collections import Counter as Tally
from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from receiver.engine.effects import Send
from receiver.engine.events import (
    AnyEvent,
    Escalated,
    NobodyReached,
    Opened,
    SlaBroken,
    SlaWarned,
)
from receiver.engine.held import Kind
from receiver.engine.message_events import MessageDelivered, MessageDiverted, MessageFailed, MessageSent, MessageSkipped
from receiver.engine.working_set import Outcome
from receiver.healing_metrics import HealingMetrics
from receiver.response_metrics import ResponseMetrics
from receiver.rule_metrics import RuleMetrics

MESSAGE_STATES = ("pending", "sending", "sent", "delivered", "skipped", "retried", "dead")
COMMIT_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Everything that `/metrics` tells."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.bodies = self._counter("bodies_received", "Webhook requests that came in, refused ones included.")
        self.committed = self._counter("bodies_committed", "Webhook bodies that were accepted, durably.")
        self.received = self._counter("alerts_received", "Alerts in webhook bodies that were accepted.")
        self.processed = self._counter("alerts_processed", "Alerts that the engine has taken in for good.")
        self.refused = self._counter("bodies_refused", "Webhook bodies not accepted, by reason.", "reason")
        self.api_refused = self._counter("api_refused", "Calls of the API that were refused, by reason.", "reason")
        self.turned_away = self._counter(
            "connections_turned_away", "Connections closed or refused because max_connections were open already."
        )
        self.suppressed = self._counter("alerts_suppressed", "Alerts that told nobody anything, by reason.", "reason")
        for kind in Kind:
            self.suppressed.labels(kind.value)  # from zero, so that the first one is an increase
        self.quarantined = self._counter("bodies_quarantined", "Accepted bodies that could not be understood.")
        self.messages = self._counter(
            "messages", "Messages to people, by channel and what became of them.", "channel", "state"
        )
        self.purged = self._counter("purged_rows", "Rows taken away because their retention was over, by kind.", "kind")
        self.inbox_depth = Gauge(
            "tocsin_receiver_inbox_depth", "Bodies accepted and not yet processed.", registry=self.registry
        )
        self.incidents = Gauge(
            "tocsin_receiver_incidents", "Incidents kept.", ["status", "severity"], registry=self.registry
        )
        self.opened = self._counter(
            "incidents_opened", "Incidents that opened, by tenant and the severity they then had.", "tenant", "severity"
        )
        self.engine = self._gauge("engine_active", "1 on the one replica that processes the inbox, 0 on the others.")
        self.inbox_oldest = self._gauge("inbox_oldest_seconds", "Age of the oldest body not yet processed; 0: none.")
        self.engine_failing = self._gauge("engine_failing", "1 while the engine waits for a store that fails.")
        self.jobs_due = self._gauge("jobs_due", "Timers and messages whose time has come and that nobody has begun.")
        self.jobs_oldest = self._gauge("jobs_oldest_due_seconds", "How late the oldest of them is; 0: none is due.")
        self.dead = self._gauge("messages_dead", "Messages that were given up and not yet put back (dead letters).")
        self.inflight = self._gauge("inflight_bytes", "Held in memory by bodies that arrive or wait for their commit.")
        self.store_bytes = self._gauge("store_bytes", "Size of the store.")
        self.commit_seconds = self._seconds("commit_seconds", "Time from a whole body to its durable commit.")
        self.post_seconds = self._seconds(
            "post_seconds", "Time from a webhook request's head to the durable commit of its body, the upload included."
        )
        self.processing_seconds = self._seconds(
            "processing_seconds", "Time from a whole body to the commit of what it meant: incidents, timers, messages."
        )
        self.nobody_reached = self._counter(
            "nobody_reached_total",
            "Steps of an escalation that meant nobody; the default route's people were told, if any.",
        )
        self.sla = self._counter(
            "sla_total", "Times that an SLA's time ran out, by term; a warning comes first.", "term", "state"
        )
        self.healing = HealingMetrics(self.registry)
        self.response, self.rules = ResponseMetrics(self.registry), RuleMetrics(self.registry)

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(f"tocsin_receiver_{name}", help_text, labels, registry=self.registry)

    def _gauge(self, name: str, help_text: str, *labels: str) -> Gauge:
        return Gauge(f"tocsin_receiver_{name}", help_text, labels, registry=self.registry)

    def _seconds(self, name: str, help_text: str) -> Histogram:
        return Histogram(f"tocsin_receiver_{name}", help_text, buckets=COMMIT_SECONDS, registry=self.registry)

    def built(self, version: str) -> None:
        """Tells which build this is, and what the process uses of the machine."""
        python = sys.version.split()[0]
        info = self._gauge("build_info", "Always 1; the labels tell the version.", "version", "python")
        info.labels(version, python).set(1)
        ProcessCollector(registry=self.registry)

    def took(self, received: Iterable[datetime], now: datetime) -> None:
        """Counts bodies that the engine is done with, by when each was received."""
        for at in received:
            self.processing_seconds.observe(max(0.0, (now - at).total_seconds()))

    def observe(self, outcome: Outcome) -> None:
        """Counts what a committed outcome says; called after the commit, never before."""
        for recorded in outcome.events:
            incident = outcome.incidents[recorded.incident]
            self._count_message(recorded.event)
            self.healing.observe(recorded.event, incident)
            self.response.observe(recorded, incident)
            self.rules.observe(recorded, outcome)
            match recorded.event:
                case Opened(tenant=tenant):
                    self.opened.labels(tenant, incident.severity.value).inc()
                case NobodyReached() | Escalated(by_default=True):
                    self.nobody_reached.inc()
                case SlaWarned(term=term):
                    self.sla.labels(term, "warned").inc()
                case SlaBroken(term=term):
                    self.sla.labels(term, "broken").inc()
        for effect in outcome.effects:
            if isinstance(effect, Send):
                self.messages.labels(effect.channel, "pending").inc()

    def _count_message(self, event: AnyEvent) -> None:
        match event:
            case MessageSent(channel=channel):
                self.messages.labels(channel, "sent").inc()
            case MessageSkipped(channel=channel) | MessageDiverted(channel=channel):
                self.messages.labels(channel, "skipped").inc()
            case MessageFailed(channel=channel):
                self.messages.labels(channel, "dead").inc()
            case MessageDelivered(channel=channel):
                self.messages.labels(channel, "delivered").inc()

    def expect_channels(self, channels: Iterable[str]) -> None:
        """Starts each channel's counts at 0, so that the first failure is an increase and not a new series."""
        for channel in channels:
            for state in MESSAGE_STATES:
                self.messages.labels(channel, state)

    def expect_people(self, zones: Mapping[str, tzinfo]) -> None:
        """Says where people are: it tells the nights of each."""
        self.response.zones = zones

    def held_back(self, reasons: Tally[str]) -> None:
        for reason, count in reasons.items():
            self.suppressed.labels(reason).inc(count)
