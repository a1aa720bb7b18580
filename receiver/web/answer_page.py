"""The small page behind an answer link: an incident in a few words, and buttons. No script, no picture, no request."""

from __future__ import annotations

from datetime import datetime
from html import escape

from aiohttp import web

from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.occurrence import one_line
from receiver.notify.lead import status
from receiver.notify.speech import Speech
from receiver.web.html import Look

LOOK = Look(
    "body{max-width:34rem}h1{font-size:1.25rem;margin:.5rem 0}"
    ".said{border-left:.3rem solid #2e7d32;padding-left:.7rem}"
    "form{margin:.6rem 0}button{font:inherit;font-weight:600;width:100%;padding:.7rem;border-radius:.4rem;"
    "border:1px solid #8884;background:#8882;color:inherit}button.first{background:#0b57d0;color:#fff}"
    "textarea{font:inherit;width:100%;box-sizing:border-box;min-height:4rem}",
    sends=True,
)
LONGEST_COMMENT = 2_000


def incident_page(
    incident: Incident, speech: Speech, now: datetime, *, user: str, named: str, said: str = "", may: bool = True
) -> web.Response:
    """The incident; `user` may answer by buttons, an empty one is told how. `said`: what has just been done."""
    parts = [f'<p class="said" role="status">{escape(said)}</p>'] if said else []
    parts += [
        f"<h1>{escape(one_line(incident.title, 160))}</h1>",
        f"<p>{escape(status(incident, speech))}</p>",
        f"<p><strong>{escape(_standing(incident, speech, now))}</strong></p>",
    ]
    if not user:
        parts.append(f"<p>{escape(speech.say('page_list'))}<br>{_command(incident.id)}</p>")
    elif not may:
        parts.append(f"<p>{escape(speech.say('link_may_not', who=named))}</p>")
    else:
        parts += [f"<p>{escape(speech.say('page_for', who=named))}</p>", *_forms(incident, speech)]
    return page(speech, "".join(parts), 200)


def told(speech: Speech, sentence: str, status: int, *, incident: str = "") -> web.Response:
    """A page that says why nothing can be answered; with an incident, the command that can."""
    command = f"<p>{_command(incident)}</p>" if incident else ""
    return page(speech, f"<p>{escape(sentence)}</p>{command}", status)


def page(speech: Speech, content: str, status: int) -> web.Response:
    """`content` is HTML."""
    return LOOK.page(speech.say("page_title"), content, status, language=speech.words.language)


def _standing(incident: Incident, speech: Speech, now: datetime) -> str:
    """Who has it, and since how long."""
    if incident.status is IncidentStatus.RESOLVED and incident.resolved_at:
        who = one_line(incident.resolved_by, 100)
        return speech.say("resolved_ago", who=who, ago=speech.ago(now - incident.resolved_at))
    who = one_line(incident.acknowledged_by, 100)
    if incident.snoozed_until is not None:
        return speech.say("snoozed", who=who, until=speech.time(incident.snoozed_until))
    if incident.acknowledged_at is not None:
        return speech.say("had_ago", who=who, ago=speech.ago(now - incident.acknowledged_at))
    return speech.say("nobody_has")


def _forms(incident: Incident, speech: Speech) -> list[str]:
    forms = []
    if incident.status is not IncidentStatus.RESOLVED:
        if incident.status is IncidentStatus.OPEN or incident.snoozed_until is not None:
            forms.append(_button("acknowledge", speech.say("acknowledge"), first=True))
        forms += [_button("snooze", speech.say("snooze")), _button("resolve", speech.say("resolve"))]
    label, button = escape(speech.say("comment_label")), escape(speech.say("comment"))
    forms.append(
        '<form method="post"><input type="hidden" name="action" value="comment">'
        f'<label>{label}<textarea name="text" maxlength="{LONGEST_COMMENT}" required></textarea></label>'
        f"<button>{button}</button></form>"
    )
    return forms


def _button(action: str, label: str, *, first: bool = False) -> str:
    look = ' class="first"' if first else ""
    return f'<form method="post"><button name="action" value="{action}"{look}>{escape(label)}</button></form>'


def _command(incident: str) -> str:
    return f"<code>tocsin incidents ack {escape(incident)}</code>"
