"""A policy as it was when an incident was opened under it, and the ways to reach people. Stored with the events."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import msgspec
from msgspec.structs import replace

from tocsin.model import Severity

# A `page` asks for somebody, `sla` and `handover` tell who has it what is due, `update` tells who follows it in place.
# An `approval` asks whether a runbook may run; `remediation` tells what one has done, or says what its step says.
Message = Literal["page", "resolved", "reopened", "handover", "sla", "update", "approval", "remediation"]
SlaTerm = Literal["acknowledge", "resolve"]


class EscalationStep(msgspec.Struct, frozen=True, omit_defaults=True):
    """So long after the step before (the opening, for the first), tell these targets (`engine/targets.py`)."""

    after: timedelta
    notify: tuple[str, ...]
    raise_to: Severity | None = None


class Sla(msgspec.Struct, frozen=True, omit_defaults=True):
    """How soon somebody must have acknowledged and resolved an incident of each severity; a warning comes at `warn`."""

    acknowledge: tuple[tuple[Severity, timedelta], ...] = ()
    resolve: tuple[tuple[Severity, timedelta], ...] = ()
    warn: float = 0.8  # the share of the time that may pass before the warning

    def within(self, term: SlaTerm, severity: Severity) -> timedelta | None:
        return dict(self.acknowledge if term == "acknowledge" else self.resolve).get(severity)


class Escalation(msgspec.Struct, frozen=True, omit_defaults=True):
    """A policy as it was when an incident was opened under it."""

    policy: str = ""
    steps: tuple[EscalationStep, ...] = ()
    repeat: int = 0  # how often it begins anew after its last step
    repeat_after: timedelta = timedelta(minutes=10)
    hand_over: bool = True  # whether who comes on duty is told of what is not over
    sla: Sla | None = None
    silence: tuple[Literal["acknowledge", "snooze"], ...] = ()  # what writes silences to Alertmanager

    def after_telling(self, targets: tuple[str, ...], wait: timedelta) -> tuple[EscalationStep, ...]:
        """Steps that tell these at once; so long after that the policy's own follow."""
        then = (replace(self.steps[0], after=wait), *self.steps[1:]) if self.steps else ()
        return (EscalationStep(timedelta(), targets), *then)


class Contact(msgspec.Struct, frozen=True, omit_defaults=True):
    """One way to reach somebody: a channel as it is configured or, with `person`, that person through it."""

    channel: str
    person: str = ""
    after: timedelta = timedelta()  # the step
    reason: str = ""  # why this person, why this channel
    follows: bool = False  # the channel shows how the incident goes on

    @property
    def address(self) -> str:
        return address(self.channel, self.person)


def address(channel: str, person: str = "") -> str:
    """Who is told by what, as one word: `mail`, or `sms/alice`."""
    return f"{channel}/{person}" if person else channel


def contact_of(where: str) -> Contact:
    """What an address says."""
    channel, _, person = where.partition("/")
    return Contact(channel, person)
