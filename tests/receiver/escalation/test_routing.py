"""Which policy an incident is opened under: by labels, by the hour, by the tenant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from receiver.engine.events import Acknowledged
from receiver.engine.plan import Escalation, EscalationStep, Sla
from receiver.engine.routing import Policy, Route, Routing
from tests.receiver.bodies import START
from tests.receiver.escalation.play import Play
from tocsin.labels import parse
from tocsin.model import Severity

DAY = START + timedelta(hours=9)
SLA = Sla(((Severity.CRITICAL, timedelta(minutes=5)),))


@dataclass(frozen=True)
class Office:
    """From nine to five."""

    def covers(self, at: datetime) -> bool:
        return 9 <= at.hour < 17


def named(name: str) -> Escalation:
    return Escalation(policy=name, steps=(EscalationStep(timedelta(), (name,)),))


def policy(name: str, outside: str = "") -> Policy:
    return Policy(named(name), Office() if outside else None, outside)


ROUTING = Routing(
    {
        "all": policy("all"),
        "db": policy("db", "night"),
        "night": policy("night"),
        "one": policy("one", "other"),
        "other": policy("other", "one"),
        "lost": policy("lost", "gone"),
    },
    Route(
        "all",
        (),
        (
            Route("db", parse('team="db"'), (Route("", parse('env="dev"')), Route("night", parse('env="test"')))),
            Route("one", parse('team=~"o.*"')),
            Route("lost", parse('team="lost"')),
        ),
    ),
    {"acme": SLA},
)


@pytest.mark.parametrize(
    ("labels", "at", "expected"),
    [
        ({}, DAY, "all"),
        ({"team": "web"}, DAY, "all"),
        ({"team": "db"}, DAY, "db"),
        ({"team": "db"}, START, "night"),
        ({"team": "db", "env": "dev"}, DAY, "db"),
        ({"team": "db", "env": "test"}, DAY, "night"),
        ({"team": "ops"}, START, "other"),  # two that point at each other are refused when read; never for ever
        ({"team": "lost"}, START, ""),
    ],
)
def test_policy_of_labels(labels: dict[str, str], at: datetime, expected: str) -> None:
    """The first route that matches, its inner ones first; outside its hours the policy that takes its place."""
    assert ROUTING.escalation(labels, "default", at).policy == expected


def test_sla_of_the_tenant() -> None:
    """Whatever the policy, the tenant's SLA counts, also on the default route."""
    assert ROUTING.escalation({"team": "db"}, "acme", DAY).sla == SLA
    assert ROUTING.default("acme", DAY).sla == SLA
    assert ROUTING.default("default", DAY).sla is None


def test_default_route_by_the_hour() -> None:
    """Who answers for a policy that reaches nobody is asked at that moment: at night the night's people."""
    routing = Routing({"all": policy("mail", "night"), "night": policy("slack")}, Route("all"))
    for at, told in ((START, "slack"), (DAY, "mail")):
        play = Play(Escalation(steps=(EscalationStep(timedelta(), ("user:nobody",)),)))
        play.clock.advance(seconds=(at - START).total_seconds())
        play.escalating.routing = routing
        play.run()
        assert [where for _, where in play.pages()] == [told]


def test_the_policy_stays() -> None:
    """What the configuration says later changes nothing for an incident that is open; only whom its targets mean."""
    play = Play(named("mail")).run(1)
    play.escalating.routing = Routing()
    assert play.incident.escalation == named("mail").steps
    play.happens(Acknowledged("bob"))
    assert play.incident.plan.policy == "mail"
