"""Times in which a policy could find nobody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from receiver.engine.plan import Escalation, EscalationStep
from receiver.engine.routing import Policy
from receiver.engine.schedule import Span
from receiver.escalation.holes import holes
from receiver.people.directory import Directory
from receiver.people.settings import UserSettings
from tests.receiver.people.test_directory import WAYS

START = datetime(2026, 11, 16, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass
class Shift:
    start: datetime
    end: datetime
    user: str = "alice"


@dataclass
class Days:
    """From 9 to 17 every day, but for one."""

    without: int = -1

    def shifts(self, start: datetime, end: datetime) -> list[Shift]:
        days = [START + timedelta(days=day) for day in range(7) if day != self.without]
        return [Shift(day + 9 * HOUR, day + 17 * HOUR) for day in days if day + 17 * HOUR > start and day < end]

    def at(self, moment: datetime) -> Shift | None:
        return next((shift for shift in self.shifts(START, moment + HOUR) if shift.start <= moment < shift.end), None)


def policy(*notify: str) -> Policy:
    return Policy(Escalation(steps=tuple(EscalationStep(timedelta(), (one,)) for one in notify)))


def found(directory: Directory, *notify: str, days: int = 1, without: int = -1) -> list[Span]:
    schedules = {"day": Days(without)}
    return [hole.span for hole in holes({"p": policy(*notify)}, directory, schedules, START, START + days * 24 * HOUR)]


def people(**more: object) -> Directory:
    alice = UserSettings.model_validate({"contacts": {"slack": "U0ALICE"}} | more)
    return Directory({"alice": alice}, channels=WAYS)


def test_the_gaps_of_a_schedule() -> None:
    """Outside of its only schedule's shifts a policy finds nobody; another step that finds somebody closes the hole."""
    night = [Span(START, START + 9 * HOUR), Span(START + 17 * HOUR, START + 24 * HOUR)]
    assert found(people(), "schedule:day") == night
    assert found(people(), "schedule:day", "user:alice") == []
    assert found(people(), "schedule:day", "schedule:gone") == night


def test_a_day_off() -> None:
    """Nights and days without a shift are one time."""
    spans = found(people(), "schedule:day", days=3, without=1)
    assert Span(START + 17 * HOUR, START + (48 + 9) * HOUR) in spans


def test_what_only_some_severities_reach() -> None:
    """Somebody who is told of critical incidents alone leaves a hole for all others."""
    picky = people(notification_rules=[{"channel": "chat", "severities": ["critical"]}])
    (hole,) = holes({"p": policy("user:alice")}, picky, {}, START, START + HOUR)
    assert [severity.value for severity in hole.severities] == ["warning", "info"]
    assert hole.missed == ("user:alice: alice: no channel of their notification rules reaches them",)
