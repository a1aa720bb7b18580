"""Events of a runbook's runs, a line an event, for the thread under an incident's message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from receiver.engine.run import observed_in_words
from receiver.engine.run_events import (
    NEEDS_PEOPLE,
    RunApproved,
    RunbookUnfit,
    RunEnded,
    RunProposed,
    RunRejected,
    RunStarted,
    RunStepBegan,
    RunStepEnded,
    RunVerified,
)
from receiver.notify.slack_text import outside, stamp

STEPS: Mapping[str, str] = {
    "succeeded": "done",
    "failed": ":warning: failed",
    "unknown": ":warning: nobody knows whether it was done",
}
OUTCOMES: Mapping[str, str] = {
    "dry_run": "a dry run, nothing was done",
    "refused": "not begun",
    "rejected": "rejected",
    "expired": "not approved in time",
    "cancelled": "called off",
    "stopped": "stopped before its end",
    "succeeded": "succeeded",
    "failed": "failed",
    "rolled_back": "in vain, and rolled back",
    "unknown": "nobody knows how far it came",
}


def _proposed(event: RunProposed) -> str:
    plan = event.plan
    dry = " (a dry run)" if plan.dry_run else ""
    by = f", asked for by *{outside(event.by)}*" if event.by else ""
    waits = f"; waits for approval until {stamp(event.expires_at)}" if event.expires_at else ""
    return f"Runbook *{outside(plan.runbook)}* for {outside(plan.target)}{dry}{by}{waits}{_reason(event.reason)}"


def _step(event: RunStepBegan | RunStepEnded) -> str:
    return f"Run `{outside(event.run)}`: {'rollback of ' if event.undo else ''}step {event.step + 1}"


def _ended(event: RunStepEnded) -> str:
    action = f" ({outside(event.action)})" if event.action else ""
    return f"{_step(event)}{action}: {STEPS[event.outcome]}{_reason(event.reason)}"


def _verified(event: RunVerified) -> str:
    seen = outside(observed_in_words(event.observed) or event.reason)
    return f"Run `{outside(event.run)}` {'helped' if event.helped else 'did not help'}" + (f": {seen}" if seen else "")


def _over(event: RunEnded) -> str:
    sign = ":warning: " if event.outcome in NEEDS_PEOPLE else ""
    what = f"Runbook *{outside(event.runbook)}* on {outside(event.target)}"
    return f"{sign}{what}: {OUTCOMES[event.outcome]}{_reason(event.reason)}"


def _by(event: RunApproved | RunRejected) -> str:
    via = f" ({outside(event.via)})" if event.via not in ("", "api") else ""
    return f"*{outside(event.by)}*{via}{_reason(event.reason)}"


def _reason(text: str) -> str:
    return f" ({outside(text)})" if text else ""


RUN_LINES: dict[type, Callable[[Any], str]] = {
    RunProposed: _proposed,
    RunApproved: lambda e: f"Run `{outside(e.run)}` approved by {_by(e)}",
    RunRejected: lambda e: f"Run `{outside(e.run)}` rejected by {_by(e)}",
    RunStarted: lambda e: f"Run `{outside(e.run)}` begins{_reason(observed_in_words(e.observed))}",
    RunStepBegan: lambda e: f"{_step(e)} begins",
    RunStepEnded: _ended,
    RunVerified: _verified,
    RunEnded: _over,
    RunbookUnfit: lambda e: f":warning: Runbook *{outside(e.runbook)}* is for it, cannot be planned{_reason(e.reason)}",
}
