"""All that a message says, in somebody's language, before it takes the shape of a medium; what templates are given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from receiver.engine.incident import Incident
from receiver.engine.occurrence import Occurrence, one_line
from receiver.notify.causes_told import cause_of, told
from receiver.notify.channel import Envelope
from receiver.notify.lead import lead, runs
from receiver.notify.run_message import ABOUT_RUNS, commands, sections
from receiver.notify.runs_told import Manner, naming, run_about
from receiver.notify.speech import Speech

LONGEST_TITLE = 160
LONGEST_DESCRIPTION = 500
LONGEST_LABEL = 200
MOST_LABELS = 30
MOST_ALSO = 20
LINK = re.compile(r"https?://[^\s\"'<>`\\^{}|]{1,2000}")

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a message says: texts of one line each, made safe to print anywhere but for the medium's own escapes.

    `facts` is what a template sees: plain texts, numbers and lists of them.
    """

    subject: str
    mark: str
    title: str
    cause: str
    facts: Facts


def sheet(envelope: Envelope, speech: Speech) -> Sheet:
    """The words of a message."""
    incident = envelope.incident
    title = one_line(incident.title, LONGEST_TITLE) or incident.id
    mark = _mark(envelope, speech)
    more = speech.say("also_subject", incidents=speech.count("incident", len(envelope.also))) if envelope.also else ""
    subject = one_line(f"[{mark}] {_named(envelope, title, speech)}", LONGEST_TITLE - len(more)) + more
    runbook = _runbook(envelope)
    facts = {
        "message": envelope.message,
        "language": speech.words.language,
        "subject": subject,
        "mark": mark,
        "title": title,
        "incident": _incident(incident, speech),
        "lead": lead(envelope, speech),
        "runs": runs(envelope, speech),
        "run": _run(envelope),
        "sections": [
            {"label": one.label, "lines": list(one.lines)}
            for one in sections(envelope, Manner.plain(speech, envelope.sent_at))
        ],
        "causes": told(envelope.tree, speech) if envelope.message != "resolved" else [],
        "runbook": runbook,
        "runbook_link": link(runbook),
        "alerts": [_alert(alert, speech) for alert in envelope.alerts] if _lists(envelope) else [],
        "hidden": _hidden(incident.alerts - len(envelope.alerts), speech) if _lists(envelope) else "",
        "also": [_also(one, speech) for one in envelope.also[:MOST_ALSO]],
        "also_hidden": _hidden(len(envelope.also) - MOST_ALSO, speech),
        "answers": _answers(envelope, speech),
        "answer_link": link(envelope.links.acknowledge) if _can_answer(envelope) else "",
        "incident_link": link(envelope.links.incident or envelope.url),
        "why": speech.say("why", reason=one_line(speech.reason(envelope.reason), 300)) if envelope.reason else "",
        "zone": speech.say("zone", zone=speech.zone_name) if speech.zone_name != "UTC" else "",
        "recipient": one_line(envelope.to.name, 100) if envelope.to else "",
        "colon": speech.say("colon"),
        "labels": {
            "first": speech.say("first"),
            "runbook": speech.say("runbook"),
            "answer": speech.say("answer" if envelope.to else "show"),
            "show": speech.say("show"),
            "also": speech.say("also", incidents=speech.count("incident", len(envelope.also))),
        },
    }
    return Sheet(subject, mark, title, cause_of(envelope.tree, speech), facts)


def link(url: str) -> str:
    """The URL if it is one that a click may follow; else an empty text."""
    return url if LINK.fullmatch(url) else ""


def _hidden(more: int, speech: Speech) -> str:
    return speech.say("hidden", more=speech.number(more)) if more > 0 else ""


def _mark(envelope: Envelope, speech: Speech) -> str:
    if envelope.tested_by:
        return speech.words.marks["test"]
    return speech.words.marks.get(envelope.message, speech.words.severities[envelope.incident.severity].upper())


def _lists(envelope: Envelope) -> bool:
    """Whether a message lists alerts: who hears how it went, or that time runs out, does not need them again."""
    return envelope.message in ("page", "handover")


def _can_answer(envelope: Envelope) -> bool:
    return envelope.message not in ("resolved", "approval") and not envelope.tested_by


def _named(envelope: Envelope, title: str, speech: Speech) -> str:
    """What a subject names: the incident; where the message is about a run, what that is about, too."""
    run, _ = run_about(envelope.incident, envelope.about)
    if run is None or envelope.message not in ABOUT_RUNS:
        return title
    return speech.say("run_subject", **naming(run, Manner.plain(speech, envelope.sent_at)), title=title)


def _run(envelope: Envelope) -> Facts:
    """The run that a message is about, if it is about one."""
    run, _ = run_about(envelope.incident, envelope.about)
    if run is None or envelope.message not in ABOUT_RUNS:
        return {}
    return {
        "id": run.id,
        "runbook": one_line(run.plan.runbook, 100),
        "target": one_line(run.plan.target, LONGEST_LABEL),
        "state": run.state.value,
        "outcome": run.outcome or "",
        "plan": run.plan_hash,
    }


def _runbook(envelope: Envelope) -> str:
    """What to do first: the runbook of the likeliest cause, else of the worst alert that has one."""
    if not _can_answer(envelope):
        return ""
    cause = envelope.tree.cause.alert if envelope.tree.cause else ""
    alerts = sorted(envelope.alerts, key=lambda alert: alert.id != cause)
    found = (one_line(alert.annotations.get("runbook_url") or "", LONGEST_DESCRIPTION) for alert in alerts)
    return next(filter(None, found), "")


def _incident(incident: Incident, speech: Speech) -> Facts:
    return {
        "id": incident.id,
        "tenant": one_line(incident.tenant, 100),
        "severity": incident.severity.value,
        "severity_word": speech.words.severities[incident.severity],
        "status": incident.status.value,
        "alerts": incident.alerts,
        "firing": incident.firing,
        "opened": speech.time(incident.opened_at),
        "acknowledged_by": one_line(incident.acknowledged_by, 100),
        "resolved_by": one_line(incident.resolved_by, 100),
        "assigned_to": one_line(incident.assigned_to, 100),
        "step": incident.step,
        "policy": incident.plan.policy,
        "storm": incident.storm,
    }


def _alert(alert: Occurrence, speech: Speech) -> Facts:
    runbook = one_line(alert.annotations.get("runbook_url") or "", LONGEST_DESCRIPTION)
    since = speech.say("since", at=speech.time(alert.starts_at))
    return {
        "name": one_line(alert.name),
        "summary": alert.summary,
        "description": one_line(alert.annotations.get("description") or "", LONGEST_DESCRIPTION),
        "since": since + (speech.say("ended", at=speech.time(alert.ends_at)) if alert.ends_at else ""),
        "status": alert.status.value,
        "runbook": runbook,
        "runbook_link": link(runbook),
        "labels": _texts(alert.labels),
        "annotations": _texts(alert.annotations),
    }


def _texts(pairs: Mapping[str, str]) -> dict[str, str]:
    some = list(pairs.items())[:MOST_LABELS]
    return {one_line(name, 100): one_line(value, LONGEST_LABEL) for name, value in some}


def _also(incident: Incident, speech: Speech) -> str:
    return speech.say(
        "also_one",
        severity=speech.words.severities[incident.severity].upper(),
        title=one_line(incident.title, LONGEST_TITLE),
        opened=speech.time(incident.opened_at),
        id=incident.id,
    )


def _answers(envelope: Envelope, speech: Speech) -> list[Facts]:
    """How to answer: what each way is called, and the command."""
    name = envelope.incident.id
    if envelope.tested_by:
        return []
    run, _ = run_about(envelope.incident, envelope.about)
    if envelope.message == "approval" and run is not None:
        yes, no = commands(run)
        return [
            {"label": speech.say("run_approve"), "command": yes},
            {"label": speech.say("run_reject"), "command": no},
            {"label": speech.say("show"), "command": f"tocsin incidents show {name}"},
        ]
    if envelope.message == "resolved":
        return [{"label": speech.say("happened"), "command": f"tocsin incidents show {name}"}]
    return [
        {"label": speech.say("acknowledge"), "command": f"tocsin incidents ack {name}"},
        {"label": speech.say("show"), "command": f"tocsin incidents show {name}"},
    ]
