"""Microsoft Teams by a workflow's webhook: an Adaptive Card. At least once: a repeat is not recognised.

Source: learn.microsoft.com/connectors/teams (28 KB a message), adaptivecards.io/explorer (TextRun: no Markdown).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from receiver.engine.causes.telling import candidates
from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.occurrence import Occurrence, one_line
from receiver.notify.channel import ChannelUnavailable, Envelope, Receipt
from receiver.notify.posting import Poster, blotted, judge
from receiver.notify.run_message import ABOUT_RUNS, commands, first_lines, sections
from receiver.notify.runs_told import Manner, run_about, told
from receiver.notify.speech import Speech
from receiver.notify.text import Writer
from receiver.notify.weblink import web_link
from tocsin.config import Duration, Settings, read_secret
from tocsin.errors import TocsinError

MOST_BYTES = 27_000  # of the 28 KB that Teams takes
SHOWN_ALSO = 10
COLOURS = {"critical": "attention", "warning": "warning", "info": "accent"}

Element = dict[str, Any]


class TeamsSettings(Settings):
    """Where to post. The URL is a secret: whoever has it can write to the channel."""

    url_file: Path = Field(description="The workflow's URL.")
    timeout: Duration = Field(timedelta(seconds=10), description="For one message.")


class TeamsChannel:
    """Posts cards to the channel or chat that the workflow was made for."""

    contact: ClassVar[str] = ""
    follows: ClassVar[bool] = False
    idempotent: ClassVar[bool] = False

    def __init__(self, settings: TeamsSettings, writer: Writer) -> None:
        self._settings = settings
        self._writer = writer
        self._poster = Poster(settings.timeout)

    async def send(self, envelope: Envelope) -> Receipt:
        """Posts a card."""
        url = read_secret(self._settings.url_file)
        if not url.startswith(("https://", "http://")):
            raise TocsinError(f"{self._settings.url_file}: holds no URL")
        answer = await self._poster.post(url, self._content(envelope), {"Content-Type": "application/json"})
        said = answer.body.decode("utf-8", "replace")
        if answer.status == 200 and "delivery failed" in said:  # connectors say 200 even when Teams took nothing
            raise ChannelUnavailable(blotted(said, url))
        judge(answer, envelope.sent_at)
        return Receipt()

    def preview(self, envelope: Envelope) -> str:
        """The JSON that would be posted."""
        return json.dumps(json.loads(self._content(envelope)), indent=2, ensure_ascii=False)

    async def close(self) -> None:
        """Lets go of the connections."""
        await self._poster.close()

    def _content(self, envelope: Envelope) -> bytes:
        """The card with as many alerts as fit."""
        subject = self._writer.write(envelope).subject
        most = 0 if envelope.message in ABOUT_RUNS else len(envelope.alerts)
        for shown in range(most, -1, -1):
            content = json.dumps(message(envelope, subject, shown), ensure_ascii=False).encode("utf-8", "replace")
            if len(content) <= MOST_BYTES:
                break
        return content


def message(envelope: Envelope, subject: str, shown: int) -> Element:
    """The body of the request, with so many alerts."""
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": one_line(f"TEST: {subject}" if envelope.tested_by else subject),
        "msteams": {"width": "Full"},
        "body": list(_body(envelope, subject, shown)),
        "actions": list(_actions(envelope)),
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _body(envelope: Envelope, subject: str, shown: int) -> Iterator[Element]:
    incident = envelope.incident
    if envelope.tested_by:
        who = one_line(envelope.tested_by, 100)
        yield _text(_run(f"This is a test, asked for by {who}. Nothing is wrong.", weight="bolder", size="large"))
        yield _text(_run(one_line(incident.title)))
        return
    over = incident.status is IncidentStatus.RESOLVED
    colour = "good" if over else COLOURS[incident.severity.value]
    yield _text(_run(subject, weight="bolder", size="large", color=colour))
    yield from _runs(envelope)
    yield _text(_run(_standing(incident)))
    if envelope.message != "page" and envelope.message in WHY:
        yield _text(_run(WHY[envelope.message], weight="bolder"))
    if envelope.reason and envelope.to is not None:
        yield _text(_run(f"For {one_line(envelope.to.name, 100)}: {one_line(envelope.reason)}", subtle=True))
    yield from _causes(envelope)
    for alert in envelope.alerts[:shown]:
        yield from _alert(alert)
    hidden = 0 if envelope.message in ABOUT_RUNS else incident.alerts - min(shown, len(envelope.alerts))
    if hidden > 0:
        yield _text(_run(f"… and {hidden:,} more alerts", subtle=True))
    for other in envelope.also[:SHOWN_ALSO]:
        yield _text(_run(f"Also: {other.severity.value}, {one_line(other.title)} ({other.id})"))
    if len(envelope.also) > SHOWN_ALSO:
        yield _text(_run(f"… and {len(envelope.also) - SHOWN_ALSO:,} more incidents", subtle=True))
    for command in _commands(envelope):
        yield _text(_run(command, fontType="monospace", size="small"))


def _runs(envelope: Envelope) -> Iterator[Element]:
    """What runbooks have done or are doing; where the message is about one, all of it."""
    manner = Manner.plain(Speech.to(envelope.to), envelope.sent_at)
    if envelope.message not in ABOUT_RUNS:
        for line in told(envelope.incident, envelope.story, manner):
            yield _text(_run(line, weight="bolder"))
        return
    for line in first_lines(envelope, manner):
        yield _text(_run(line))
    for one in sections(envelope, manner):
        yield _text(_run(one.label, weight="bolder"))
        for line in one.lines:
            yield _text(_run(line))


def _commands(envelope: Envelope) -> list[str]:
    show = f"tocsin incidents show {envelope.incident.id}"
    run, _ = run_about(envelope.incident, envelope.about)
    return [*commands(run), show] if envelope.message == "approval" and run is not None else [show]


WHY = {
    "reopened": "It had resolved and is back.",
    "handover": "A shift has begun: it is handed over.",
    "sla": "Its SLA is about to break, or is broken.",
}


def _standing(incident: Incident) -> str:
    """Who has it, and how it stands."""
    facts = [f"{incident.firing:,} of {incident.alerts:,} alerts fire", f"opened {_time(incident.opened_at)}"]
    if incident.tenant not in ("", "default"):
        facts.append(f"tenant {one_line(incident.tenant, 100)}")
    if incident.status is IncidentStatus.RESOLVED and incident.resolved_at is not None:
        facts.insert(0, f"resolved by {one_line(incident.resolved_by, 100)}, {_time(incident.resolved_at)}")
    elif incident.status is IncidentStatus.ACKNOWLEDGED:
        facts.insert(0, f"acknowledged by {one_line(incident.acknowledged_by, 100)}")
    else:
        facts.insert(0, "nobody has acknowledged it")
    if incident.sla_broken:
        facts.append("SLA broken")
    return " · ".join(facts)


def _causes(envelope: Envelope) -> Iterator[Element]:
    tree = envelope.tree
    for cause in candidates(tree) if tree.services else ():  # else the alerts tell all there is
        where = f" ({one_line(cause.where, 120)})" if cause.where else ""
        named = f"{one_line(cause.name, 120)}{where}, since {_time(cause.began_at)}"
        yield _text(_run("Likely cause: ", weight="bolder"), _run(named))
    if any(tree.services):
        named = ", ".join(f"{one_line(name, 80) or 'no service'} {n:,}" for name, n in list(tree.services.items())[:8])
        more = f" and {len(tree.services) - 8} more" if len(tree.services) > 8 else ""
        yield _text(_run("Affected: ", weight="bolder"), _run(named + more))


def _alert(alert: Occurrence) -> Iterator[Element]:
    end = ", over" if alert.ends_at else ""
    said = f": {one_line(alert.summary)} (since {_time(alert.starts_at)}{end})"
    yield _text(_run(f"• {one_line(alert.name, 120)}", weight="bolder"), _run(said))
    description = one_line(alert.annotations.get("description", ""), 300)
    if description and alert.annotations.get("summary"):
        yield _text(_run(description, subtle=True))
    runbook = web_link(alert.annotations.get("runbook_url", ""))
    if runbook:  # where it leads stands there to be read
        yield _text(_run("Runbook: "), _run(runbook, action={"type": "Action.OpenUrl", "url": runbook}))


def _actions(envelope: Envelope) -> Iterator[Element]:
    links = envelope.links
    if envelope.tested_by:
        return
    if envelope.incident.status is IncidentStatus.OPEN and web_link(links.acknowledge):
        yield {"type": "Action.OpenUrl", "title": "Acknowledge", "url": links.acknowledge, "style": "positive"}
    if web_link(links.incident):
        yield {"type": "Action.OpenUrl", "title": "Open the incident", "url": links.incident}


def _text(*runs: Element) -> Element:
    """A paragraph; unlike a TextBlock it knows no Markdown, so that no alert writes links."""
    return {"type": "RichTextBlock", "inlines": list(runs)}


def _run(text: str, *, subtle: bool = False, action: Element | None = None, **style: str) -> Element:
    run: Element = {"type": "TextRun", "text": text} | style
    return run | ({"isSubtle": True} if subtle else {}) | ({"selectAction": action} if action else {})


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
