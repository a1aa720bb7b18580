"""The words of a message. What came from outside is data in our templates, never a template itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import jinja2
import structlog
from jinja2.sandbox import ImmutableSandboxedEnvironment

from receiver.engine.causes.telling import told
from receiver.engine.occurrence import one_line
from receiver.notify.channel import Envelope

log = structlog.get_logger("receiver.notify")

MAX_SUBJECT = 160


@dataclass(frozen=True, slots=True)
class Text:
    """A message in words: one line, and all of it."""

    subject: str
    body: str


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")


class Writer:
    """Writes messages from the templates beside this file."""

    def __init__(self) -> None:
        self._templates = ImmutableSandboxedEnvironment(
            loader=jinja2.PackageLoader("receiver.notify", "templates"),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,
        )
        self._templates.filters |= {"time": _time, "line": one_line}

    def write(self, envelope: Envelope) -> Text:
        """The subject (one line) and the body (plain text) of a message."""
        incident = envelope.incident
        marks = {"resolved": "RESOLVED", "reopened": "BACK"}
        mark = marks.get(envelope.message, incident.severity.value.upper())
        subject = one_line(f"[{mark}] {incident.title}", MAX_SUBJECT)
        return Text(subject, self._body(envelope))

    def _body(self, envelope: Envelope) -> str:
        """A template that fails must not cost a page: then the bare facts go out."""
        incident = envelope.incident
        hidden = incident.alerts - len(envelope.alerts)
        try:
            template = self._templates.get_template(f"{envelope.message}.txt.j2")
            causes = [one_line(line, 500) for line in told(envelope.tree)]
            return template.render(
                incident=incident, alerts=envelope.alerts, hidden=hidden, url=envelope.url, causes=causes
            )
        except jinja2.TemplateError as error:
            log.error("a message template fails", message=envelope.message, reason=str(error))
            return f"{incident.title}\n\nMore: tocsin incidents show {incident.id}\n"
