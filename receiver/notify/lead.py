"""The first sentences of each message: what has happened, how bad it is, who has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from receiver.engine.events import (
    Acknowledged,
    AnyEvent,
    Commented,
    Escalated,
    EscalationForced,
    MergedInto,
    Reassigned,
    SeverityRaised,
    SlaBroken,
    SlaWarned,
    Snoozed,
    SnoozeEnded,
)
from receiver.engine.incident import Incident
from receiver.engine.occurrence import one_line
from receiver.notify.channel import Envelope
from receiver.notify.run_message import ABOUT_RUNS, first_lines
from receiver.notify.runs_told import Manner, of_event, told
from receiver.notify.speech import Speech

MOST_SERVICES = 5
LONGEST_COMMENT = 300


def lead(envelope: Envelope, speech: Speech) -> list[str]:
    """What a message begins with, a sentence an item."""
    first = [speech.say("test", who=one_line(envelope.tested_by, 100))] if envelope.tested_by else []
    said = [*_LEADS[envelope.message](envelope, speech), *runs(envelope, speech)]
    return first + list(dict.fromkeys(said))  # an update about a run has said it


def runs(envelope: Envelope, speech: Speech) -> list[str]:
    """What runbooks have done, or are doing; nothing where the whole message is about that."""
    if envelope.message in ABOUT_RUNS:
        return []
    return told(envelope.incident, envelope.story, Manner.plain(speech, envelope.sent_at))


def status(incident: Incident, speech: Speech) -> str:
    """How bad, how many, since when."""
    return speech.say(
        "status" if incident.alerts else "status_alone",  # opened by hand
        severity=speech.words.severities[incident.severity].upper(),
        firing=speech.number(incident.firing),
        alerts=speech.number(incident.alerts),
        of_alerts=speech.noun("of_alert", incident.alerts),
        opened=speech.time(incident.opened_at),
    )


def affected(envelope: Envelope, speech: Speech) -> Iterator[str]:
    """For whom it is wrong: services, and the tenant where there are several."""
    cause = envelope.tree.cause
    named = [cause.service] if cause is not None else []
    named += list(envelope.tree.services)
    named += [alert.labels.get("service", "") for alert in envelope.alerts]
    services = [one_line(name, 60) for name in dict.fromkeys(named) if name]
    if services:
        listed = ", ".join(services[:MOST_SERVICES])
        more = len(services) - MOST_SERVICES
        yield speech.say("affected", services=speech.say("more", listed=listed, more=more) if more > 0 else listed)
    if envelope.incident.tenant not in ("", "default"):
        yield speech.say("tenant", tenant=one_line(envelope.incident.tenant, 60))


def standing(incident: Incident, speech: Speech) -> str:
    """Who has it."""
    who = one_line(incident.acknowledged_by, 100)
    if incident.snoozed_until is not None:
        return speech.say("snoozed", who=who, until=speech.time(incident.snoozed_until))
    if incident.acknowledged_at is not None:
        return speech.say("has", who=who, at=speech.time(incident.acknowledged_at))
    return speech.say("nobody_has")


def _page(envelope: Envelope, speech: Speech) -> Iterator[str]:
    incident = envelope.incident
    yield status(incident, speech)
    yield from affected(envelope, speech)
    if incident.reopened_at:
        yield speech.say("back", at=speech.time(incident.reopened_at))
    if incident.assigned_to:
        yield speech.say("assigned", who=incident.assigned_to.removeprefix("user:"))
    if incident.repeats:
        yield speech.say("again", turn=incident.repeats, turns=incident.plan.repeat)
    elif incident.step > 1:
        yield speech.say("step", step=incident.step, steps=len(incident.escalation))


def _reopened(envelope: Envelope, speech: Speech) -> Iterator[str]:
    back = envelope.incident.reopened_at or envelope.sent_at
    yield f"{speech.say('back', at=speech.time(back))} {speech.say('anew')}"
    yield status(envelope.incident, speech)
    yield from affected(envelope, speech)


def _resolved(envelope: Envelope, speech: Speech) -> Iterator[str]:
    incident = envelope.incident
    end = incident.resolved_at or envelope.sent_at
    at = speech.time(end)
    if incident.firing:
        who = one_line(incident.resolved_by, 100)
        yield speech.say("closed", firing=speech.number(incident.firing), who=who, at=at)
    elif incident.expired:
        yield speech.say("expired", expired=speech.number(incident.expired), at=at)
    else:
        yield speech.say("over", at=at)
    opened, lasted = speech.time(incident.opened_at), speech.lasted(end - incident.opened_at)
    yield speech.say("lasted", opened=opened, lasted=lasted)
    if incident.acknowledged_at:
        who = one_line(incident.acknowledged_by, 100)
        yield speech.say("had_it", who=who, at=speech.time(incident.acknowledged_at))
    else:
        yield speech.say("nobody_had")


def _handover(envelope: Envelope, speech: Speech) -> Iterator[str]:
    yield speech.say("duty")
    yield status(envelope.incident, speech)
    yield from affected(envelope, speech)
    yield standing(envelope.incident, speech)


def _sla(envelope: Envelope, speech: Speech) -> Iterator[str]:
    match next((event for _, event in reversed(envelope.story) if isinstance(event, SlaWarned | SlaBroken)), None):
        case SlaWarned(term=term, due_at=due):
            yield speech.say(f"sla_{term}", due=speech.time(due), left=speech.lasted(due - envelope.sent_at))
        case SlaBroken(term=term, due_at=due):
            yield speech.say(f"sla_{term}_broken", due=speech.time(due))
        case _:
            yield speech.say("sla")
    yield status(envelope.incident, speech)
    yield from affected(envelope, speech)
    yield standing(envelope.incident, speech)


def _update(envelope: Envelope, speech: Speech) -> Iterator[str]:
    incident, manner = envelope.incident, Manner.plain(speech, envelope.sent_at)
    sentences = (
        change(event, incident, speech) or of_event(event, incident, envelope.story, manner)
        for _, event in reversed(envelope.story)
    )
    yield next(filter(None, sentences), speech.say("changed"))
    yield status(envelope.incident, speech)
    yield standing(envelope.incident, speech)


def _approval(envelope: Envelope, speech: Speech) -> Iterator[str]:
    yield from first_lines(envelope, Manner.plain(speech, envelope.sent_at))
    yield status(envelope.incident, speech)
    yield from affected(envelope, speech)


def _remediation(envelope: Envelope, speech: Speech) -> Iterator[str]:
    yield from first_lines(envelope, Manner.plain(speech, envelope.sent_at))
    yield status(envelope.incident, speech)
    yield standing(envelope.incident, speech)


def change(event: AnyEvent, incident: Incident, speech: Speech) -> str:
    """What an event changed, in a sentence; an empty text: nothing that people follow."""
    match event:
        case Acknowledged(by=by):
            return speech.say("acknowledged", who=one_line(by, 100))
        case Snoozed(by=by, until=until):
            return speech.say("snoozed", who=one_line(by, 100), until=speech.time(until))
        case SnoozeEnded():
            return speech.say("woke")
        case Reassigned(by=by, to=to):
            return speech.say("reassigned", who=one_line(by, 100), to=one_line(to.removeprefix("user:"), 100))
        case EscalationForced(by=by):
            return speech.say("forced", who=one_line(by, 100))
        case SeverityRaised(severity=severity):
            return speech.say("severity", severity=speech.words.severities[severity])
        case Commented(by=by, text=text):
            return speech.say("commented", who=one_line(by, 100), text=one_line(text, LONGEST_COMMENT))
        case MergedInto(incident=other):
            return speech.say("merged", incident=other)
        case Escalated(step=step):
            return speech.say("escalated", step=step + 1, steps=len(incident.escalation))
        case _:
            return ""


_LEADS: Mapping[str, Callable[[Envelope, Speech], Iterator[str]]] = {
    "page": _page,
    "reopened": _reopened,
    "resolved": _resolved,
    "handover": _handover,
    "sla": _sla,
    "update": _update,
    "approval": _approval,
    "remediation": _remediation,
}
