"""Whom a step's targets mean, and which policy an incident is opened under."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from receiver.engine.plan import Escalation, EscalationStep, Sla
from receiver.engine.routing import Policy, Route, Routing
from receiver.engine.targets import Target
from receiver.escalation.reach import Circumstances, reach
from receiver.people.directory import Directory
from receiver.people.settings import TeamSettings, UserSettings
from tests.receiver.people.test_directory import WAYS
from tocsin.labels import parse
from tocsin.model import Severity

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NAMES = ("alice", "bob", "carol")


@dataclass
class Shift:
    user: str
    end: datetime


@dataclass
class Roster:
    """One shift for ever, or nobody."""

    shift: Shift | None

    def at(self, moment: datetime) -> Shift | None:
        return self.shift


def people() -> Directory:
    users = {
        name: UserSettings.model_validate(
            {"contacts": {"slack": f"U0{name.upper()}"}, "skills": ["postgres"] if name != "alice" else []}
        )
        for name in NAMES
    }
    users["dave"] = UserSettings()
    return Directory(users, {"ops": TeamSettings(members=NAMES)}, channels=WAYS)


ROSTERS = {
    "day": Roster(Shift("alice", NOW + timedelta(hours=6))),
    "gap": Roster(None),
    "left": Roster(Shift("zoe", NOW)),
}


@pytest.mark.parametrize(
    ("notify", "addresses"),
    [
        (["board"], ["board"]),
        (["user:bob"], ["chat/bob"]),
        (["schedule:day"], ["chat/alice"]),
        (["team:ops"], ["chat/alice", "chat/bob", "chat/carol"]),
        (["team:ops skill=postgres"], ["chat/bob", "chat/carol"]),
        (["skill:postgres"], ["chat/bob", "chat/carol"]),
        (["team:ops least_loaded"], ["chat/carol"]),
        (["team:ops skill=postgres round_robin"], ["chat/carol"]),
        (["schedule:day", "user:alice", "team:ops"], ["chat/alice", "chat/bob", "chat/carol"]),
    ],
)
def test_targets(notify: list[str], addresses: list[str]) -> None:
    """Each target means its people at that moment; whom two of them mean is told once."""
    turns = {"team:ops skill=postgres round_robin": 3}
    about = Circumstances(NOW, ROSTERS, load={"alice": 2, "bob": 1}, turns=turns)
    found = reach(notify, Severity.WARNING, people(), about)
    assert ([one.address for one in found.contacts], found.missed) == (addresses, ())


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("user:zoe", "no longer among the users"),
        ("user:dave", "no channel of their notification rules reaches them"),
        ("schedule:gap", "nobody is on call just now"),
        ("schedule:left", "zoe is on call and no longer among the users"),
        ("schedule:none", "no longer among the schedules"),
        ("team:none", "no longer among the teams"),
        ("team:ops skill=cobol", "nobody is of the team ops, knows cobol"),
        ("skill:cobol", "nobody knows cobol"),
        ("fax", "the channel is no longer configured"),
    ],
)
def test_targets_that_mean_nobody(target: str, why: str) -> None:
    """A target that means nobody is told of with the reason, and keeps the others from nothing."""
    found = reach([target, "board"], Severity.WARNING, people(), Circumstances(NOW, ROSTERS))
    assert [one.address for one in found.contacts] == ["board"]
    (missed,) = found.missed
    assert missed.startswith(f"{target}: ")
    assert why in missed


def test_the_end_of_the_first_shift() -> None:
    """Whose shift ends first decides when it is looked at again; reasons tell who is on call until when."""
    rosters = ROSTERS | {"short": Roster(Shift("bob", NOW + timedelta(hours=1)))}
    found = reach(["schedule:day", "schedule:short"], Severity.WARNING, people(), Circumstances(NOW, rosters))
    assert found.hand_over_at == NOW + timedelta(hours=1)
    assert found.contacts[0].reason == "on call for day until 2026-11-21 18:00 UTC"


@pytest.mark.parametrize("text", ["mail", "user:alice", "team:ops skill=x least_loaded", "skill:x round_robin"])
def test_targets_round_trip(text: str) -> None:
    """A target is written as it was read."""
    assert str(Target.parse(text)) == text


@pytest.mark.parametrize("text", ["", "user:", "group:x", "user:alice least_loaded", "mail all x", "team:a b", "a b"])
def test_what_names_nobody(text: str) -> None:
    """What is no target is refused with the ways to write one."""
    with pytest.raises(ValueError, match=r"write a channel's name|nothing to choose from|is none of"):
        Target.parse(text)


@dataclass
class Office:
    """From 9 to 17, UTC."""

    def covers(self, at: datetime) -> bool:
        return 9 <= at.hour < 17


def plan(name: str) -> Policy:
    return Policy(Escalation(policy=name, steps=(EscalationStep(timedelta(), (name,)),)))


def test_routes() -> None:
    """The first inner route that matches counts, by its own policy or that of the one around it."""
    payments = Route("payments", parse('team="payments"'), (Route("", parse('x="1"')), Route("deep", parse('x="2"'))))
    routing = Routing({name: plan(name) for name in ("all", "payments", "deep")}, Route("all", (), (payments,)))

    def policy(**labels: str) -> str:
        return routing.escalation(labels, "t", NOW).policy

    assert policy(team="web") == policy() == "all"
    assert policy(team="payments") == policy(team="payments", x="1") == "payments"
    assert policy(team="payments", x="2") == "deep"


def test_outside_hours() -> None:
    """Outside of its hours another policy takes its place; two that point at each other end all the same."""
    day = Policy(plan("day").escalation, Office(), "night")
    routing = Routing({"day": day, "night": plan("night")}, Route("day"))
    assert [routing.escalation({}, "t", NOW.replace(hour=h)).policy for h in (8, 9, 16, 17)] == [
        "night", "day", "day", "night",
    ]  # fmt: skip
    circle = Routing({"a": Policy(plan("a").escalation, Office(), "a")}, Route("a"))
    assert circle.escalation({}, "t", NOW.replace(hour=3)).policy == "a"


def test_a_tenants_sla() -> None:
    """An incident carries what its tenant was promised; another tenant's carries nothing."""
    sla = Sla(acknowledge=((Severity.CRITICAL, timedelta(minutes=5)),))
    routing = Routing({"all": plan("all")}, Route("all"), {"acme": sla})
    assert routing.escalation({}, "acme", NOW).sla == sla
    assert routing.escalation({}, "other", NOW).sla is None
