"""What must be known of every alert, given the bodies that were committed, in order: DESIGN.md §5 in plain Python.

Shares nothing with the receiver. Times are whole seconds after `bodies.START`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from tests.receiver.bodies import alert, body

LATE_SECONDS = 6 * 60  # after an end; a firing from before it that comes sooner was overtaken

Kind = Literal["firing", "resolved", "expired"]
Seen = tuple[str, str, str, str, int, int, bool]  # source, group, name, status, start, end (-1: none), in an incident


@dataclass(frozen=True)
class Told:
    """What a body says of one alert; a firing one has no `end`."""

    name: str
    kind: Kind
    start: int
    end: int


@dataclass(frozen=True)
class Sent:
    """A body; without alerts it is one that nobody understands."""

    source: str
    group: str
    alerts: tuple[Told, ...]

    @property
    def content(self) -> bytes:
        if not self.alerts:
            return json.dumps({"alerts": "none"}).encode()
        told = [
            alert(self.group, n=one.name, start=one.start, end=None if one.kind == "firing" else one.end)
            | {"status": one.kind}
            for one in self.alerts
        ]
        return body(*told, group=self.group)


@dataclass
class Span:
    """One occurrence. Nothing before `floor` can be told of it; one that never `fired` is in no incident."""

    start: int
    end: int | None = None
    floor: int | None = None
    fired: bool = True
    expired: bool = False


@dataclass
class Model:
    """The occurrences of each identity: source, group, name."""

    spans: dict[tuple[str, str, str], list[Span]] = field(default_factory=dict)
    quarantined: int = 0

    def take(self, sent: Sent, received: int) -> None:
        """The next body in the order of the commits."""
        if not sent.alerts:  # somebody must hear of it: an alert of our own
            self.quarantined += 1
            self._fires(self._of("tocsin", "TocsinBodyNotUnderstood", sent.source), received, received)
        for one in sent.alerts:
            spans = self._of(sent.source, sent.group, one.name)
            match one.kind:
                case "firing":
                    self._fires(spans, one.start, received)
                case "resolved":
                    self._ends(spans, one.start, one.end)
                case "expired":
                    self._expires(spans, one.start, one.end)

    def expected(self) -> list[Seen]:
        return sorted(self._seen())

    def _of(self, source: str, group: str, name: str) -> list[Span]:
        return self.spans.setdefault((source, group, name), [])

    def _fires(self, spans: list[Span], start: int, received: int) -> None:
        last = _latest(spans)
        if last is None:
            spans.append(Span(start))
        elif last.end is None:
            last.start = min(last.start, start if last.floor is None else max(start, last.floor))
        elif start >= last.end or last.expired or received - last.end > LATE_SECONDS:
            spans.append(Span(max(start, last.end), floor=last.end))

    def _ends(self, spans: list[Span], start: int, end: int) -> None:
        last = _latest(spans)
        if last is None:
            spans.append(Span(start, end, fired=False))
        elif last.end is None:
            if end >= last.start and (last.floor is None or end > last.floor):
                last.end = end
        elif start >= last.end and end > last.end:
            spans.append(Span(start, end, fired=False))
        elif last.expired and end >= last.start and (last.floor is None or end > last.floor):
            last.end, last.expired = end, False

    def _expires(self, spans: list[Span], start: int, end: int) -> None:
        last = _latest(spans)
        if last is not None and last.end is None and start >= last.start:
            last.end, last.expired = end, True

    def _seen(self) -> Iterator[Seen]:
        for (source, group, name), spans in self.spans.items():
            for span in spans:
                status = "firing" if span.end is None else "expired" if span.expired else "resolved"
                yield source, group, name, status, span.start, -1 if span.end is None else span.end, span.fired


def _latest(spans: list[Span]) -> Span | None:
    """The open one, else the one that ended last."""
    return next((span for span in spans if span.end is None), max(spans, key=lambda span: span.end or 0, default=None))
