"""How many alerts a body carries, in bounded memory: 64 MiB of `{},` would be twenty million of them, and gigabytes."""

from __future__ import annotations

import re

import msgspec

from receiver.engine.notification import Body, NotUnderstood

MAX_ALERTS = 250_000  # that one body may carry; 64 MiB of real ones are fewer
MANY_COMMAS = 1_000_000  # below, the elements can be listed: 24 MiB at most
COMMA_BYTES = 16  # so many bytes a comma, and they can be listed, too: that costs no more than half the body again
MANY_STRINGS = 100_000
STRINGS_AN_ALERT = 1_000  # names and values of labels and annotations; a real alert has less than a tenth
STRING = rb'"(?:[^"\\]++|\\.)*+"'
TOKEN = re.compile(rb'\{(?:[^{}\[\]"]++|%b)*+\}|%b|[\[\]{},]' % (STRING, STRING))  # a flat object is one token
NOTHING = re.compile(rb"\[\s*\]")


class _Alert(msgspec.Struct, gc=False):
    """Any object: nothing of it is kept, 24 bytes each in a list."""


class _Listed(msgspec.Struct):
    alerts: list[_Alert] = []


class _Envelope(msgspec.Struct):
    alerts: msgspec.Raw = msgspec.Raw(b"")


_listed_decoder = msgspec.json.Decoder(_Listed)
_envelope_decoder = msgspec.json.Decoder(_Envelope)
_syntax_decoder = msgspec.json.Decoder(msgspec.Raw)


def count(content: bytes) -> int:
    """How many alerts a body carries, by its syntax alone; one more than MAX_ALERTS stands for that and beyond.

    Raises:
        ValueError: the body is not JSON.
        RecursionError: it is nested too deeply to be told.
    """
    if content.count(b",") <= max(MANY_COMMAS, len(content) // COMMA_BYTES):
        try:
            return min(len(_listed_decoder.decode(content).alerts), MAX_ALERTS + 1)
        except msgspec.ValidationError:
            pass  # not a list of objects; what it is does not matter, but its syntax does
    try:
        alerts = memoryview(_envelope_decoder.decode(content).alerts)
    except msgspec.ValidationError:
        _syntax_decoder.decode(content)
        return 0
    return _elements(alerts) if alerts[0:1].tobytes() == b"[" and not NOTHING.fullmatch(alerts) else 0


def refuse_crowd(body: Body) -> None:
    """Raises NotUnderstood for a body with more than MAX_ALERTS alerts, or too many strings in each of them."""
    content = body.content
    if content.count(b",") < MANY_STRINGS // 2:  # a name and its value stand between two
        return
    try:
        alerts = count(content)
    except (msgspec.DecodeError, RecursionError):
        return  # who decodes it says what is wrong
    if alerts > MAX_ALERTS:
        raise NotUnderstood(f"it carries more than {MAX_ALERTS:,} alerts")
    if content.count(b'"') // 2 > max(MANY_STRINGS, STRINGS_AN_ALERT * alerts):
        raise NotUnderstood(
            f"its alerts carry more than {STRINGS_AN_ALERT:,} names and values of labels and annotations each"
        )


def _elements(array: memoryview) -> int:
    """The elements of a JSON array that has one at least, counted up to MAX_ALERTS + 1."""
    depth, commas = 0, 0
    for token in TOKEN.finditer(array):
        match token[0]:
            case b"[" | b"{":
                depth += 1
            case b"]" | b"}":
                depth -= 1
            case b"," if depth == 1:
                commas += 1
                if commas >= MAX_ALERTS:
                    break
    return commas + 1
