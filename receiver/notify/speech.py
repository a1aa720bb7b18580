"""Times, figures and sentences in somebody's language and time zone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from receiver.notify.channel import Recipient
from receiver.notify.words import Words
from receiver.notify.words_de import GERMAN
from receiver.notify.words_en import ENGLISH
from receiver.notify.words_fr import FRENCH

LANGUAGES: Mapping[str, Words] = {words.language: words for words in (ENGLISH, GERMAN, FRENCH)}

_SECONDS = {"day": 86_400, "hour": 3_600, "minute": 60, "second": 1}


@dataclass(frozen=True, slots=True)
class Speech:
    """How somebody is spoken to."""

    words: Words
    zone: tzinfo
    zone_name: str

    @classmethod
    def to(cls, recipient: Recipient | None) -> Speech:
        """In their own language and time zone; whoever reads a channel is told in English and UTC."""
        language, zone = (recipient.language, recipient.timezone) if recipient else ("en", "UTC")
        return cls(LANGUAGES.get(language, ENGLISH), ZoneInfo(zone), zone)

    def say(self, sentence: str, **about: object) -> str:
        """A sentence, filled."""
        return self.words.sentences[sentence].format(**about)

    def number(self, number: int) -> str:
        return f"{number:,}".replace(",", self.words.thousands)

    def noun(self, name: str, number: int) -> str:
        one, many = self.words.nouns[name]
        return one if self.words.singular(number) else many

    def count(self, name: str, number: int) -> str:
        """`1,234 alerts`."""
        return f"{self.number(number)} {self.noun(name, number)}"

    def time(self, at: datetime) -> str:
        """`2026-11-21 04:00:00 CET`."""
        local = at.astimezone(self.zone)
        return f"{local.strftime(self.words.date)} {_named(local)}"

    def clock(self, at: datetime) -> str:
        """`04:00:00 CET`."""
        local = at.astimezone(self.zone)
        return f"{local:%H:%M:%S} {_named(local)}"

    def hour(self, at: datetime) -> str:
        """`04:00`."""
        return f"{at.astimezone(self.zone):%H:%M}"

    def lasted(self, time: timedelta) -> str:
        """`2 hours 5 minutes`: its two largest units."""
        return self._units(time, self.words.nouns)

    def ago(self, time: timedelta) -> str:
        """`5 minutes ago`."""
        return self.say("ago", time=self._units(time, self.words.ago))

    def reason(self, text: str) -> str:
        """The engine's reason, which is English, as far as its phrases are known."""
        for pattern, replacement in self.words.reasons:
            text = re.sub(pattern, replacement, text)
        return text

    def _units(self, time: timedelta, nouns: Mapping[str, tuple[str, str]]) -> str:
        left = max(int(time.total_seconds()), 0)
        parts: list[str] = []
        for unit, seconds in _SECONDS.items():
            number, left = divmod(left, seconds)
            if len(parts) < 2 and (number or (unit == "second" and not parts)):
                one, many = nouns[unit]
                parts.append(f"{self.number(number)} {one if self.words.singular(number) else many}")
            elif parts:
                break
        return " ".join(parts)


def _named(local: datetime) -> str:
    """The zone's short name at that time; one that has none is told by its offset."""
    name = local.strftime("%Z")
    return name if name[:1].isalpha() else f"UTC{name}"
