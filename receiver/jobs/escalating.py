"""What a timer means when it rings: whom the step's targets are at that moment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from receiver.engine.effects import Alarm
from receiver.engine.events import AnyEvent, EscalationDue, HandOverDue
from receiver.engine.incident import Incident
from receiver.engine.routing import Routing
from receiver.engine.targets import Target
from receiver.escalation.reach import Circumstances, Reached, Roster, reach
from receiver.people.directory import Directory
from tocsin.clock import Clock
from tocsin.model import Severity

log = structlog.get_logger("receiver.escalation")

JUST = timedelta(microseconds=1)
LOOK_AGAIN = timedelta(minutes=15)  # for who comes on duty, while nobody is

Rosters = Callable[[], Awaitable[Mapping[str, Roster]]]


class Choices(Protocol):
    """What a choice between several people rests on (store/workload.py)."""

    async def load(self) -> Mapping[str, int]: ...
    async def turns(self, targets: list[str]) -> Mapping[str, int]: ...
    async def take_turns(self, targets: list[str]) -> None: ...


async def no_rosters() -> Mapping[str, Roster]:
    return {}


class Escalating:
    """Asks who is meant. `directory` and `routing` are replaced when the configuration is read again."""

    def __init__(
        self, directory: Directory, routing: Routing, choices: Choices, clock: Clock, rosters: Rosters = no_rosters
    ) -> None:
        self.directory = directory
        self.routing = routing
        self._choices = choices
        self._clock = clock
        self._rosters = rosters

    async def due(self, incident: Incident, number: int) -> EscalationDue:
        """The question about a step, with whom it means now. Nobody at all: the default route's people."""
        if number >= len(incident.escalation):
            return await self._after_the_last(incident, number)
        wanted = incident.escalation[number]
        severity = max(incident.severity, wanted.raise_to or incident.severity, key=lambda one: one.rank)
        reached = await self.reach_now(wanted.notify, severity)
        if not reached.contacts:
            log.error("a step reaches nobody", incident=incident.id, step=number + 1, missed="; ".join(reached.missed))
            reached = await self._by_default(incident, reached)
        return EscalationDue(number, reached.contacts, reached.missed, reached.hand_over_at, reached.by_default)

    async def _after_the_last(self, incident: Incident, number: int) -> EscalationDue:
        """From the beginning or, where no page has reached anybody, whoever the default route means."""
        if number > len(incident.escalation) or incident.repeats_left or incident.told:
            return EscalationDue(number)
        log.error("no page of a policy has reached anybody", incident=incident.id, policy=incident.plan.policy)
        nobody = Reached((), tuple(f"{where}: the message failed" for where in sorted(incident.failed)))
        reached = await self._by_default(incident, nobody, without=incident.failed)
        return EscalationDue(number, reached.contacts, reached.missed, reached.hand_over_at, reached.by_default)

    async def rings(self, incident: Incident, alarm: Alarm) -> AnyEvent:
        """The question of an alarm; at the end of a shift, with those who come on duty.

        Where the same people stay, it is asked of nobody, and again at the end of their next shift.
        """
        if not isinstance(alarm, HandOverDue):
            return alarm
        schedules = [text for step in incident.escalation[: incident.step] for text in step.notify]
        schedules = [text for text in dict.fromkeys(schedules) if Target.parse(text).kind == "schedule"]
        if not schedules:
            return HandOverDue()
        reached = await self.reach_now(schedules, incident.severity)
        before = await self._on_duty(schedules, (incident.hand_over_at or self._clock.now()) - JUST)
        now = {contact.person for contact in reached.contacts}
        new = tuple(contact for contact in reached.contacts if contact.person not in before)
        look_at = reached.hand_over_at or self._clock.now() + LOOK_AGAIN
        return HandOverDue(new, tuple(sorted(before - now)), look_at)

    async def _on_duty(self, schedules: list[str], at: datetime) -> set[str]:
        """Who was on duty at a moment."""
        rosters = await self._rosters()
        found = [rosters[name] for text in schedules if (name := Target.parse(text).name) in rosters]
        return {shift.user for roster in found if (shift := roster.at(at)) is not None}

    async def _by_default(self, incident: Incident, missed: Reached, without: frozenset[str] = frozenset()) -> Reached:
        """Whoever the default route's policy means, from its first step to its last: somebody must hear of it.

        `without` are addresses that are known to reach nobody.
        """
        default = self.routing.default(incident.tenant, self._clock.now())
        told = list(missed.missed)
        for step in default.steps:
            reached = await self.reach_now(step.notify, incident.severity)
            contacts = tuple(contact for contact in reached.contacts if contact.address not in without)
            if contacts:
                return Reached(contacts, tuple(told), reached.hand_over_at, by_default=True)
            told += [one for one in reached.missed if one not in told]
        return Reached((), tuple(told) or ("the policy has no targets",))

    async def reach_now(self, notify: Sequence[str], severity: Severity) -> Reached:
        """Whom targets mean now."""
        targets = [Target.parse(text) for text in notify]
        kinds, chosen = {target.kind for target in targets}, {target.choose for target in targets}
        in_turn = [str(target) for target in targets if target.choose == "round_robin"]
        about = Circumstances(
            self._clock.now(),
            rosters=await self._rosters() if "schedule" in kinds else {},
            load=await self._choices.load() if "least_loaded" in chosen else {},
            turns=await self._choices.turns(in_turn) if in_turn else {},
        )
        reached = reach(notify, severity, self.directory, about)
        if reached.taken:
            await self._choices.take_turns(list(reached.taken))
        return reached
