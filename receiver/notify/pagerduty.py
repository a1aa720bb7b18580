"""PagerDuty by its Events API v2: trigger, acknowledge, resolve. Its answers come in by `web/pagerduty.py`.

Source: developer.pagerduty.com, Events API v2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import msgspec
from pydantic import AnyHttpUrl, Field

from receiver.engine.causes.telling import told
from receiver.engine.causes.tree import Tree
from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.occurrence import Occurrence, one_line
from receiver.notify.channel import ChannelRefused, Envelope, Links, Receipt
from receiver.notify.posting import Answer, blotted, judge
from receiver.notify.run_message import ABOUT_RUNS, commands, first_lines, sections
from receiver.notify.runs_told import Manner, run_about
from receiver.notify.runs_told import told as told_of_runs
from receiver.notify.speech import Speech
from receiver.notify.text import Writer
from receiver.notify.threads import Blocking
from tocsin.config import Duration, Settings, read_secret
from tocsin.model import Severity

if TYPE_CHECKING:
    from receiver.notify.pagerduty_session import Session

Action = Literal["trigger", "acknowledge", "resolve"]

SEVERITIES: Mapping[Severity, str] = {
    Severity.CRITICAL: "critical",
    Severity.WARNING: "warning",
    Severity.INFO: "info",
}
MAX_SUMMARY = 1024  # characters; PagerDuty's own bound
MAX_DETAIL = 500
MAX_LABELS = 30  # of one alert
MOST_CAUSES = 20  # lines


class PagerDutySettings(Settings):
    """Which service is told, and whose answers count."""

    routing_key_file: Path
    webhook_secret_file: Path | None = None  # one a line, one for each webhook subscription
    answers_as: str = Field("responder", max_length=64)  # the role of who answers there and is no user here; "": nobody
    url: AnyHttpUrl = AnyHttpUrl("https://events.pagerduty.com")
    timeout: Duration = timedelta(seconds=10)


class PagerDutyChannel:
    """Keeps one PagerDuty incident for each of ours: the deduplication key is the incident's id."""

    contact: ClassVar[str] = ""
    follows: ClassVar[bool] = True
    idempotent: ClassVar[bool] = True

    def __init__(self, settings: PagerDutySettings, writer: Writer) -> None:
        self.settings = settings
        self._writer = writer
        self._calls: Blocking[Session] = Blocking(self._session, "pagerduty")

    async def send(self, envelope: Envelope) -> Receipt:
        events = self._events(envelope)
        if not events and envelope.message == "approval":
            raise ChannelRefused(
                "PagerDuty cannot ask for an approval of what it was not paged for: name people instead"
            )
        if not events:
            return Receipt(skipped="PagerDuty is told of what is open there, of acknowledgement and of the end")
        key = read_secret(self.settings.routing_key_file).strip()
        for event in events:  # tried again, those that are there already are recognised
            answer = await self._calls.run(partial(_submit, key=key, event=event), self._seconds)
            judge(answer, envelope.sent_at, _detail(answer, key))
        return Receipt(reference=envelope.incident.id)

    def preview(self, envelope: Envelope) -> str:
        """The events that would be submitted, without the routing key."""
        return msgspec.json.format(msgspec.json.encode(self._events(envelope)), indent=2).decode()

    async def close(self) -> None:
        await self._calls.close()

    @property
    def _seconds(self) -> float:
        return self.settings.timeout.total_seconds()

    def _session(self) -> Session:
        from receiver.notify.pagerduty_session import Session

        return Session(str(self.settings.url).rstrip("/"), self._seconds)

    def _events(self, envelope: Envelope) -> list[dict[str, Any]]:
        """One for each incident: where a message tells of several, each has its own there."""
        if envelope.tested_by:
            return [self._change(envelope)]
        each = [envelope, *(_about(envelope, other) for other in envelope.also)]
        return [event for one in each if (event := self._event(one)) is not None]

    def _event(self, envelope: Envelope) -> dict[str, Any] | None:
        action = action_of(envelope)
        if action is None:
            return None
        event: dict[str, Any] = {"event_action": action, "dedup_key": envelope.incident.id}
        if action == "trigger":
            event |= {"client": "Tocsin", "payload": self._payload(envelope)}
            where = envelope.links.incident or envelope.url
            if where:
                event |= {"client_url": where, "links": [{"href": where, "text": "The incident in Tocsin"}]}
        return event

    def _change(self, envelope: Envelope) -> dict[str, Any]:
        """A change event: it shows that the key is right, on the service's page, and alarms nobody."""
        summary = self._writer.write(envelope).subject[:MAX_SUMMARY]
        return {"payload": {"summary": summary, "source": "tocsin", "timestamp": envelope.sent_at.isoformat()}}

    def _payload(self, envelope: Envelope) -> dict[str, Any]:
        incident, cause = envelope.incident, envelope.tree.cause
        return {
            "summary": self._writer.write(envelope).subject[:MAX_SUMMARY],
            "source": one_line(cause.service if cause and cause.service else incident.tenant or "tocsin"),
            "severity": SEVERITIES[incident.severity],
            "timestamp": incident.opened_at.isoformat(),
            "component": one_line(cause.service) if cause else "",
            "group": one_line(incident.tenant),
            "class": one_line(cause.name if cause else incident.title),
            "custom_details": _details(envelope, incident),
        }


def action_of(envelope: Envelope) -> Action | None:
    """What a message means there; None: nothing."""
    match envelope.message, envelope.incident.status:
        case "resolved", _:
            return "resolve"
        case "update", IncidentStatus.RESOLVED:
            return "resolve"
        case "update", IncidentStatus.ACKNOWLEDGED:
            return "acknowledge"
        case "update", _:
            return None
        case (("approval" | "remediation"), _) if not envelope.reference:
            return None  # nothing of it is open there, and nothing would close what this opened
        case _:
            return "trigger"


def _about(envelope: Envelope, other: Incident) -> Envelope:
    """The same message, about another incident that it tells of, too."""
    here = envelope.links.incident.replace(envelope.incident.id, other.id)
    return replace(envelope, incident=other, alerts=(), tree=Tree(), url="", links=Links(here), also=())


def _submit(session: Session, *, key: str, event: dict[str, Any]) -> Answer:
    return session.submit(key, event)


def _details(envelope: Envelope, incident: Incident) -> dict[str, Any]:
    """What a responder reads, bounded; what comes from outside is text on one line."""
    return {
        "incident": incident.id,
        "severity": incident.severity.value,
        "alerts": incident.alerts,
        "firing": incident.firing,
        "why": one_line(envelope.reason, MAX_DETAIL),
        "runbooks": [one_line(line, MAX_DETAIL) for line in _runs(envelope)],
        "likely cause": [one_line(line, MAX_DETAIL) for line in told(envelope.tree)[:MOST_CAUSES]],
        "worst alerts": [_alert(one) for one in envelope.alerts],
    }


def _runs(envelope: Envelope) -> list[str]:
    """What runbooks have done or are doing; where the message is about one, all of it."""
    manner = Manner.plain(Speech.to(envelope.to), envelope.sent_at)
    if envelope.message not in ABOUT_RUNS:
        return told_of_runs(envelope.incident, envelope.story, manner)
    listed = [line for one in sections(envelope, manner) for line in (f"{one.label}:", *one.lines)]
    run, _ = run_about(envelope.incident, envelope.about)
    asks = commands(run) if envelope.message == "approval" and run is not None else ()
    return [*first_lines(envelope, manner), *listed, *asks]


def _alert(one: Occurrence) -> dict[str, Any]:
    labels = {one_line(name): one_line(value) for name, value in list(one.labels.items())[:MAX_LABELS]}
    notes = {name: one_line(one.annotations.get(name, ""), MAX_DETAIL) for name in ("description", "runbook_url")}
    said = {"summary": one_line(one.summary, MAX_DETAIL), "since": one.starts_at.isoformat(), "labels": labels}
    return said | {name: note for name, note in notes.items() if note}


def _detail(answer: Answer, key: str) -> str:
    """What PagerDuty says is wrong."""
    try:
        said = msgspec.json.decode(answer.body, type=dict[str, Any])
    except msgspec.MsgspecError:
        return ""
    errors = said.get("errors")
    listed = [str(one) for one in errors] if isinstance(errors, list) else []
    return blotted("; ".join([str(said.get("message") or ""), *listed]).strip("; "), key)
