"""An incident as a message in Slack: what is wrong, likely why, for whom, the worst alerts, and buttons to answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC

from receiver.engine.causes.telling import candidates
from receiver.engine.causes.tree import Branch
from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.occurrence import Occurrence, one_line
from receiver.notify.channel import Envelope
from receiver.notify.runs_told import Manner
from receiver.notify.runs_told import told as told_of_runs
from receiver.notify.slack_text import MOST_HEADER, Block, context, fitting, link, outside, section, stamp
from receiver.notify.slack_words import SlackWords, words
from receiver.notify.speech import Speech
from receiver.notify.weblink import web_link
from tocsin.model import Severity

PREFIX = "tocsin:"  # of the names of our buttons
SHOWN_ALERTS = 5
SHOWN_SERVICES = 8
SHOWN_ALSO = 10  # other incidents with a button each
MOST_DESCRIPTION = 300
MOST_NAME = 60
SNOOZES = ("30m", "2h", "tomorrow")
SIGNS = {Severity.CRITICAL: "🔴", Severity.WARNING: "🟠", Severity.INFO: "🔵"}


def blocks(envelope: Envelope) -> list[Block]:
    """The whole message; at most 20 blocks."""
    say = words(envelope.to.language if envelope.to else "en")
    incident = envelope.incident
    if envelope.tested_by:
        test = say.test.format(who=outside(envelope.tested_by, MOST_NAME))
        return [section(f"{test}\n{outside(incident.title)}")]
    told = [
        {"type": "header", "text": {"type": "plain_text", "text": headline(incident, say), "emoji": False}},
        section(standing(incident, say)),
    ]
    told += [section(fitting(done, lambda n: say.more.format(count=n)))] if (done := _runs(envelope)) else []
    causes = fitting(_causes(envelope, say), lambda n: say.more.format(count=n))
    told += [section(causes)] if causes else []
    told += [section(_alerts(envelope, say))] if envelope.alerts else []
    told += _also(envelope, say)
    told += [actions(incident, say)] if incident.status is not IncidentStatus.RESOLVED else []
    return [*told, context(links(envelope, say))]


def bare(envelope: Envelope) -> list[Block]:
    """What is left of a message that Slack finds too long or wrong: its headline and its buttons."""
    say = words(envelope.to.language if envelope.to else "en")
    incident = envelope.incident
    answers = [] if incident.status is IncidentStatus.RESOLVED else [actions(incident, say)]
    return [section(f"*{outside(headline(incident, say))}*\n{standing(incident, say)}"), *answers]


def headline(incident: Incident, say: SlackWords) -> str:
    """How bad, or that it is over, and what: one line of plain text."""
    title = one_line(incident.title, MOST_HEADER)
    match incident.status:
        case IncidentStatus.RESOLVED:
            line = f"✅ {say.over}: {title}"
        case IncidentStatus.ACKNOWLEDGED:
            mark = "💤" if incident.snoozed_until else "👤"
            line = f"{mark} {say.severities[incident.severity]}: {title}"
        case _:
            line = f"{SIGNS[incident.severity]} {say.severities[incident.severity]}: {title}"
    return one_line(line, MOST_HEADER)


def standing(incident: Incident, say: SlackWords) -> str:
    """Who has it, and how it stands."""
    facts = [say.fires.format(firing=f"{incident.firing:,}", alerts=f"{incident.alerts:,}")]
    if incident.reopened_at is not None:
        facts.append(say.back.format(at=stamp(incident.reopened_at)))
    else:
        facts.append(say.opened.format(at=stamp(incident.opened_at)))
    if incident.tenant not in ("", "default"):
        facts.append(say.tenant.format(tenant=outside(incident.tenant, MOST_NAME)))
    if incident.assigned_to:
        facts.append(say.given.format(to=outside(incident.assigned_to, MOST_NAME)))
    lines = [_who(incident, say), " · ".join(facts), *(say.broken[term] for term in incident.sla_broken)]
    return "\n".join(lines)


def _who(incident: Incident, say: SlackWords) -> str:
    who = outside(incident.acknowledged_by, MOST_NAME)
    if incident.merged_into:
        return say.merged.format(incident=outside(incident.merged_into))
    if incident.status is IncidentStatus.RESOLVED and incident.resolved_at is not None:
        return say.resolved.format(who=outside(incident.resolved_by, MOST_NAME), at=stamp(incident.resolved_at))
    if incident.status is IncidentStatus.ACKNOWLEDGED and incident.snoozed_until is not None:
        return say.snoozed.format(who=who, until=stamp(incident.snoozed_until))
    if incident.status is IncidentStatus.ACKNOWLEDGED and incident.acknowledged_at is not None:
        return say.acknowledged.format(who=who, at=stamp(incident.acknowledged_at))
    steps = len(incident.escalation)
    step = say.step.format(step=incident.step, steps=steps) if incident.step > 1 and steps >= incident.step else ""
    return f"{say.open_}, {step}" if step else say.open_


def _runs(envelope: Envelope) -> list[str]:
    """What runbooks have done, or are doing."""
    return told_of_runs(envelope.incident, envelope.story, slack_manner(envelope))


def slack_manner(envelope: Envelope) -> Manner:
    """How runs are told: in the reader's language, with times that Slack shows in their zone."""
    return Manner(Speech.to(envelope.to), stamp, outside)


def _causes(envelope: Envelope, say: SlackWords) -> Iterator[str]:
    tree = envelope.tree
    if tree.services:  # else the alerts tell all there is
        for cause in candidates(tree):
            yield say.cause.format(cause=_named(cause), at=stamp(cause.began_at))
    if any(tree.services):
        counted = list(tree.services.items())
        named = [f"{outside(name, 40) or say.no_service} {count:,}" for name, count in counted[:SHOWN_SERVICES]]
        left = len(counted) - SHOWN_SERVICES
        yield say.affected.format(what=", ".join([*named, *([say.more.format(count=left)] if left > 0 else [])]))


def _named(branch: Branch) -> str:
    count = f"{branch.alerts:,} × " if branch.alerts > 1 else ""
    return f"{count}{outside(branch.name, 120)}" + (f" ({outside(branch.where, 120)})" if branch.where else "")


def _alerts(envelope: Envelope, say: SlackWords) -> str:
    lines = [line for alert in envelope.alerts[:SHOWN_ALERTS] for line in _alert(alert, say)]
    hidden = envelope.incident.alerts - min(len(envelope.alerts), SHOWN_ALERTS)
    more = [say.more.format(count=f"{hidden:,}")] if hidden > 0 else []
    return fitting([say.alerts, *lines, *more], lambda n: "…")


def _alert(alert: Occurrence, say: SlackWords) -> Iterator[str]:
    end = f", {say.alert_over}" if alert.ends_at else ""
    since = say.since.format(at=stamp(alert.starts_at))
    yield f"• *{outside(alert.name, 120)}*: {outside(alert.summary)} ({since}{end})"
    description = outside(alert.annotations.get("description", ""), MOST_DESCRIPTION)
    if description and alert.annotations.get("summary"):
        yield f"    {description}"
    runbook = alert.annotations.get("runbook_url", "")
    if runbook:
        yield f"    {say.runbook.format(link=link(runbook))}"


def _also(envelope: Envelope, say: SlackWords) -> list[Block]:
    """The other incidents of a bundle, each with the button that matters most."""
    if not envelope.also:
        return []
    told = [section(say.also)]
    for other in envelope.also[:SHOWN_ALSO]:
        line = section(f"{outside(headline(other, say))} (`{outside(other.id)}`)")
        if other.status is IncidentStatus.OPEN:
            line["accessory"] = _button("acknowledge", say.acknowledge, other)
        told.append(line)
    left = len(envelope.also) - SHOWN_ALSO
    return [*told, *([context(say.more.format(count=left))] if left > 0 else [])]


def actions(incident: Incident, say: SlackWords) -> Block:
    """The buttons. `block_id` changes with the incident, so that Slack forgets what was chosen in the menu."""
    first = _button("acknowledge", say.acknowledge, incident) | {"style": "primary"}
    has_it = incident.status is IncidentStatus.ACKNOWLEDGED and incident.snoozed_until is None
    snooze = {
        "type": "static_select",
        "action_id": f"{PREFIX}snooze",
        "placeholder": plain(say.snooze),
        "options": [
            {"text": plain(say.choices[choice]), "value": f"{_value(incident)}/{choice}"} for choice in SNOOZES
        ],
    }
    resolve = _button("resolve", say.resolve, incident) | confirm(say, say.resolves)
    escalate = _button("escalate", say.escalate, incident) | confirm(say, say.escalates)
    elements = [*([] if has_it else [first]), resolve, snooze, *([escalate] if incident.escalation else [])]
    return {"type": "actions", "block_id": f"{PREFIX}{incident.id}/{incident.version}", "elements": elements}


def _button(action: str, label: str, incident: Incident) -> Block:
    return {
        "type": "button",
        "action_id": f"{PREFIX}{action}",
        "text": plain(label),
        "value": _value(incident),
    }


def _value(incident: Incident) -> str:
    """What a click brings back: the incident, and how far it had gone when the button was shown."""
    return f"{incident.id}/{incident.round}"


def confirm(say: SlackWords, text: str) -> Block:
    """Asks once more, before a button does what it says."""
    asked = {"title": plain(say.sure), "text": plain(text), "confirm": plain(say.yes), "deny": plain(say.no)}
    return {"confirm": asked}


def plain(text: str) -> Block:
    """A text object without any markup."""
    return {"type": "plain_text", "text": text, "emoji": False}


def links(envelope: Envelope, say: SlackWords) -> str:
    """Which incident, where it stands, why the reader is told, and when."""
    incident = envelope.incident
    told = [f"`{incident.id}`"]
    if web_link(envelope.links.incident):
        told.append(link(envelope.links.incident, say.look))
    if incident.status is IncidentStatus.OPEN and web_link(envelope.links.acknowledge):
        told.append(link(envelope.links.acknowledge, say.respond))
    if envelope.reason and envelope.to is not None:
        told.append(say.told.format(reason=outside(envelope.reason)))
    told.append(f"{envelope.sent_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")
    return " · ".join(told)
