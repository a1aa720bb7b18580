"""The words of a message. What came from outside is data in our templates, never a template itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from receiver.engine.occurrence import one_line
from receiver.notify.channel import Envelope
from receiver.notify.own import OwnTemplates
from receiver.notify.sheet import sheet
from receiver.notify.short import fit, short, spoken
from receiver.notify.speech import Speech

MAX_SUBJECT = 160
LONGEST_SPOKEN = 600


@dataclass(frozen=True, slots=True)
class Text:
    """A message in words: one line, all of it as plain text and as HTML, two segments of SMS, and what a voice says.

    `html` is a whole page. Nothing of what came from outside stands in it unescaped; in the other four it is plain
    text, for each channel to escape as its medium needs.
    """

    subject: str
    body: str
    html: str = ""
    short: str = ""
    spoken: str = ""


class Writer:
    """Writes messages: by people's own templates as far as there are some, else by those beside this file."""

    def __init__(self, own: OwnTemplates | None = None) -> None:
        self._own = own or OwnTemplates()
        self._ours = ImmutableSandboxedEnvironment(
            loader=jinja2.PackageLoader("receiver.notify", "templates"),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=lambda name: bool(name and ".html" in name),
        )

    def write(self, envelope: Envelope) -> Text:
        """A message in the language and time zone of whom it is for; a test is always in Tocsin's own words."""
        speech = Speech.to(envelope.to)
        said = sheet(envelope, speech)
        facts = said.facts

        def own(medium: str) -> str | None:
            return None if envelope.tested_by else self._own.write(facts, medium)

        brief, voice = own("short"), own("spoken")
        return Text(
            subject=one_line(own("subject") or "", MAX_SUBJECT) or said.subject,
            body=own("txt") or self._by_ours("message.txt.j2", facts),
            html=own("html") or self._by_ours("message.html.j2", facts),
            short=short(envelope, said, speech) if brief is None else fit([brief]),
            spoken=spoken(envelope, said, speech) if voice is None else one_line(voice, LONGEST_SPOKEN),
        )

    def _by_ours(self, name: str, facts: Mapping[str, Any]) -> str:
        return self._ours.get_template(name).render(facts)
