"""How many alerts a body carries, in bounded memory: 64 MiB of `{},` would be twenty million of them, and gigabytes."""

from __future__ import annotations

import re

import msgspec

from receiver.engine.notification import Body, NotUnderstood, count_alerts

MAX_ALERTS = 250_000  # that one body may carry; 64 MiB of real ones are fewer
MANY_COMMAS = 2_000_000  # below, the elements can be listed: 130 MiB at most
STRING = rb'"(?:[^"\\]++|\\.)*+"'
TOKEN = re.compile(rb'\{(?:[^{}\[\]"]++|%b)*+\}|%b|[\[\]{},]' % (STRING, STRING))  # a flat object is one token
NOTHING = re.compile(rb"\[\s*\]")


class _Envelope(msgspec.Struct):
    alerts: msgspec.Raw = msgspec.Raw(b"")


_envelope_decoder = msgspec.json.Decoder(_Envelope)
_syntax_decoder = msgspec.json.Decoder(msgspec.Raw)


def count(content: bytes) -> int:
    """How many alerts a body carries, by its syntax alone; one more than MAX_ALERTS stands for that and beyond.

    Raises:
        ValueError: the body is not JSON.
    """
    if content.count(b",") <= MANY_COMMAS:
        return min(count_alerts(content), MAX_ALERTS + 1)
    try:
        alerts = bytes(_envelope_decoder.decode(content).alerts)
    except msgspec.ValidationError:
        _syntax_decoder.decode(content)
        return 0
    return _elements(alerts) if alerts.startswith(b"[") and not NOTHING.fullmatch(alerts) else 0


def refuse_crowd(body: Body) -> None:
    """Raises NotUnderstood for a body with more than MAX_ALERTS alerts."""
    try:
        if body.content.count(b",") >= MAX_ALERTS and count(body.content) > MAX_ALERTS:
            raise NotUnderstood(f"it carries more than {MAX_ALERTS:,} alerts")
    except msgspec.DecodeError:
        return  # who decodes it says what is wrong


def _elements(array: bytes) -> int:
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
