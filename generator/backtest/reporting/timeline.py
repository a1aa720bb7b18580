"""The range cut into even pieces, and how much of each an alert fired."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from generator.backtest.summary import Span, Summary, end_of

Stretch = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Piece:
    """`share` is how much of it at least one label set fired, 0 to 1; None where the rule had no data."""

    share: float | None


def firing(summary: Summary, span: Span) -> list[Stretch]:
    """When at least one label set fired: stretches in order that do not touch."""
    return merged((one.start, end_of(one, span)) for one in summary.outcome.firings)


def merged(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Stretches as one where they touch or overlap."""
    found: list[Stretch] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def pieces(summary: Summary, span: Span, number: int) -> list[Piece]:
    """The range in so many pieces."""
    each = span.length / number
    shares = _shares(firing(summary, span), span, number)
    data = summary.outcome.data
    found = []
    for index, share in enumerate(shares):
        start = span.start + index * each
        blank = data is not None and (
            data.first is None or data.last is None or start + each < data.first or start > data.last
        )
        found.append(Piece(None if blank and not share else share))
    return found


def _shares(stretches: Sequence[Stretch], span: Span, number: int) -> list[float]:
    each = span.length / number
    shares = [0.0] * number
    for start, end in stretches:
        for index in range(*touched(start, end, span, number)):
            left = span.start + index * each
            shares[index] += (min(end, left + each) - max(start, left)) / each
    return [min(max(share, 0.0), 1.0) for share in shares]


def touched(start: datetime, end: datetime, span: Span, number: int) -> tuple[int, int]:
    """The pieces that a stretch touches, as a range; at least one."""
    each = span.length / number
    first = min(max(int((start - span.start) / each), 0), number - 1)
    last = -int((span.start - end) // each) if end > start else first + 1
    return first, min(max(last, first + 1), number)


def within(stretch: Stretch, span: Span) -> Iterator[Stretch]:
    """The part of a stretch that lies in the range, if there is one."""
    start, end = max(stretch[0], span.start), min(stretch[1], span.end)
    if start <= end and span.length > timedelta():
        yield start, end
