"""What a server has stored of the series that expressions read: since when, until when, how much of the time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from promql_parser import VectorSelector

from generator.backtest.asking import ask
from generator.backtest.evaluations import moment
from generator.backtest.outcome import Data
from generator.backtest.runs import Run, joined
from tocsin.promapi import Prometheus, QueryError
from tocsin.promql import Expression
from tocsin.promql_rewrite import over

MOST_TIMES = 500  # at which it is asked whether there is anything


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to read for one expression; `missing` are selectors that find nothing in the whole range."""

    data: Data
    missing: tuple[str, ...]
    apart: float  # seconds between the times that were looked at


@dataclass(slots=True)
class Stored:
    """Asks once for each selector, however many rules have it."""

    server: Prometheus
    times: range
    _asked: dict[str, asyncio.Task[Sequence[Run] | None]] = field(default_factory=dict)

    @classmethod
    def between(cls, server: Prometheus, start: datetime, end: datetime, least: int) -> Stored:
        """`least` is the fewest milliseconds between two looks."""
        first, last = (round(when.timestamp() * 1000) for when in (start, end))
        step = max(least, -(-(last - first) // MOST_TIMES))
        return cls(server, range(first, last + 1, step))

    async def of(self, expr: Expression) -> Found | None:
        """What an expression has to read; None where it reads nothing, or the server does not say."""
        selectors = {node.prettify(): node for node in expr.of(VectorSelector)}
        answers = await asyncio.gather(*(self._of(text, selectors[text]) for text in sorted(selectors)))
        found = dict(zip(sorted(selectors), answers, strict=True))
        if not found or any(runs is None for runs in found.values()):
            return None
        runs = joined(run for some in found.values() for run in some or ())
        there = sum(last - first + 1 for first, last in runs)
        first, last = (moment(self.times[runs[0][0]]), moment(self.times[runs[-1][1]])) if runs else (None, None)
        missing = tuple(selector for selector, some in found.items() if not some)
        return Found(Data(first, last, there / len(self.times)), missing, self.times.step / 1000)

    async def _of(self, text: str, selector: VectorSelector) -> Sequence[Run] | None:
        if text not in self._asked:
            self._asked[text] = asyncio.create_task(self._ask(text, selector))
        return await self._asked[text]

    async def _ask(self, text: str, selector: VectorSelector) -> Sequence[Run] | None:
        """When there is anything; what is there for moments alone may lie between the looks, and is looked for then."""
        found = await self._counted(text)
        if found is None or found:
            return found
        apart = timedelta(milliseconds=self.times.step)
        return await self._counted(f"present_over_time({over(selector, apart)})")

    async def _counted(self, text: str) -> Sequence[Run] | None:
        try:
            answers = await ask(self.server, f"count({text})", self.times)
        except QueryError:
            return None  # the rule itself was answered: it stands without this
        return None if answers.unanswered else [run for runs in answers.series.values() for run in runs]
