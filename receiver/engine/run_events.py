"""What can happen to a run of a runbook. Stored for ever with its incident, as `events.py` says."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from receiver.engine.event import Event
from receiver.engine.plan import Contact
from receiver.engine.runs_planned import RunPlan

StepOutcome = Literal["succeeded", "failed", "unknown"]
RunOutcome = Literal[
    "dry_run",  # it was only shown what it would do
    "refused",  # a guard, a limit or the state of things stood against it: nothing was done
    "rejected",  # a person said no
    "expired",  # nobody said yes in time
    "cancelled",  # the incident was over before it began, or a person called it off
    "stopped",  # all remediation was stopped while it ran
    "succeeded",  # done, and verified where the runbook says how
    "failed",  # not done, or in vain, and nothing could be taken back
    "rolled_back",  # in vain, and taken back
    "unknown",  # nobody knows how far it came
]
NOTHING_DONE: frozenset[RunOutcome] = frozenset({"dry_run", "refused", "rejected", "expired", "cancelled"})
NEEDS_PEOPLE: frozenset[RunOutcome] = frozenset({"stopped", "failed", "rolled_back", "unknown"})


class Observed(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a condition's expression gave; no value: why not."""

    name: str
    expr: str
    holds: bool
    value: float | None = None
    reason: str = ""
    answered: bool = True  # whether Prometheus said anything; without an answer nothing is known


class RunProposed(Event, frozen=True, tag="run_proposed"):
    """A runbook fits. `contacts` are those who are asked for their approval, where that is needed.

    `observed` is what the guards said just then, as far as they were asked.
    """

    run: str
    plan: RunPlan
    by: str = ""  # who asked for it; empty: the runbook's own matchers
    reason: str = ""
    expires_at: datetime | None = None  # when the approval must be there
    contacts: tuple[Contact, ...] = ()
    observed: tuple[Observed, ...] = ()


class RunbookUnfit(Event, frozen=True, tag="runbook_unfit"):
    """A runbook is for an alert of it, but cannot be planned: a value or its target is not allowed. Told once."""

    runbook: str
    alert: str
    reason: str


class RunApproved(Event, frozen=True, tag="run_approved"):
    """Somebody agrees with exactly this plan."""

    run: str
    by: str
    plan_hash: str
    via: str = ""
    reason: str = ""


class RunRejected(Event, frozen=True, tag="run_rejected"):
    run: str
    by: str
    via: str = ""
    reason: str = ""


class ApprovalDue(Event, frozen=True, tag="approval_due"):
    """Only ever asked about: what comes of it is `RunEnded`, or nothing."""

    run: str


class RunStarted(Event, frozen=True, tag="run_started"):
    """Every guard holds and no limit stands against it; from here on it counts."""

    run: str
    observed: tuple[Observed, ...] = ()


class RunStepBegan(Event, frozen=True, tag="run_step_began"):
    """Committed before the step is done: whoever finds this without an end knows that it may have been done.

    `before` is how things were, for people and for the rollback.
    """

    run: str
    step: int  # from 0
    undo: bool = False
    worker: str = ""
    before: dict[str, str] = msgspec.field(default_factory=dict)


class RunStepEnded(Event, frozen=True, tag="run_step_ended"):
    run: str
    step: int
    outcome: StepOutcome
    undo: bool = False
    output: str = ""  # bounded, secrets masked
    reason: str = ""
    seconds: float = 0.0
    action: str = ""
    runbook: str = ""
    contacts: tuple[Contact, ...] = ()  # whom the step tells


class RunVerified(Event, frozen=True, tag="run_verified"):
    """Whether it helped, as far as its verification can tell."""

    run: str
    helped: bool
    observed: tuple[Observed, ...] = ()
    reason: str = ""


class RunEnded(Event, frozen=True, tag="run_ended"):
    """`observed` are the guards' expressions, asked once more."""

    run: str
    outcome: RunOutcome
    reason: str = ""
    observed: tuple[Observed, ...] = ()
    by: str = ""
    runbook: str = ""
    target: str = ""


RunEvent = RunProposed | RunApproved | RunRejected | RunStarted | RunStepBegan | RunStepEnded | RunVerified | RunEnded
