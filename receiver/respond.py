"""What people answer, whichever way they answer: API, button, link, a call back. Rights are asked for here, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from receiver.access.principal import Principal, Scope
from receiver.approving import approval, rejection
from receiver.decide import Decider, NoSuchIncident
from receiver.engine.events import (
    Acknowledged,
    AnyEvent,
    Commented,
    EscalationForced,
    Reassigned,
    Resolved,
    SeverityRaised,
    Snoozed,
    SnoozeEnded,
)
from receiver.engine.incident import Incident
from receiver.engine.plan import Escalation
from receiver.engine.policy import Step
from receiver.engine.routing import Routing
from receiver.engine.targets import Target
from receiver.people.directory import Directory
from receiver.refusals import Forbidden, NotPossible
from receiver.store.ledger import Ledger
from tocsin.clock import Clock
from tocsin.errors import TocsinError
from tocsin.model import Severity

__all__ = ["Answer", "Forbidden", "NotPossible", "Responder"]

LONGEST_SNOOZE = timedelta(days=30)
LONGEST_COMMENT = 10_000  # characters
WAIT_AFTER_REASSIGNING = timedelta(minutes=10)  # for whoever it was given to, before the policy goes on
ABOUT_RUNS = {"approve": approval, "reject": rejection}


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody said about an incident, before it is known whether they may."""

    action: str  # acknowledge, resolve, snooze, unsnooze, reassign, escalate, severity, comment, approve, reject
    until: datetime | None = None  # snooze
    to: str = ""  # reassign: a target; escalate: a policy, or nothing for the next step
    severity: Severity | None = None
    text: str = ""  # comment; else the reason
    round: int | None = None  # escalate: `Incident.round` as they saw it
    run: str = ""  # approve, reject: the id of a run of a runbook
    plan_hash: str = ""  # of its plan as they saw it; to reject it may be left out


class Responder:
    """Turns answers into events. `directory` and `routing` are replaced when the configuration is read again."""

    def __init__(self, decider: Decider, ledger: Ledger, directory: Directory, routing: Routing, clock: Clock) -> None:
        self._decider = decider
        self._ledger = ledger
        self.directory = directory
        self.routing = routing
        self._clock = clock

    async def respond(self, incident_id: str, answer: Answer, who: Principal, *, named: str = "") -> Step:
        """What comes of an answer; `named` is whom the principal speaks for, where it is somebody else.

        An incident that has become part of another is answered for by that one.

        Raises:
            NoSuchIncident: there is none, or none that this somebody may see; NoSuchRun: it has no such run.
            Forbidden: they may not change it.
            NotPossible: what they ask for cannot be.
            PlanChanged: they have seen another plan of a run than there is.
        """
        if answer.action in ABOUT_RUNS:
            return await self._about_run(incident_id, answer, who)
        incident = self._theirs(incident_id, await self._home(await self._ledger.incident(incident_id)), who)
        if incident.id != incident_id:
            answer = replace(answer, round=None)  # it was another's
        return await self._decider.decide(incident.id, self._event(incident, answer, named or who.name, who.via))

    async def _about_run(self, incident_id: str, answer: Answer, who: Principal) -> Step:
        """A yes or a no to a run: of the incident itself, for no run moves to another; and always one's own."""
        incident = await self._ledger.incident(incident_id)
        seeing: tuple[Scope, ...] = ("incidents:read", "remediation:approve")
        if incident is None or not any(who.may(scope, incident.tenant) for scope in seeing):
            raise NoSuchIncident(f"there is no incident {incident_id}")
        said = ABOUT_RUNS[answer.action]
        event = said(incident, answer.run, answer.plan_hash, who, self.directory, answer.text)
        return await self._decider.decide(incident.id, event)

    async def respond_all(
        self, incident_ids: Sequence[str], answer: Answer, who: Principal
    ) -> dict[str, Step | TocsinError]:
        """What comes of one answer for many incidents, in one commit: for each the step, or why there is none."""
        told: dict[str, Step | TocsinError] = {}
        events: dict[str, AnyEvent] = {}
        homes: dict[str, str] = {}
        known = await self._ledger.incidents(incident_ids)
        for name in incident_ids:
            try:
                incident = self._theirs(name, await self._home(known.get(name)), who)
                events[incident.id] = self._event(incident, answer, who.name, who.via)
                homes[name] = incident.id
            except TocsinError as error:
                told[name] = error
        steps = await self._decider.decide_each(events)
        gone = {name: NoSuchIncident(f"there is no incident {name}") for name in homes}
        return told | {name: steps.get(home) or gone[name] for name, home in homes.items()}

    async def _home(self, incident: Incident | None) -> Incident | None:
        """What an incident has become part of."""
        while incident is not None and incident.merged_into:
            incident = await self._ledger.incident(incident.merged_into)
        return incident

    @staticmethod
    def _theirs(name: str, incident: Incident | None, who: Principal) -> Incident:
        """The incident, if this somebody may change it."""
        if incident is not None and who.may("incidents:write", incident.tenant):
            return incident
        if incident is None or not who.may("incidents:read", incident.tenant):
            raise NoSuchIncident(f"there is no incident {name}")
        raise Forbidden(f"{who.name} may see incidents and not change them: incidents:write is missing")

    def person(self, kind: str, contact: str, via: str) -> Principal:
        """Who answers with this contact.

        Raises:
            Forbidden: nobody in the configuration has it.
        """
        user = self.directory.by_contact(kind, contact)
        found = self.directory.principal(user, via) if user is not None else None
        if found is None:
            raise Forbidden(f"no user has this {kind} contact: {contact}; add it under users.NAME.contacts.{kind}")
        return found

    def _event(self, incident: Incident, answer: Answer, by: str, via: str) -> AnyEvent:
        match answer.action:
            case "acknowledge":
                return Acknowledged(by, via)
            case "resolve":
                return Resolved(by, answer.text or "resolved by hand", via)
            case "snooze":
                return Snoozed(by, self._until(answer.until), answer.text, via)
            case "unsnooze":
                return SnoozeEnded(answer.text or "ended by hand", by)
            case "reassign":
                return Reassigned(self.target(answer.to), by, WAIT_AFTER_REASSIGNING, answer.text, via)
            case "escalate":
                return self._escalate(incident, answer, by, via)
            case "severity" if answer.severity is not None:
                return SeverityRaised(answer.severity, answer.text, by)
            case "comment" if answer.text.strip():
                return Commented(by, answer.text.strip()[:LONGEST_COMMENT], via)
            case "comment":
                raise NotPossible("a comment needs a text")
            case _:
                raise NotPossible(f"{answer.action!r} is nothing that can be done with an incident")

    def _until(self, until: datetime | None) -> datetime:
        now = self._clock.now()
        if until is None or until <= now:
            raise NotPossible("a snooze ends in the future; say until when, or for how long")
        if until > now + LONGEST_SNOOZE:
            raise NotPossible(f"nothing is snoozed for longer than {LONGEST_SNOOZE.days} days")
        return until

    def target(self, text: str) -> str:
        """A target as people write it: a user's name, a channel's, or another of those that policies know.

        Raises:
            NotPossible: there is nobody of that name.
        """
        try:
            is_channel = text in self.directory.channels and text not in self.directory.users
            target = Target.parse(text if ":" in text or is_channel else f"user:{text}")
        except ValueError as error:
            raise NotPossible(str(error)) from error
        known = {"user": self.directory.users, "team": self.directory.teams}.get(target.kind)
        if known is not None and target.name not in known:
            raise NotPossible(f"there is no {target.kind} {target.name!r}; known: {', '.join(sorted(known)) or 'none'}")
        return str(target)

    def _escalate(self, incident: Incident, answer: Answer, by: str, via: str) -> EscalationForced:
        if not answer.to:
            if not incident.escalation:
                raise NotPossible("it has no escalation policy: name one, or give it to somebody (reassign)")
            return EscalationForced(by, answer.text, via, round=answer.round)
        plan = self.policy(answer.to, incident.tenant)
        return EscalationForced(by, answer.text, via, plan, answer.round)

    def policy(self, name: str, tenant: str) -> Escalation:
        """The escalation of a policy that somebody names, as it is now.

        Raises:
            NotPossible: there is none of that name.
        """
        if name not in self.routing.policies:
            known = ", ".join(sorted(one for one in self.routing.policies if one)) or "none"
            raise NotPossible(f"there is no escalation policy {name!r}; known: {known}")
        return self.routing.named(name, tenant, self._clock.now())
