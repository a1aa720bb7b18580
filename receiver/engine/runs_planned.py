"""What a run of a runbook will do, down to the last argument: people approve exactly this. Stored with the events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec.structs import replace


class Action(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is done. `arguments` are what its kind needs, of JSON's types, with every value filled in.

    Secrets are not in it: where one is needed, the name stands under which the worker finds it.
    """

    kind: str  # exec, http, kubernetes, ansible, silence, notify, wait
    name: str  # as the runbook calls it
    does: str  # in words, as people read it before they approve: "restart deployment shop/checkout"
    arguments: Mapping[str, Any] = msgspec.field(default_factory=dict)
    timeout: timedelta = timedelta(minutes=1)


class PlannedStep(msgspec.Struct, frozen=True, omit_defaults=True):
    """A step, and what takes it back."""

    action: Action
    rollback: Action | None = None


class Condition(msgspec.Struct, frozen=True, omit_defaults=True):
    """A question to Prometheus, its matchers in place: it must give one value, and that must be within the bounds.

    Without a bound it must give one value, whichever: a comparison in PromQL gives none where it does not hold.
    """

    name: str
    expr: str
    above: float | None = None
    below: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    equals: float | None = None


class Verification(msgspec.Struct, frozen=True, omit_defaults=True):
    """How it is known that it helped: every condition holds for `lasting`, before `within` has passed."""

    conditions: tuple[Condition, ...]
    within: timedelta
    every: timedelta
    lasting: timedelta = timedelta()


class ApprovalTerms(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who must agree, how many of them, and for how long they may think; never whoever asked for it alone."""

    role: str = ""  # empty: whoever may approve
    count: int = 1
    expires: timedelta = timedelta(minutes=30)
    notify: tuple[str, ...] = ()  # targets; none: whoever has the role


class RunPlan(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a run will do. `runbook_hash` tells which text of the runbook it comes from."""

    runbook: str
    runbook_hash: str
    target: str
    alert: str = ""  # the id of the alert that it is about
    alert_name: str = ""
    values: tuple[tuple[str, str], ...] = ()  # taken from the alert, by name
    steps: tuple[PlannedStep, ...] = ()
    guards: tuple[Condition, ...] = ()
    verification: Verification | None = None
    approval: ApprovalTerms | None = None
    dry_run: bool = True
    while_acknowledged: bool = False  # whether it may run though somebody has the incident
    fresh_within: timedelta = timedelta(hours=1)  # how old the newest alert of the incident may be
    fleet: str = ""  # the name of the fleet that the target is part of
    holds_page: bool = False  # whether the first page waits for it
    by_hand: timedelta = timedelta()  # what a person would need for it
    severity: str = ""

    @property
    def hash(self) -> str:
        """Of everything that an approval is about."""
        return blake2b(msgspec.json.encode(self, order="sorted"), digest_size=12).hexdigest()

    @property
    def brief(self) -> RunPlan:
        """What is kept in an incident of a run that is over; all of it stands in its events."""
        return replace(self, steps=(), guards=(), verification=None, approval=None, values=())
