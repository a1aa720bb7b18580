"""Runs of runbooks as messages in Slack: the question whether one may do something, and what one has done."""

from __future__ import annotations

from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.run import Run, RunState
from receiver.notify.channel import Envelope
from receiver.notify.run_message import first_lines, sections
from receiver.notify.runs_told import Manner, naming, run_about
from receiver.notify.slack_blocks import PREFIX, actions, confirm, links, plain, slack_manner
from receiver.notify.slack_text import MOST_HEADER, Block, context, section, whole
from receiver.notify.slack_words import SlackWords, words
from receiver.notify.speech import Speech

MARKS = {"approval": "✋", "remediation": "🔧"}


def run_blocks(envelope: Envelope, *, short: bool = False) -> list[Block]:
    """The whole message about a run; `short`: without its details."""
    say, how = words(envelope.to.language if envelope.to else "en"), slack_manner(envelope)
    run, _ = run_about(envelope.incident, envelope.about)
    shown = [_header(envelope, run, say)]
    shown += [section(text) for text in whole(first_lines(envelope, how))]
    for one in () if short else sections(envelope, how):
        shown += [section(text) for text in whole([f"*{one.label}*", *one.lines])]
    shown += _buttons(envelope, run, say, how)
    return [*shown, context(links(envelope, say))]


def approval_value(incident: Incident, run: Run) -> str:
    """What a click brings back: the incident, how far it had gone, the run, and exactly which plan was shown."""
    return f"{incident.id}/{incident.round}/{run.id}/{run.plan_hash}"


def _header(envelope: Envelope, run: Run | None, say: SlackWords) -> Block:
    how, title = Manner.plain(Speech.to(envelope.to), envelope.sent_at), envelope.incident.title
    named = title if run is None else how.speech.say("run_subject", **naming(run, how), title=title)
    line = how.text(f"{MARKS[envelope.message]} {how.speech.words.marks[envelope.message]}: {named}", MOST_HEADER)
    return {"type": "header", "text": plain(line)}


def _buttons(envelope: Envelope, run: Run | None, say: SlackWords, how: Manner) -> list[Block]:
    """Yes and no to the run that waits; what has been done is answered as every incident is."""
    incident = envelope.incident
    if envelope.message == "remediation":
        return [] if incident.status is IncidentStatus.RESOLVED else [actions(incident, say)]
    if run is None or run.state is not RunState.AWAITING:
        return []
    speech, value = how.speech, approval_value(incident, run)
    yes = _button("approve", speech.say("run_approve"), value, "primary") | confirm(say, speech.say("run_approves"))
    no = _button("reject", speech.say("run_reject"), value, "danger") | confirm(say, speech.say("run_rejects"))
    return [{"type": "actions", "block_id": f"{PREFIX}{run.id}/{len(run.approved_by)}", "elements": [yes, no]}]


def _button(action: str, label: str, value: str, style: str) -> Block:
    return {"type": "button", "action_id": f"{PREFIX}{action}", "text": plain(label), "value": value, "style": style}
