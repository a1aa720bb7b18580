"""A recorded storm: one object a line, `{"at": RFC 3339, "body": {webhook body}}` (DESIGN.md §9).

`source` may name the sender, as in the webhook's address; other keys are passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from receiver.engine.notification import Body

DEFAULT_SOURCE = "alertmanager"
YEARS = range(1971, 9000)
SHOULD_BE = 'a line is {"at": "2026-11-21T03:00:05Z", "body": {…}}'


class NotALine(ValueError):
    """A line that cannot be played; the message tells what is wrong with it."""


class _Wire(msgspec.Struct):
    at: msgspec.Raw = msgspec.Raw()
    body: msgspec.Raw = msgspec.Raw()
    source: str = DEFAULT_SOURCE


@dataclass(frozen=True, slots=True)
class Line:
    """One line: when the body came, from whom, and its bytes."""

    at: datetime
    source: str
    content: bytes

    def body(self, number: int, now: datetime) -> Body:
        """The body as the inbox of a receiver would have it whose clock says `now`."""
        return Body(self.source, now, self.content, number)


_wire = msgspec.json.Decoder(_Wire)
_time = msgspec.json.Decoder(datetime)
_encode = msgspec.json.Encoder().encode


def parse(raw: bytes) -> Line:
    """A line as it stands in the file.

    Raises:
        NotALine: it says something else.
    """
    try:
        wire = _wire.decode(raw)
    except msgspec.ValidationError as error:
        raise NotALine(f"is no recorded body: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotALine(f"is not JSON: {error}") from error
    content = bytes(wire.body)
    if not content.startswith(b"{"):
        raise NotALine('"body" is missing, or no object')
    return Line(_at(bytes(wire.at)), wire.source, content)


def _at(raw: bytes) -> datetime:
    if not raw:
        raise NotALine('"at" is missing')
    shown = raw[:60].decode("utf-8", "replace")
    try:
        at = _time.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotALine(f'"at" is not a time with date, clock and offset: {shown}') from error
    if at.tzinfo is None or at.year not in YEARS:
        raise NotALine(f'"at" has no offset (Z, +01:00), or a year that cannot be meant: {shown}')
    return at.astimezone(UTC)


def line_of(body: Body) -> bytes:
    """The line that records a body: its JSON on one line, and of its request nothing but time and source.

    Raises:
        msgspec.DecodeError: the body is not JSON.
    """
    line = {"at": body.received_at, "source": body.source, "body": msgspec.Raw(on_one_line(body.content))}
    return _encode(line) + b"\n"


def on_one_line(content: bytes) -> bytes:
    """JSON without the white space between its tokens that would break the line."""
    msgspec.json.decode(content, type=msgspec.Raw)
    return content if b"\n" not in content and b"\r" not in content else msgspec.json.format(content, indent=-1)
