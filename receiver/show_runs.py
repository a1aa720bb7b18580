"""Events of a runbook's runs in words, for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]

OUTCOMES: Mapping[str, str] = {
    "dry_run": "a dry run, nothing was done",
    "refused": "not begun",
    "rejected": "rejected",
    "expired": "not approved in time",
    "cancelled": "called off",
    "stopped": "STOPPED before its end",
    "succeeded": "succeeded",
    "failed": "FAILED",
    "rolled_back": "in vain, and ROLLED BACK",
    "unknown": "NOBODY KNOWS how far it came",
}
STEPS: Mapping[str, str] = {"succeeded": "done", "failed": "FAILED", "unknown": "NOBODY KNOWS whether it was done"}


def _proposed(event: Json) -> str:
    plan, until = event["plan"], event["expires_at"]
    by = f", asked for by {event['by']}" if event["by"] else ""
    dry = " (a dry run)" if plan.get("dry_run", True) else ""
    waits = f"; waits for approval until {until[:19].replace('T', ' ')}" if until else ""
    return f"runbook {plan['runbook']} for {plan['target']}{dry}{by}: run {event['run']}{waits}{_why(event)}"


def _began(event: Json) -> str:
    before = ", ".join(f"{name} {value}" for name, value in list(event["before"].items())[:5])
    return f"run {event['run']}: {_step(event)} begins" + (f" (before it: {before})" if before else "")


def _step(event: Json) -> str:
    return f"{'the rollback of ' if event['undo'] else ''}step {event['step'] + 1}"


def _ended(event: Json) -> str:
    action = f" ({event['action']})" if event["action"] else ""
    return f"run {event['run']}: {_step(event)}{action}: {STEPS[event['outcome']]}{_why(event)}"


def _seen(event: Json) -> str:
    said = "; ".join(f"{one['name']}: {_value(one)}" for one in event["observed"])
    return f": {said}" if said else ""


def _value(one: Json) -> str:
    value = one.get("value")
    return one.get("reason", "no value") if value is None else f"{value:g}"


def _over(event: Json) -> str:
    what = f"runbook {event['runbook']} on {event['target']}, " if event["runbook"] else ""
    by = f" by {event['by']}" if event["by"] else ""
    return f"{what}run {event['run']}: {OUTCOMES[event['outcome']]}{by}{_why(event)}"


def _by(event: Json) -> str:
    via = f" ({event['via']})" if event["via"] not in ("", "api") else ""
    return f"{event['by']}{via}{_why(event)}"


def _why(event: Json) -> str:
    return f" ({event['reason']})" if event["reason"] else ""


RUN_SENTENCES: Mapping[str, Callable[[Json], str]] = {
    "run_proposed": _proposed,
    "run_approved": lambda e: f"run {e['run']} approved by {_by(e)}",
    "run_rejected": lambda e: f"run {e['run']} rejected by {_by(e)}",
    "run_started": lambda e: f"run {e['run']} begins{_seen(e)}",
    "run_step_began": _began,
    "run_step_ended": _ended,
    "run_verified": lambda e: f"run {e['run']} {'helped' if e['helped'] else 'DID NOT HELP'}{_seen(e) or _why(e)}",
    "run_ended": _over,
    "runbook_unfit": lambda e: f"runbook {e['runbook']} is for it and CANNOT BE PLANNED: {e['reason']}",
}


def run_lines(incident: Json) -> Sequence[str]:
    """What runbooks have done, or are doing; a receiver of before tells nothing of it."""
    told: Sequence[str] = incident.get("remediation", [])
    return ["", "Runbooks (UTC)", *(f"  {line}" for line in told)] if told else []
