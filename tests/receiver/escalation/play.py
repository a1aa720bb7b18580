"""One incident, played: the real policy, the real question whom a step means, and jobs by the store's rules."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from receiver.engine.consequences import TERMS
from receiver.engine.effects import CancelTimer, Effect, Send, SetAlarm, SetTimer, SyncSilences
from receiver.engine.events import AnyEvent, Escalated, NobodyReached, Opened
from receiver.engine.incident import Incident, IncidentStatus, apply
from receiver.engine.later import Asked, key_of, timer_key, wanted_at
from receiver.engine.message_events import MessageFailed, MessageSent, MessageSkipped
from receiver.engine.plan import Escalation, Message, address
from receiver.engine.policy import Step, step
from receiver.engine.routing import Policy, Route, Routing
from receiver.engine.wanted import still_wanted
from receiver.escalation.reach import Roster
from receiver.jobs.escalating import Escalating
from receiver.people.directory import Directory
from receiver.people.settings import RuleSettings, TeamSettings, UserSettings
from tests.receiver.bodies import START
from tocsin.clock import ManualClock
from tocsin.model import Severity

T = TypeVar("T")
ID = "i1"


@dataclass(frozen=True)
class Reach:
    """What a channel says of itself."""

    contact: str = ""
    follows: bool = False


@dataclass(frozen=True)
class Turn:
    """A shift."""

    user: str
    end: datetime


@dataclass
class Shifts:
    """A roster: who, and from how many minutes after START; an empty name is a gap."""

    turns: tuple[tuple[int, str], ...]

    def at(self, moment: datetime) -> Turn | None:
        starts = [START + timedelta(minutes=minutes) for minutes, _ in self.turns]
        ends = [*starts[1:], START + timedelta(days=3650)]
        for start, end, (_, user) in zip(starts, ends, self.turns, strict=True):
            if start <= moment < end:
                return Turn(user, end) if user else None
        return None


@dataclass
class Choices:
    """Who has how much to do, and whose turn it is."""

    busy: dict[str, int] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)

    async def load(self) -> Mapping[str, int]:
        return self.busy

    async def turns(self, targets: list[str]) -> Mapping[str, int]:
        return {target: self.taken.get(target, 0) for target in targets}

    async def take_turns(self, targets: list[str]) -> None:
        for target in targets:
            self.taken[target] = self.taken.get(target, 0) + 1


class Told(NamedTuple):
    """A message that went out: minutes after START, to whom, and what the incident was then."""

    minute: float
    where: str
    message: Message
    key: str
    status: IncidentStatus


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine gives that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("it waits for something")


CHANNELS = {"mail": Reach(), "slack": Reach("slack", follows=True), "sms": Reach("phone")}
RULES = (RuleSettings(channel="slack"), RuleSettings(channel="sms", after=timedelta(minutes=5)))


def user(number: int, **more: Any) -> UserSettings:
    contacts = {"slack": f"U{number:04}", "phone": f"+49301234{number:03}"}
    return UserSettings.model_validate({"contacts": contacts} | more)


USERS = {
    "alice": user(1, quiet_hours={"from": "22:00", "to": "07:00"}),
    "bob": user(2, skills=["postgres"]),
    "carol": user(3, skills=["postgres"], notification_rules=[{"channel": "sms"}]),
}
TEAMS = {"ops": TeamSettings(members=("alice", "bob", "carol"))}


def directory(users: Mapping[str, UserSettings] = USERS) -> Directory:
    return Directory(users, TEAMS, {}, RULES, CHANNELS)


class Play:
    """Whatever happens to the incident, and what is to happen; `failing` holds channels and addresses that fail."""

    def __init__(
        self,
        plan: Escalation,
        *,
        default: Escalation | None = None,
        rosters: Mapping[str, Roster] | None = None,
        severity: Severity = Severity.WARNING,
    ) -> None:
        self.clock = ManualClock(START)
        self.incident = Incident(ID)
        self.jobs: dict[str, Asked] = {}
        self.order: list[str] = []
        self.events: list[tuple[datetime, AnyEvent]] = []
        self.told: list[Told] = []
        self.failing: set[str] = set()
        self.rosters = dict(rosters or {})
        self.choices = Choices()
        routing = Routing({"": Policy(default or plan)}, Route(""))
        self.escalating = Escalating(directory(), routing, self.choices, self.clock, self._rosters)
        opened = Opened("default", "am", "key", "Disk is full", plan.steps, "new", plan=plan, severity=severity)
        self.happens(opened)

    async def _rosters(self) -> Mapping[str, Roster]:
        return self.rosters

    @property
    def minute(self) -> float:
        return (self.clock.now() - START).total_seconds() / 60

    def happens(self, event: AnyEvent) -> Step:
        """Decides, records, and puts what follows among the jobs."""
        now = self.clock.now()
        decision = step(self.incident, event, now)
        for one in decision.events:
            self.events.append((now, one))
            self.incident = apply(self.incident, one, now)
        assert self.incident == decision.incident
        for effect in decision.effects:
            self._put(effect)
        return decision

    def _put(self, effect: Effect) -> None:
        if isinstance(effect, CancelTimer):
            self.jobs.pop(timer_key(effect.incident, effect.name), None)
        elif not isinstance(effect, SyncSilences):
            self.jobs[key_of(effect)] = effect

    def run(self, minutes: float = 0) -> Play:
        """Lets time pass, from one thing that is due to the next."""
        until = self.clock.now() + timedelta(minutes=minutes)
        while (due := self._next(until)) is not None:
            key, effect = due
            late = wanted_at(effect) - self.clock.now()
            self.clock.advance(seconds=max(0.0, late.total_seconds()))
            del self.jobs[key]
            self._does(effect)
        self.clock.advance(seconds=(until - self.clock.now()).total_seconds())
        return self

    def _next(self, until: datetime) -> tuple[str, Asked] | None:
        due = [(key, effect) for key, effect in self.jobs.items() if wanted_at(effect) <= until]
        return min(due, key=lambda one: wanted_at(one[1]), default=None)

    def _does(self, effect: Asked) -> None:
        match effect:
            case SetTimer(step=number):
                self.happens(at_once(self.escalating.due(self.incident, number)))
            case SetAlarm(alarm=alarm):
                self.happens(at_once(self.escalating.rings(self.incident, alarm)))
            case Send():
                self.happens(self._sends(effect))

    def _sends(self, send: Send) -> AnyEvent:
        where = address(send.channel, send.person)
        verdict = still_wanted(self.incident, where, send.message, send.round)
        if not verdict.send:
            return MessageSkipped(send.channel, send.message, send.key, verdict.reason, send.person)
        gone = send.person and send.person not in self.escalating.directory.users
        if gone or {send.channel, where, send.person} & self.failing:
            return MessageFailed(send.channel, send.message, send.key, "gone" if gone else "fails", send.person)
        self.told.append(Told(self.minute, where, send.message, send.key, self.incident.status))
        return MessageSent(send.channel, send.message, send.key, person=send.person)

    def pages(self) -> list[tuple[float, str]]:
        """Who was paged, and when."""
        return [(one.minute, one.where) for one in self.told if one.message == "page"]

    def kinds(self) -> list[str]:
        return [str(event.__struct_config__.tag) for _, event in self.events]

    def escalated(self) -> list[Escalated]:
        return [event for _, event in self.events if isinstance(event, Escalated)]

    def check(self) -> None:
        """What must hold whenever nothing is due."""
        keys = [one.key for one in self.told]
        assert len(keys) == len(set(keys)), "a message was sent twice"
        for one in self.told:
            allowed = {
                IncidentStatus.OPEN: {"page", "reopened", "handover", "sla", "update"},
                IncidentStatus.ACKNOWLEDGED: {"reopened", "handover", "sla", "update"},
                IncidentStatus.RESOLVED: {"resolved", "update"},
            }
            assert one.message in allowed[one.status], f"{one.message} while it was {one.status}"
        self._steps_in_order()
        timer = self.jobs.get(timer_key(ID))
        if self.incident.status is not IncidentStatus.OPEN:
            assert timer is None, "a timer of an incident that somebody has, or that is over"
        elif self.incident.escalation:
            assert timer is not None or self._has_done_all(), "nobody will be told any more"
        sla = self.incident.plan.sla
        if sla is not None and self.incident.status is not IncidentStatus.RESOLVED:
            for term in TERMS:
                within = sla.within(term, self.incident.severity)
                over = term == "acknowledge" and self.incident.status is not IncidentStatus.OPEN
                clock = timer_key(ID, f"sla-{term}") in self.jobs
                told = term in self.incident.sla_broken
                assert within is None or over or clock or told or self.incident.renewed, f"no clock for {term}"

    def _has_done_all(self) -> bool:
        """Every step was taken, and somebody was told, or will be, or cannot be."""
        if self.incident.step < len(self.incident.escalation) or self.incident.repeats_left:
            return False
        waiting = any(isinstance(job, Send) and job.message == "page" for job in self.jobs.values())
        told_that_nobody = any(isinstance(event, NobodyReached) for _, event in self.events)
        by_default = self.incident.step > len(self.incident.escalation)
        return bool(self.incident.told) or waiting or told_that_nobody or by_default

    def _steps_in_order(self) -> None:
        """Within a round the steps come one after the other, none twice."""
        expected = 0
        incident = Incident(ID)
        for at, event in self.events:
            if isinstance(event, Escalated):
                assert event.step == incident.step, "a step was skipped, or taken twice"
                expected += 1
            incident = apply(incident, event, at)
        assert incident == self.incident
