"""What the receiver would have told: its own registry, moved along by the events of a made-up day of incidents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from grafana.source.world.samples import Samples
from receiver.engine.events import (
    Acknowledged,
    AlertRef,
    AlertsJoined,
    AnyEvent,
    Escalated,
    FlappingBegan,
    NoiseMarked,
    Opened,
    Resolved,
    SlaBroken,
    SlaWarned,
)
from receiver.engine.held import Kind
from receiver.engine.incident import Incident as Folded
from receiver.engine.incident import apply
from receiver.engine.message_events import MessageSent
from receiver.engine.occurrence import Occurrence
from receiver.engine.working_set import Outcome, Recorded
from receiver.heartbeats.watch import HeartbeatMetrics
from receiver.metrics import Metrics
from receiver.reconcile.reconciler import ReconcileMetrics
from tocsin.clock import SystemClock
from tocsin.model import Severity
from tocsin.reload import Reloader

TARGET = {"job": "tocsin-receiver", "instance": "receiver:9095"}
CHANNELS = ("chat", "mail", "pager")
PEOPLE = {"ann": "Europe/Berlin", "bob": "America/New_York", "kim": "Asia/Seoul"}
BEGAN = {  # rule, owner and severity of the alert that a fault's incident begins with
    "codec-regression": ("AudioCodecErrorsHigh", "media", "critical"),
    "login-brute-force": ("SecurityBruteForce", "security", "critical"),
}
FOLLOWED = {
    "codec-regression": (("AudioCodecFallbacksHigh", "media"), ("AudioQualityUnusual", "media")),
    "login-brute-force": (("SecurityAccountLockouts", "security"), ("SecurityScannerActive", "security")),
}
STEP = 60
SECOND_STEP = 300.0  # seconds after which the next person is told, if nobody has it
SHARES = {"committed": 0.004, "posted": 0.006, "processed": 0.03}  # seconds, the median


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident, begun by an alert of a rule; times in seconds after it opened, `acknowledged` None: nobody did.

    `also` are rules whose alerts became part of it, and their owners; `run` is how a runbook for it ended.
    """

    opened: float
    rule: str
    owner: str
    severity: str
    acknowledged: float | None
    resolved: float
    alerts: int = 4
    also: tuple[tuple[str, str], ...] = ()
    flapped: bool = False
    dismissed: bool = False
    run: str = ""
    tenant: str = "listen"
    person: str = "ann"


def usual(start: float, fault: float) -> list[Incident]:
    """A quiet stretch with small troubles, some of them noise, and the fault with two incidents that people work on."""

    def at(share: float) -> float:
        return start + share * (fault - start)

    slow, disk, pods = "HttpLatencyAnomalous", "NodeFilesystemFullWithinADay", "KubernetesPodCrashLooping"
    nervous = [
        Incident(at(share), slow, "web", "warning", None, 260, 2, flapped=share > 0.5)
        for share in (0.09, 0.3, 0.52, 0.8)
    ]
    return [
        *nervous,
        Incident(at(0.12), "KafkaConsumerLagUnusual", "platform", "warning", 240, 1500, 3, person="kim"),
        Incident(at(0.31), disk, "platform", "info", None, 420, 1, dismissed=True),
        Incident(at(0.42), pods, "platform", "warning", None, 900, 2, run="succeeded", person="kim"),
        Incident(at(0.55), "HttpErrorRatioHigh", "web", "critical", 95, 2700, 6, run="failed", person="bob"),
        Incident(at(0.74), "BusinessPlaysAnomalous", "product", "warning", 610, 3300, 1, dismissed=True),
        Incident(at(0.9), pods, "platform", "warning", None, 1100, 2, run="succeeded"),
        Incident(
            fault + 150, "PostgresqlConnectionsExhausted", "database", "critical", 130, 86_400, 18,
            also=(("HttpErrorRatioHigh", "web"), ("SloAvailabilityPageQuick", "web"),
                  ("BusinessPaymentsFailing", "product")),
            run="rejected",
        ),
        Incident(fault + 420, "KafkaConsumerFarBehind", "platform", "warning", 900, 86_400, 6, person="kim"),
    ]  # fmt: skip


def of_earlier(end: float, faults: Sequence[tuple[str, float, float]]) -> list[Incident]:
    """The incidents of faults that are over: names, how many seconds before the end they began, how long they were."""
    return [
        Incident(end - ago + 180, *BEGAN[name], acknowledged=200, resolved=long, also=FOLLOWED[name], person="bob")
        for name, ago, long in faults
    ]


def tell(samples: Samples, start: float, end: float, incidents: Sequence[Incident], seed: int = 7) -> None:
    """Every minute from start to end, as one scrape each."""
    metrics, rng = Metrics(), np.random.default_rng(seed)
    metrics.expect_channels(CHANNELS)
    metrics.expect_people({name: ZoneInfo(zone) for name, zone in PEOPLE.items()})
    metrics.built("0.1.0")
    metrics.engine.set(1)
    Reloader(lambda: None, _taken, registry=metrics.registry, clock=SystemClock())
    heartbeats, compared = HeartbeatMetrics(metrics.registry), ReconcileMetrics(metrics.registry)
    compared.expect("alertmanager")
    courses = [_Course(one, list(_happens(one))) for one in incidents]
    for now in np.arange(start, end, STEP).tolist():
        firing = sum(one.alerts for one in incidents if one.opened <= now < one.opened + one.resolved)
        _bodies(metrics, rng, 2 + firing)
        for course in courses:
            course.go_on(metrics, now)
        _count(metrics, incidents, now)
        compared.polls.labels("alertmanager", "complete").inc()
        heartbeats.heard.labels("watchdog").set(now - 20)
        heartbeats.silent.labels("watchdog").set(0)
        if now % 3600 < STEP:
            metrics.purged.labels("inbox").inc(int(rng.poisson(180)))
        samples.scrape(metrics.registry, TARGET, now)


async def _taken(config: None) -> None:
    """Takes a configuration that never changes."""


@dataclass(slots=True)
class _Course:
    """An incident's events that are still to come, and what they add up to so far."""

    one: Incident
    left: list[tuple[float, AnyEvent]]
    folded: Folded = field(default_factory=lambda: Folded("i"))

    def go_on(self, metrics: Metrics, now: float) -> None:
        """Everything until now happens."""
        while self.left and self.left[0][0] <= now:
            at, event = self.left.pop(0)
            moment = datetime.fromtimestamp(at, UTC)
            self.folded = apply(self.folded, event, moment)
            recorded = Recorded(self.folded.id, self.folded.version, moment, event)
            alerts = {rule: _alert(rule, owner, moment) for rule, owner in self.one.also}
            metrics.observe(Outcome(alerts, {self.folded.id: self.folded}, [recorded]))
            if isinstance(event, Opened) and self.one.run:
                _ran(metrics, self.one.run)


def _alert(rule: str, owner: str, at: datetime) -> Occurrence:
    return Occurrence(rule, rule, "listen", "demo", rule, {"alertname": rule, "owner": owner}, {}, "", at)


def _happens(one: Incident) -> Iterator[tuple[float, AnyEvent]]:
    """The events of an incident and their Unix times, in order."""
    labels = (("alertname", one.rule), ("owner", one.owner))
    severity, root = Severity(one.severity), AlertRef("a", one.rule)
    opened = Opened(one.tenant, "demo", "k", one.rule, (), "new", severity=severity, labels=labels)
    refs = [root, *(AlertRef(rule, rule) for rule, _ in one.also)]
    channels = CHANNELS[: 3 if one.severity == "critical" else 2]
    found: list[tuple[float, AnyEvent]] = [
        (0, opened),
        (0, AlertsJoined(tuple(refs), severity, "new")),
        (20, Escalated(0, channels, "opened")),
        *((21, MessageSent(channel, "page", "p", person=one.person)) for channel in channels),
    ]
    if one.acknowledged is None or one.acknowledged > SECOND_STEP:
        found += [(SECOND_STEP, SlaWarned("acknowledge", datetime.fromtimestamp(one.opened + SECOND_STEP, UTC)))]
        if one.resolved > SECOND_STEP:
            second = MessageSent("pager", "page", "q", person="bob")
            found += [(SECOND_STEP, Escalated(1, ("pager",), "nobody acknowledged")), (SECOND_STEP + 1, second)]
    if one.acknowledged is not None:
        found.append((one.acknowledged, Acknowledged(one.person)))
        if one.acknowledged > 2 * SECOND_STEP:
            found.append((601, SlaBroken("acknowledge", datetime.fromtimestamp(one.opened + 600, UTC))))
    if one.flapped:
        found.append((200, FlappingBegan(root, "seven changes within 30 minutes")))
    if one.dismissed:
        found.append((120, NoiseMarked(root, "bob")))
    found += [(one.resolved, Resolved("alertmanager")), (one.resolved, MessageSent("mail", "resolved", "r"))]
    return iter(sorted(((one.opened + after, event) for after, event in found), key=lambda pair: pair[0]))


def _ran(metrics: Metrics, outcome: str) -> None:
    """A runbook ran for an incident, or would have."""
    healing, book = metrics.healing, "restart-crash-looping-deployment"
    if outcome == "rejected":
        book = "fail-over-to-read-replica"
    else:
        healing.actions.labels(book, "restart", outcome).inc()
    healing.runs.labels(book, outcome).inc()
    if outcome == "succeeded":
        healing.saved.labels(book).inc(900)
    if outcome == "failed":
        healing.in_vain.labels(book).inc()


def _bodies(metrics: Metrics, rng: np.random.Generator, alerts: int) -> None:
    """Alertmanager repeats what fires every minute; most of it tells nobody anything new."""
    bodies = 1 + alerts // 4
    metrics.bodies.inc(bodies)
    metrics.committed.inc(bodies)
    metrics.received.inc(alerts)
    metrics.processed.inc(alerts)
    metrics.held_back(Counter({Kind.INHIBITED: (alerts - 2) // 4}))
    for _ in range(bodies):
        metrics.commit_seconds.observe(SHARES["committed"] * rng.lognormal(0, 0.5))
        metrics.post_seconds.observe(SHARES["posted"] * rng.lognormal(0, 0.5))
        metrics.processing_seconds.observe(SHARES["processed"] * rng.lognormal(0, 0.4))
    metrics.inbox_depth.set(int(rng.poisson(0.2)))
    metrics.store_bytes.set(48e6)


def _count(metrics: Metrics, incidents: Sequence[Incident], now: float) -> None:
    metrics.incidents.clear()
    metrics.response.unresolved.clear()
    for one in incidents:
        if one.opened <= now:
            status = _status(one, now)
            metrics.incidents.labels(status, one.severity).inc()
            if status != "resolved":
                metrics.response.unresolved.labels(one.tenant, status, one.severity).inc()


def _status(one: Incident, now: float) -> str:
    if now >= one.opened + one.resolved:
        return "resolved"
    answered = one.acknowledged is not None and now >= one.opened + one.acknowledged
    return "acknowledged" if answered else "open"
