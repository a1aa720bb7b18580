"""Incidents that are there before a benchmark begins, each with a timer or a message that waits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from receiver.engine.effects import Effect, Send, SetTimer
from receiver.engine.events import AlertRef, AlertsJoined, Opened
from receiver.engine.incident import Incident
from receiver.engine.occurrence import Occurrence
from receiver.engine.plan import Escalation, EscalationStep
from receiver.engine.policy import Step, step
from receiver.engine.working_set import Outcome
from receiver.store.database import Database
from receiver.store.ledger import Ledger
from tocsin.model import Severity

AT_ONCE = 2_000
SEVERITIES = tuple(Severity)

Waits = Callable[[int, str], Effect]


def timers(first: datetime, every: timedelta) -> Waits:
    """The timer of the first step of each incident, one after the other."""
    return lambda number, incident: SetTimer(incident, 0, first + number * every)


def messages(now: datetime) -> Waits:
    """A page for each incident, due now."""
    return lambda _, incident: Send(incident, "sink", "page", f"{incident}/page/0/sink", now)


async def fill(database: Database, numbers: range, waits: Waits, now: datetime) -> None:
    """Opens an incident for each number, each of one alert."""
    ledger = Ledger(database)
    for start in range(0, len(numbers), AT_ONCE):
        outcome = Outcome()
        for number in numbers[start : start + AT_ONCE]:
            _open(outcome, number, waits, now)
        await ledger.commit(outcome, now)


def _open(outcome: Outcome, number: int, waits: Waits, now: datetime) -> None:
    name, instance = f"i{number:08}", f"waits-{number}"
    steps = (EscalationStep(timedelta(), ("sink",)), EscalationStep(timedelta(hours=8), ("sink",)))
    incident = Incident(name)
    opened = Opened(
        "default",
        "alertmanager",
        f"key-{name}",
        f"{instance} is unwell",
        steps,
        "benchmark",
        plan=Escalation(steps=steps),
    )
    alert = AlertRef(f"a{name}", "Bench")
    for event in (opened, AlertsJoined((alert,), SEVERITIES[number % 3], "benchmark")):
        decided = step(incident, event, now)
        outcome.record(incident, Step(decided.incident, decided.events, (), decided.reason), now)
        incident = decided.incident
    after = incident
    outcome.effects.append(waits(number, after.id))
    outcome.occurrences[alert.id] = Occurrence(
        id=alert.id,
        identity=f"identity-{name}",
        tenant="default",
        source="alertmanager",
        fingerprint=name,
        labels={"alertname": "Bench", "instance": instance, "severity": "warning"},
        annotations={"summary": f"{instance} is unwell"},
        generator_url="",
        starts_at=now,
        incident=name,
    )
