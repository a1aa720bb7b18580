"""Lists of spans: sorted, without overlaps; spans that touch stay apart except in `union`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from receiver.engine.schedule import Span


def union(spans: Iterable[Span]) -> list[Span]:
    """All that any of them covers; what touches or overlaps is one."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.start <= joined[-1].end:
            if span.end > joined[-1].end:
                joined[-1] = Span(joined[-1].start, span.end)
        elif span.start < span.end:
            joined.append(span)
    return joined


def intersect(some: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """What both cover."""
    found: list[Span] = []
    i = j = 0
    while i < len(some) and j < len(others):
        start, end = max(some[i].start, others[j].start), min(some[i].end, others[j].end)
        if start < end:
            found.append(Span(start, end))
        if some[i].end <= others[j].end:
            i += 1
        else:
            j += 1
    return found


def subtract(some: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """What the first cover and the second do not."""
    found: list[Span] = []
    j = 0
    for span in some:
        start = span.start
        while j < len(others) and others[j].end <= start:
            j += 1
        k = j
        while k < len(others) and others[k].start < span.end:
            if others[k].start > start:
                found.append(Span(start, others[k].start))
            start = max(start, others[k].end)
            k += 1
        if start < span.end:
            found.append(Span(start, span.end))
    return found


def clip(spans: Iterable[Span], start: datetime, end: datetime) -> list[Span]:
    """What lies between two moments."""
    cut = (Span(max(span.start, start), min(span.end, end)) for span in spans)
    return [span for span in cut if span.start < span.end]
