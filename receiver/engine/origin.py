"""Where a body came from, beyond its source's name: kept with it in the inbox, and heeded by the engine."""

from __future__ import annotations

import msgspec


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the sender proved, and the trace that its request belongs to.

    `tenants` are those it may speak for, None for every one; `traceparent` is W3C's (https://www.w3.org/TR/trace-context).
    """

    tenants: tuple[str, ...] | None = None
    traceparent: str = ""

    @classmethod
    def parse(cls, text: str | None) -> Origin:
        """The origin in a text that `str` wrote; nothing stands for nothing known."""
        return _decoder.decode(text) if text else ANYWHERE

    def __str__(self) -> str:
        return "" if self == ANYWHERE else msgspec.json.encode(self).decode()


ANYWHERE = Origin()
_decoder = msgspec.json.Decoder(Origin)
