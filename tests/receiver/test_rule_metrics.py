"""What `/metrics` tells of rules and of people's response follows from the events that are committed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from receiver.engine.events import (
    Acknowledged,
    AlertRef,
    AlertsJoined,
    AlertsResolved,
    AnyEvent,
    Escalated,
    FlappingBegan,
    NoiseMarked,
    Opened,
    Resolved,
)
from receiver.engine.incident import Incident
from receiver.engine.message_events import MessageSent
from receiver.engine.occurrence import Occurrence
from receiver.engine.policy import step
from receiver.engine.working_set import Outcome
from receiver.metrics import Metrics
from receiver.people.directory import Directory
from receiver.people.settings import UserSettings
from receiver.rule_metrics import MOST_RULES
from tests.receiver.bodies import alert, body
from tests.receiver.harness import receiver
from tocsin.model import Labels, Severity

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DISK = AlertRef("d1", "DiskFull")
LABELS: Labels = {"alertname": "DiskFull", "owner": "ops"}
OPENED = Opened("acme", "am", "k", "Full", (), "new", labels=tuple(LABELS.items()))
JOINED = AlertsJoined((DISK,), Severity.CRITICAL, "new")


def occurrence(labels: Labels = LABELS) -> Occurrence:
    return Occurrence("d1", "i", "acme", "am", "f", labels, {}, "", NOON)


def tell(metrics: Metrics, events: Sequence[AnyEvent], name: str = "i1", began: datetime = NOON) -> None:
    """Commits events of one incident, a minute apart; the alert's labels are known when it joins."""
    incident = Incident(name)
    for minutes, event in enumerate(events):
        outcome, at = Outcome(), began + timedelta(minutes=minutes)
        if isinstance(event, AlertsJoined):
            outcome.occurrences["d1"] = occurrence()
        outcome.record(incident, step(incident, event, at), at)
        incident = outcome.incidents.get(name, incident)
        metrics.observe(outcome)


def told(metrics: Metrics, metric: str, *labels: str) -> dict[tuple[str, ...], float]:
    """Every series of a metric that is above 0, by these labels."""
    return {
        tuple(sample.labels[label] for label in labels): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == f"tocsin_receiver_{metric}" and sample.value
    }


BECAME = [
    ("somebody takes it", (Acknowledged("ann"), AlertsResolved((DISK,))), {"acknowledged": 1}),
    ("it is over before", (AlertsResolved((DISK,)),), {"unattended": 1}),
    ("somebody ends it at once", (Resolved("ann", via="api"),), {}),
    (
        "it is noise, and flaps",
        (NoiseMarked(DISK, "bob"), FlappingBegan(DISK, "often")),
        {"dismissed": 1, "flapped": 1},
    ),
    ("two people take it", (Acknowledged("ann"), Acknowledged("bob")), {"acknowledged": 1}),
]


@pytest.mark.parametrize(("events", "expected"), [c[1:] for c in BECAME], ids=[c[0] for c in BECAME])
def test_what_becomes_of_alerts_is_counted_by_rule(events: Sequence[AnyEvent], expected: dict[str, float]) -> None:
    """Under the rule's name and its owner, also where an event does not say whose it is."""
    metrics = Metrics()
    tell(metrics, [OPENED, JOINED, *events])
    counted = {("acme", "DiskFull", "ops", event): count for event, count in expected.items()}
    begun = {("acme", "DiskFull", "ops", event): 1.0 for event in ("opened", "joined")}
    assert told(metrics, "rule_alerts_total", "tenant", "alertname", "owner", "event") == begun | counted


def test_what_a_person_opens_is_no_rules() -> None:
    """An incident without an alert's name is not counted by rule."""
    metrics = Metrics()
    tell(metrics, [Opened("acme", "hand", "k", "It burns", (), "new", severity=Severity.CRITICAL)])
    assert told(metrics, "rule_alerts_total", "alertname") == {}


def test_names_from_outside_are_bounded() -> None:
    """After a thousand rules the others are counted together, and those that are known go on."""
    metrics = Metrics()
    for number in range(MOST_RULES + 2):
        labels = (("alertname", f"R{number}"),)
        tell(metrics, [Opened("acme", "am", f"k{number}", "t", (), "new", labels=labels)], name=f"i{number}")
    tell(metrics, [Opened("acme", "am", "k", "t", (), "new", labels=(("alertname", "R0"),))], name="again")
    counted = told(metrics, "rule_alerts_total", "alertname")
    assert len(counted) == MOST_RULES + 1
    assert (counted["others",], counted["R0",]) == (2, 2)


def test_times_are_told_by_severity() -> None:
    """Under the severity that the incident has when somebody answers."""
    metrics = Metrics()
    tell(metrics, [OPENED, JOINED, Acknowledged("ann"), AlertsResolved((DISK,))])
    assert told(metrics, "time_to_acknowledge_seconds_sum", "severity") == {("critical",): 120}
    assert told(metrics, "time_to_resolve_seconds_sum", "severity") == {("critical",): 180}


PAGES = [(3, "ann", "day"), (4, "bob", "night"), (21, "ann", "night"), (21, "bob", "day"), (23, "", "night")]


@pytest.mark.parametrize(("hour", "person", "hours"), PAGES)
def test_a_night_is_where_the_person_is(hour: int, person: str, hours: str) -> None:
    """22 to 6 o'clock in the person's own zone; UTC for a channel that is nobody's own; updates are no pages."""
    metrics, began = Metrics(), NOON.replace(hour=hour)
    metrics.expect_people({"ann": ZoneInfo("Asia/Kolkata"), "bob": ZoneInfo("America/New_York")})
    sent = [MessageSent("sms", message, "i1/x", person=person) for message in ("page", "update")]
    tell(metrics, [OPENED, JOINED, *sent], began=began)
    assert told(metrics, "pages_total", "person", "channel", "hours") == {(person, "sms", hours): 1}


def test_escalations_are_counted_by_step() -> None:
    """The first step is 1; those beyond the ninth are told together."""
    metrics = Metrics()
    incident = Incident("i1")
    for number in (0, 1, 8, 11):
        outcome = Outcome(incidents={"i1": incident})
        outcome.record(incident, step(incident, Escalated(number, ("sms",), "due"), NOON), NOON)
        metrics.observe(outcome)
    assert told(metrics, "escalations_total", "step") == {("1",): 1, ("2",): 1, ("9",): 2}


def test_where_people_are_stands_in_the_configuration() -> None:
    """A user's `timezone` tells the nights; those who say nothing are in UTC."""
    directory = Directory({"ann": UserSettings(timezone="Asia/Kolkata"), "bob": UserSettings()})
    assert directory.zones == {"ann": ZoneInfo("Asia/Kolkata"), "bob": ZoneInfo("UTC")}


async def test_a_running_receiver_tells_of_rules(tmp_path: Path) -> None:
    """An alert that comes by webhook and goes again before anybody took it, under its owner; a repeat counts once."""
    async with receiver(tmp_path) as tocsin:
        for _ in range(2):
            await tocsin.post(body(alert(owner="media"), alert(owner="media", instance="b")))
        await tocsin.post(body(alert(owner="media", end=60), alert(owner="media", instance="b", end=60)))
        text = await (await tocsin.client.get("/metrics")).text()
    labels = 'alertname="PlayerErrors",event="{}",owner="media",tenant="default"'
    for event, count in (("joined", 2), ("opened", 1), ("unattended", 1)):
        assert f"tocsin_receiver_rule_alerts_total{{{labels.format(event)}}} {count}.0" in text.splitlines()
