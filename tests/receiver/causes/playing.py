"""Alerts told to the pure engine, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from receiver.engine.causes.by_causes import ByCauses
from receiver.engine.effects import Effect
from receiver.engine.events import AlertsJoined, AnyEvent
from receiver.engine.incident import Incident
from receiver.engine.notification import Body
from receiver.engine.pipeline import Rules, process, read
from receiver.engine.plan import EscalationStep
from receiver.engine.routing import always
from receiver.engine.seen import Seen
from receiver.engine.topology import Topology
from receiver.engine.working_set import Outcome, WorkingSet
from tests.receiver.bodies import START, alert, body

EDGES: dict[str, tuple[str, ...]] = {
    "web": ("search", "player"),
    "search": ("catalog",),
    "player": ("catalog",),
    "catalog": ("database",),
    "billing": ("ledger",),
}


def rules(edges: dict[str, tuple[str, ...]] | None = None, **more: Any) -> Rules:
    """Correlation by causes over a small shop."""
    steps = (EscalationStep(timedelta(seconds=3), ("alice",)),)
    within = timedelta(minutes=10)
    graph = Topology("service", EDGES if edges is None else edges)
    return Rules(ByCauses(graph), routing=always(*steps), reopen_within=within, **more)


@dataclass
class Play:
    """The engine, and all that it has decided."""

    rules: Rules = field(default_factory=rules)
    work: WorkingSet = field(default_factory=WorkingSet)
    events: list[tuple[str, AnyEvent]] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    bodies: int = 0

    def tell(self, at: float, *alerts: dict[str, Any], group: str = "") -> None:
        """A body that is taken in so many seconds after START."""
        name = group or "/".join(sorted({one["labels"]["alertname"] for one in alerts}))
        self.take(Body("am", START + timedelta(seconds=at), body(*alerts, group=name)))

    def take(self, one: Body) -> None:
        self.bodies += 1
        numbered = Body(one.source, one.received_at, one.content, self.bodies)
        self.work.outcome = Outcome()
        process([read(numbered, Seen(), "tenant")], self.work, self.rules, one.received_at)
        self.events += [(recorded.incident, recorded.event) for recorded in self.work.outcome.events]
        self.effects += self.work.outcome.effects

    def fires(self, name: str, service: str = "", *, at: float, told: float | None = None, **labels: str) -> str:
        """One alert fires; gives the incident that it is part of after that."""
        named = {"service": service} if service else {}
        self.tell(at + 5 if told is None else told, alert(name, start=at, end=None, **named, **labels))
        return self.of(name, service, **labels).id

    def of(self, name: str, service: str = "", **labels: str) -> Incident:
        """The incident that an alert is part of now."""
        wanted = {"alertname": name} | ({"service": service} if service else {}) | labels
        found = [one for one in self.work.occurrences.values() if wanted.items() <= one.labels.items()]
        (occurrence,) = found
        home = self.work.home(occurrence.incident)
        assert home is not None
        return home

    def kinds(self, incident: str) -> list[str]:
        return [str(event.__struct_config__.tag) for of, event in self.events if of == incident]

    def why(self, name: str) -> str:
        """The reason with which the newest alert of a name joined."""
        joined = [event for _, event in reversed(self.events) if isinstance(event, AlertsJoined)]
        return next(ref.reason or event.reason for event in joined for ref in event.alerts if ref.name == name)
