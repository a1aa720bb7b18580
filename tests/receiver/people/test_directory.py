"""Who is told how, and who somebody is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from receiver.people.directory import Directory, quiet_until
from receiver.people.settings import RoleSettings, RuleSettings, UserSettings
from tocsin.model import Severity

NOW = datetime(2026, 11, 21, 22, 30, tzinfo=UTC)  # 23:30 in Berlin


@dataclass
class Way:
    """A channel as far as the directory sees it."""

    contact: str = ""
    follows: bool = False


WAYS = {"chat": Way("slack", follows=True), "sms": Way("phone"), "board": Way()}


def user(**settings: Any) -> UserSettings:
    contacts = {"slack": "U0ALICE", "phone": "+4930123456"}
    return UserSettings.model_validate({"contacts": contacts, "timezone": "Europe/Berlin"} | settings)


def directory(alice: UserSettings, **more: Any) -> Directory:
    return Directory(users={"alice": alice}, channels=WAYS, **more)


def rules(*said: dict[str, Any]) -> tuple[RuleSettings, ...]:
    return tuple(RuleSettings.model_validate(one) for one in said)


def told(found: Directory, severity: Severity = Severity.WARNING) -> list[tuple[str, timedelta]]:
    return [(one.address, one.after) for one in found.contacts_of("alice", severity, NOW, "on call")]


def test_own_rules_count_before_everybodys() -> None:
    """Somebody with rules of their own is told by those; an empty list of them means: by nothing of everybody's."""
    everybody = rules({"channel": "sms"})
    own = user(notification_rules=[{"channel": "chat"}, {"channel": "sms", "after": "5m"}])
    assert told(directory(own, rules=everybody)) == [
        ("chat/alice", timedelta()),
        ("sms/alice", timedelta(minutes=5)),
    ]
    assert told(directory(user(), rules=everybody)) == [("sms/alice", timedelta())]


def test_without_any_rules_every_contact_counts() -> None:
    """Nobody is unreachable for want of a rule: each channel that has a contact for them, five minutes apart."""
    assert told(directory(user())) == [("chat/alice", timedelta()), ("sms/alice", timedelta(minutes=5))]
    assert told(directory(user(contacts={}))) == []


def test_rules_of_a_severity() -> None:
    """A rule for critical incidents is silent about a warning; a channel without the user's contact is passed over."""
    alice = user(
        contacts={"phone": "+4930123456"},
        notification_rules=[{"channel": "sms", "severities": ["critical"]}, {"channel": "chat"}, {"channel": "board"}],
    )
    assert told(directory(alice)) == [("board/alice", timedelta())]
    assert told(directory(alice), Severity.CRITICAL) == [("sms/alice", timedelta()), ("board/alice", timedelta())]


NIGHT = {"from": "22:00", "to": "07:00"}


@pytest.mark.parametrize(
    ("quiet", "severity", "at", "until"),
    [
        (NIGHT, "warning", "2026-11-21 23:30", "2026-11-22 07:00"),
        (NIGHT, "warning", "2026-11-22 06:59", "2026-11-22 07:00"),
        (NIGHT, "warning", "2026-11-22 07:00", None),
        (NIGHT, "warning", "2026-11-21 21:59", None),
        (NIGHT, "critical", "2026-11-21 23:30", None),
        (NIGHT | {"unless": []}, "critical", "2026-11-21 23:30", "2026-11-22 07:00"),
        ({"from": "12:00", "to": "13:00"}, "info", "2026-11-21 12:30", "2026-11-21 13:00"),
        (NIGHT, "warning", "2026-03-29 01:30", "2026-03-29 07:00"),  # the night that loses an hour
        (NIGHT, "warning", "2026-10-25 01:30", "2026-10-25 07:00"),  # and the one that has one more
    ],
)
def test_quiet_hours(quiet: dict[str, Any], severity: str, at: str, until: str | None) -> None:
    """What can wait is told at the end of the quiet hours, by the clock on the user's wall."""
    alice = user(quiet_hours=quiet)

    def utc(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=alice.zone).astimezone(UTC)

    assert quiet_until(alice, Severity(severity), utc(at)) == (None if until is None else utc(until))


def test_what_waits_for_the_morning_says_so() -> None:
    """The reason of a delayed message tells until when it waits, in the user's own time."""
    (first, *_) = directory(user(quiet_hours=NIGHT)).contacts_of("alice", Severity.WARNING, NOW, "on call")
    assert first.after == timedelta(hours=7, minutes=30)
    assert first.reason == "on call; quiet hours until 07:00 CET"


def test_rights_add_up() -> None:
    """Somebody may do what any of their roles allows, for the tenants of all; without any: for every one."""
    roles = {
        "reader": RoleSettings(scopes=("incidents:read",), tenants=("a",)),
        "fixer": RoleSettings(scopes=("remediation:run",), tenants=("b",)),
    }
    bounded = directory(user(roles=["reader", "fixer", "gone"]), roles=roles).principal("alice")
    assert bounded is not None
    assert bounded.scopes == {"incidents:read", "remediation:run"}
    assert bounded.tenants == frozenset({"a", "b"})
    assert not bounded.may("incidents:read", "c")
    everywhere = directory(user(roles=["reader", "viewer"]), roles=roles).principal("alice")
    assert everywhere is not None
    assert everywhere.tenants is None
    assert directory(user()).principal("mallory") is None


def test_who_answers() -> None:
    """A contact that comes back names its user: e-mail in any case, nothing else so; an absent one names nobody."""
    found = directory(user(contacts={"email": "Alice@Example.org", "slack": "U0ALICE"}))
    assert found.by_contact("email", "alice@example.ORG") == "alice"
    assert found.by_contact("slack", "U0ALICE") == "alice"
    assert found.by_contact("slack", "u0alice") is None
    assert found.by_contact("phone", "") is None
