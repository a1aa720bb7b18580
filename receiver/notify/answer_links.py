"""Links by which somebody answers without a login: signed, for one incident and one person, until some day.

A link says who it was sent to, not who holds it: whoever reads the message can answer as its reader, as whoever holds
a phone can press its keys. It is a capability, unguessable (128 bits of HMAC-SHA256), and works until it expires.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

LASTS = timedelta(days=7)
SIGNATURE_BYTES = 16
PATH = "/answer/"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{24,300}")


class Forged(Exception):
    """It is no link of ours, or was cut in two on its way."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a link says. `user` empty: it went to a list, and only shows the incident."""

    incident: str
    user: str
    expires_at: datetime


class AnswerLinks:
    """Makes links and reads them. `external_url` may be replaced; while it is empty there are no links."""

    def __init__(self, key: bytes, external_url: str) -> None:
        self._key = key
        self.external_url = external_url

    def link(self, incident: str, user: str, now: datetime) -> str:
        """A link for somebody, or for a list; an empty text where nobody could reach it."""
        if not self.external_url:
            return ""
        return f"{self.external_url.rstrip('/')}{PATH}{self.token(Ticket(incident, user, now + LASTS))}"

    def token(self, ticket: Ticket) -> str:
        action = "answer" if ticket.user else "see"
        said = f"{int(ticket.expires_at.timestamp()):x} {action[0]} {ticket.incident} {ticket.user}".encode()
        return base64.urlsafe_b64encode(said + self._signature(said)).decode().rstrip("=")

    def read(self, token: str) -> Ticket:
        """What a token says; whether it has expired is for the caller to see.

        Raises:
            Forged: it was not made with this key.
        """
        if not _TOKEN.fullmatch(token):
            raise Forged
        try:
            content = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except binascii.Error as error:
            raise Forged from error
        said, signature = content[:-SIGNATURE_BYTES], content[-SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._signature(said)):
            raise Forged
        expires, _, incident, user = said.decode().split(" ")
        return Ticket(incident, user, datetime.fromtimestamp(int(expires, 16), UTC))

    def _signature(self, said: bytes) -> bytes:
        return hmac.digest(self._key, b"tocsin answer link\0" + said, "sha256")[:SIGNATURE_BYTES]
