"""Which series somebody means, and their history: asked of Prometheus one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from exporter.config import QuerySettings
from exporter.frame import Frame
from exporter.names import Key, key_of, show
from exporter.reading import Reader
from exporter.replaying.narrow import narrowed
from tocsin.errors import UsageError
from tocsin.labels import Matchers, matches
from tocsin.model import Labels
from tocsin.promapi import NothingToRead, Prometheus

LOOKS = 12  # points of the time that is looked at, by which its series are found
MOST_SHOWN = 10  # series that a message names
MOST_POINTS = 60_000  # of one series: longer histories are cut


@dataclass(frozen=True, slots=True)
class Span:
    """The time that is looked at, in Unix seconds on the query's grid; both ends included."""

    start: float
    end: float

    @classmethod
    def of(cls, query: QuerySettings, now: float, since_seconds: float, until: float | None = None) -> Span:
        """The last so many seconds before `until`, which is the newest point that the query would read if None."""
        step = query.step.total_seconds()
        newest = (now - query.delay.total_seconds()) // step * step
        end = newest if until is None else min(until // step * step, newest)
        return cls(max(end - since_seconds // step * step, end - MOST_POINTS * step), end)


async def choose(
    prometheus: Prometheus, query: QuerySettings, matchers: Matchers, span: Span, *, most: int
) -> list[Key]:
    """The series of a query that match and have a value in the span, sorted; at least one.

    Raises:
        UsageError: none matches, or more than `most`; the message names some.
        QueryError: the query brings nothing.
    """
    step = query.step.total_seconds()
    stride = max(step, (span.end - span.start) / LOOKS // step * step)
    exact = {matcher.name: matcher.value for matcher in matchers if matcher.operator == "=" and matcher.value}
    try:
        frame = await _read(prometheus, query, narrowed(query.expr, exact), Span(span.start, span.end), stride)
    except NothingToRead:
        if not exact:
            raise
        frame = await _read(prometheus, query, query.expr, span, stride)  # to name what is there instead
    found, there = await asyncio.to_thread(_matching, frame.labels, matchers)
    if not found:
        raise UsageError(f"no series of {query.name} matches; there are {_shown(there)}")
    if len(found) > most:
        wanted = "one series" if most == 1 else f"at most {most}"
        raise UsageError(f"{len(found)} series of {query.name} match where {wanted} can be looked at: {_shown(found)}")
    return found


async def history(prometheus: Prometheus, query: QuerySettings, keys: Sequence[Key], span: Span) -> Frame:
    """These series in a span and the query's history before it, in their order.

    Raises:
        QueryError: nothing came.
    """
    frames = [await _one(prometheus, query, key, span) for key in keys]
    first = frames[0]
    return Frame(np.vstack([frame.values for frame in frames]), tuple(map(dict, keys)), first.start, first.step)


async def _one(prometheus: Prometheus, query: QuerySettings, key: Key, span: Span) -> Frame:
    """One series.

    Raises:
        QueryError: nothing came.
    """
    step = query.step.total_seconds()
    first = max(span.start - query.history.total_seconds() // step * step, span.end - MOST_POINTS * step)
    frame = await _read(prometheus, query, narrowed(query.expr, dict(key)), Span(first, span.end), step)
    rows = [row for row, labels in enumerate(frame.labels) if key_of(labels) == key]
    if not rows:
        raise NothingToRead(f"{show(key)} has no values there")
    return Frame(frame.values[rows], (dict(key),), frame.start, frame.step)


def _matching(labels: Sequence[Labels], matchers: Matchers) -> tuple[list[Key], list[Key]]:
    """The series that match, and all, both sorted."""
    there = sorted(key_of(one) for one in labels)
    return [key for key in there if matches(matchers, dict(key))], there


def _shown(keys: Sequence[Key]) -> str:
    more = f" and {len(keys) - MOST_SHOWN} more" if len(keys) > MOST_SHOWN else ""
    return ", ".join(show(key) for key in keys[:MOST_SHOWN]) + more


async def _read(prometheus: Prometheus, query: QuerySettings, expr: str, span: Span, step: float) -> Frame:
    reader = Reader(expr, step=step, max_series=query.max_series)
    return (await reader.read(prometheus, start=span.start, end=span.end)).frame
