"""Where people's questions are worked on: one at a time, off the event loop, so that scoring goes on meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from exporter.config import QuerySettings
from exporter.frame import Frame
from exporter.model import Model
from exporter.reading import Key
from exporter.replaying import choosing
from exporter.replaying.asking import Ask
from exporter.replaying.choosing import Span
from exporter.replaying.replay import ModelOf
from tocsin.clock import Clock
from tocsin.errors import Unavailable, UsageError
from tocsin.promapi import Prometheus

MOST_WAITING = 4
MOST_COLUMNS = 20_000  # steps that are scored for one question

Source = tuple[QuerySettings, Prometheus]


class Busy(Unavailable):
    """Too many questions are waiting."""


@dataclass(frozen=True, slots=True)
class Case:
    """What a question is about: the query, its series, their values with the history before the span."""

    query: QuerySettings
    keys: Sequence[Key]
    frame: Frame
    span: Span
    model: Model[Any]


class Desk:
    """Finds what a question is about and reads it; holds the one place in which questions are worked on."""

    def __init__(self, sources: Callable[[], Sequence[Source]], model_of: ModelOf, clock: Clock) -> None:
        """`sources` are the queries of now, each with the server that it asks."""
        self._sources = sources
        self._model_of = model_of
        self._clock = clock
        self._turn = asyncio.Semaphore(1)
        self._here = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """The block runs while no other does.

        Raises:
            Busy: too many wait already.
        """
        if self._here > MOST_WAITING:
            raise Busy(f"{MOST_WAITING} others are waiting already: try again in a while")
        self._here += 1
        try:
            async with self._turn:
                yield
        finally:
            self._here -= 1

    async def case(self, ask: Ask, *, most: int) -> Case:
        """Reads what is asked for: at most so many series.

        Raises:
            UsageError: there is no such query or series, or too many, or the time is too long.
            QueryError: Prometheus brings nothing.
        """
        query, prometheus = self.source(ask.query)
        span = self.span(query, ask)
        keys = await choosing.choose(prometheus, query, ask.matchers, span, most=most)
        frame = await choosing.history(prometheus, query, keys, span)
        return Case(query, keys, frame, span, self.model(query))

    def model(self, query: QuerySettings) -> Model[Any]:
        """A model that has seen nothing."""
        return self._model_of(query)

    def now(self) -> float:
        """Unix seconds."""
        return self._clock.now().timestamp()

    def span(self, query: QuerySettings, ask: Ask) -> Span:
        """The time that is asked for.

        Raises:
            UsageError: it is too long.
        """
        since, step = ask.since_seconds, query.step.total_seconds()
        if since > MOST_COLUMNS * step:
            raise UsageError(f"since is too long: {MOST_COLUMNS} steps of {step:g} s can be looked at")
        return Span.of(query, self.now(), since, ask.until)

    def source(self, name: str) -> Source:
        """A query by its name, or the only one.

        Raises:
            UsageError: there is none of this name.
        """
        sources = self._sources()
        found = [source for source in sources if name in (source[0].name, "")]
        if len(found) != 1:
            known = ", ".join(query.name for query, _ in sources)
            raise UsageError(f"there is no query {name!r}; there are {known}" if name else f"name one query of {known}")
        return found[0]
