"""A run of a runbook is the fold of its events, and says what comes next; pure, as the policy is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from receiver.engine.run_events import (
    Observed,
    RunApproved,
    RunEnded,
    RunEvent,
    RunOutcome,
    RunProposed,
    RunRejected,
    RunStarted,
    RunStepBegan,
    RunStepEnded,
    RunVerified,
    StepOutcome,
)
from receiver.engine.runs_planned import Action, RunPlan

EVER = datetime(1970, 1, 1, tzinfo=UTC)


class RunState(StrEnum):
    AWAITING = "awaiting"  # approval
    READY = "ready"
    RUNNING = "running"
    VERIFYING = "verifying"
    UNDOING = "undoing"
    OVER = "over"


class StepResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a step ended."""

    step: int
    outcome: StepOutcome
    undo: bool = False
    reason: str = ""


class Run(msgspec.Struct, frozen=True, omit_defaults=True):
    """One run. `doing`: a step has begun and not ended; which one, `step` and `state` tell."""

    id: str
    plan: RunPlan
    plan_hash: str = ""
    state: RunState = RunState.READY
    by: str = ""
    approved_by: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()  # addresses that were asked for their approval
    proposed_at: datetime = EVER
    expires_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    began_at: datetime | None = None  # the step that is being done
    step: int = 0  # the next one, or the one that is being done; while undoing, counted downwards
    doing: bool = False
    before: dict[int, dict[str, str]] = msgspec.field(default_factory=dict)  # of each step that began, how things were
    results: tuple[StepResult, ...] = ()
    verifying_at: datetime | None = None  # since when it is asked whether it helped
    outcome: RunOutcome | None = None
    reason: str = ""

    @property
    def over(self) -> bool:
        return self.state is RunState.OVER

    @property
    def approved(self) -> bool:
        """Whether enough have agreed, and not only whoever asked for it."""
        terms = self.plan.approval
        if terms is None:
            return True
        return len(self.approved_by) >= terms.count and any(who != self.by for who in self.approved_by)


@dataclass(frozen=True, slots=True)
class Perform:
    """Do this step now or, with `undo`, what takes it back; `before` is how things were before the step."""

    step: int
    action: Action
    undo: bool = False
    before: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A step began and nobody knows how it ended."""

    step: int
    action: Action
    undo: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    """Ask the guards and the limits."""


@dataclass(frozen=True, slots=True)
class Verify:
    """Ask whether it helped."""


@dataclass(frozen=True, slots=True)
class End:
    """Nothing is left to be done."""

    outcome: RunOutcome
    reason: str


Next = Perform | Interrupted | Start | Verify | End | None


def following(run: Run, *, wanted: bool = True) -> Next:
    """What comes next; None: it waits for people, or is over. `wanted`: the incident is still there to be mended."""
    match run.state:
        case RunState.READY:
            return Start()
        case RunState.RUNNING:
            return _step(run, wanted=wanted)
        case RunState.VERIFYING:
            return Verify()
        case RunState.UNDOING:
            return _undo(run)
        case _:
            return None


def _step(run: Run, *, wanted: bool) -> Next:
    steps = run.plan.steps
    if run.doing:
        return Interrupted(run.step, steps[run.step].action)
    if not wanted and not run.results:
        return End("cancelled", "the incident was over before the first step")
    if wanted and run.step < len(steps):
        return Perform(run.step, steps[run.step].action)
    return Verify()


def _undo(run: Run) -> Next:
    """The rollbacks of what was begun, the last one first; one that failed is the last that is tried."""
    undone = {one.step: one for one in run.results if one.undo}
    bad = next((one for one in undone.values() if one.outcome != "succeeded"), None)
    if run.doing:
        rollback = run.plan.steps[run.step].rollback
        assert rollback is not None  # it began
        return Interrupted(run.step, rollback, undo=True)
    if bad is not None:
        words = "failed" if bad.outcome == "failed" else "may have failed"
        return End(
            "failed" if bad.outcome == "failed" else "unknown",
            f"the rollback of step {bad.step + 1} {words}: {bad.reason}",
        )
    begun = [one for one in run.results if not one.undo and one.step in run.before]
    for result in sorted(begun, key=lambda one: -one.step):
        rollback = run.plan.steps[result.step].rollback
        if rollback is not None and result.step not in undone:
            return Perform(result.step, rollback, undo=True, before=run.before.get(result.step, {}))
    if undone:
        return End("rolled_back", run.reason)
    unknown = any(one.outcome == "unknown" for one in run.results)
    return End("unknown" if unknown else "failed", f"{run.reason}; nothing of it can be taken back")


def applied(run: Run | None, event: RunEvent, at: datetime) -> Run:
    """The run after one more event."""
    if isinstance(event, RunProposed):
        waits = event.plan.approval is not None and not event.plan.dry_run
        return Run(
            event.run,
            event.plan,
            event.plan.hash,
            RunState.AWAITING if waits else RunState.READY,
            event.by,
            asked=tuple(contact.address for contact in event.contacts),
            proposed_at=at,
            expires_at=event.expires_at,
        )
    assert run is not None  # the policy refuses what happens to no run
    match event:
        case RunApproved(by=by):
            agreed = replace(run, approved_by=(*run.approved_by, by))
            return replace(agreed, state=RunState.READY if agreed.approved else RunState.AWAITING)
        case RunRejected():
            return run
        case RunStarted():
            return replace(run, state=RunState.RUNNING, started_at=at)
        case RunStepBegan(step=step, undo=undo, before=before):
            known = run.before if undo else {**run.before, step: before}
            return replace(run, step=step, doing=True, began_at=at, before=known)
        case RunStepEnded():
            after = _ended(run, event)
            return replace(after, verifying_at=at) if after.state is RunState.VERIFYING else after
        case RunVerified(helped=helped, reason=reason):
            return replace(run, state=RunState.VERIFYING if helped else RunState.UNDOING, reason=reason)
        case RunEnded(outcome=outcome, reason=reason):
            over = replace(run, state=RunState.OVER, outcome=outcome, reason=reason, ended_at=at, doing=False)
            return replace(over, plan=run.plan.brief, before={}, results=())


def _ended(run: Run, event: RunStepEnded) -> Run:
    result = StepResult(event.step, event.outcome, event.undo, event.reason)
    after = replace(run, doing=False, results=(*run.results, result))
    if event.undo:
        return after
    match event.outcome:
        case "succeeded":
            last = event.step + 1 >= len(run.plan.steps)
            return replace(after, step=event.step + 1, state=RunState.VERIFYING if last else RunState.RUNNING)
        case "unknown":  # never done again: whether it helped must show
            return replace(after, state=RunState.VERIFYING)
        case "failed":
            return replace(after, state=RunState.UNDOING, reason=f"step {event.step + 1} failed: {event.reason}")


def observed_in_words(observed: tuple[Observed, ...]) -> str:
    """What conditions gave, in a line."""
    return "; ".join(f"{one.name}: {_value(one)}" for one in observed)


def _value(one: Observed) -> str:
    if one.value is None:
        return one.reason or "no value"
    return f"{one.value:g}" + ("" if one.holds else f" ({one.reason})")
