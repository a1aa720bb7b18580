"""What was measured, as text for a terminal and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from demo.measuring.judging import Firing
from demo.measuring.plan import Plan
from demo.measuring.verdict import Finding, Verdict
from tocsin.words import plural


def text(verdicts: Sequence[Verdict]) -> str:
    """Everything that a person wants to know, engine by engine."""
    return "\n\n".join("\n".join(_verdict(verdict)) for verdict in verdicts) + "\n"


def _verdict(verdict: Verdict) -> Iterable[str]:
    watched = verdict.judged.alerts - len(verdict.judged.without_data)
    yield f"engine {verdict.engine}: {plural(verdict.judged.alerts, 'alert')}, {watched} with something to look at"
    yield false_alerts(verdict)
    yield from (f"  {one.start:%a %d %H:%M} for {lasted(one)}  {named(one)}" for one in verdict.false)
    median = "unknown: not all were found" if verdict.median is None else length(verdict.median)
    yield f"faults, from the first minute to the first alert: median {median}"
    for finding in verdict.findings:
        yield f"  {finding.episode.fault:<18} {_found(finding)}"
        yield from (f"    {length(finding.after(one)):>10}  {named(one)}" for one in finding.firings)


def false_alerts(verdict: Verdict) -> str:
    """How many in how much normal time."""
    less = f" (what the {verdict.engine} judges: in {length(verdict.own)})" if verdict.own < verdict.normal else ""
    return f"{plural(len(verdict.false), 'false alert')} in {verdict.normal.days} normal days{less}"


def _found(finding: Finding) -> str:
    if finding.first is None:
        return "NOT FOUND"
    lead = f", {length(finding.lead)} before all is used up" if finding.lead is not None else ""
    return f"{length(finding.after(finding.first))}: {finding.first.alert}{lead}"


def named(firing: Firing) -> str:
    """An alert with its severity and the labels that tell it from others of its rule."""
    labels = ", ".join(f'{name}="{value}"' for name, value in sorted(firing.labels.items()))
    return f"{firing.alert} ({firing.severity}) {labels}".rstrip()


def lasted(firing: Firing) -> str:
    return "ever" if firing.until is None else length(firing.until - firing.start)


def length(duration: timedelta) -> str:
    """`3 min`, `4 h 12 min`."""
    hours, minutes = divmod(round(duration.total_seconds() / 60), 60)
    return " ".join(
        part for part in (f"{hours} h" if hours else "", f"{minutes} min" if minutes or not hours else "") if part
    )


def as_json(plan: Plan, verdicts: Sequence[Verdict]) -> str:
    """The same, with times in RFC 3339 and durations in seconds."""
    tree = {
        "normal_from": _time(plan.normal_begin),
        "normal_until": _time(plan.normal_end),
        "engines": {verdict.engine: _engine(verdict) for verdict in verdicts},
    }
    return json.dumps(tree, indent=2) + "\n"


def _engine(verdict: Verdict) -> Mapping[str, Any]:
    return {
        "alerts": verdict.judged.alerts,
        "without_data": list(verdict.judged.without_data),
        "normal_seconds": _seconds(verdict.normal),
        "own_normal_seconds": _seconds(verdict.own),
        "false_alerts": [_firing(one) for one in verdict.false],
        "median_seconds": _seconds(verdict.median),
        "faults": [_finding(finding) for finding in verdict.findings],
    }


def _finding(finding: Finding) -> Mapping[str, Any]:
    return {
        "fault": finding.episode.fault,
        "begin": _time(finding.episode.begin),
        "end": _time(finding.episode.end),
        "after_seconds": _seconds(finding.after(finding.first)) if finding.first else None,
        "lead_seconds": _seconds(finding.lead),
        "alerts": [{"after_seconds": _seconds(finding.after(one)), **_firing(one)} for one in finding.firings],
    }


def _firing(firing: Firing) -> Mapping[str, Any]:
    return {
        "alert": firing.alert,
        "severity": firing.severity,
        "labels": dict(firing.labels),
        "start": _time(firing.start),
        "end": None if firing.until is None else _time(firing.until),
    }


def _time(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()
