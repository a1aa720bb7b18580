"""A query's stored history played through its model, as a live exporter would have seen it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from exporter.backtesting import tally as tallies
from exporter.backtesting.tally import Tally
from exporter.config import QuerySettings
from exporter.frame import Frame
from exporter.model import Model
from exporter.names import key_of
from exporter.reading import Reader
from exporter.replaying.asking import Ask
from exporter.replaying.choosing import Span
from exporter.replaying.desk import Case, Desk
from exporter.replaying.narrow import narrowed
from exporter.replaying.replay import split
from tocsin.errors import UsageError
from tocsin.labels import Matchers, matches
from tocsin.promapi import Prometheus

MOST_VALUES = 50_000_000  # are held at once: 400 MB
BUCKETS = 168
HORIZONS = (3_600.0, 21_600.0, 86_400.0)  # seconds; where the query names none
FORECAST_EVERY = 21_600.0  # seconds
PART_STEPS = 288  # are scored at once

Progress = Callable[[str, float], None]  # what is done, and its share from 0 to 1


async def read_case(desk: Desk, ask: Ask, progress: Progress) -> Case:
    """Every series that is asked for, with the history before the span.

    Raises:
        UsageError: there is nothing, or too much of it.
        QueryError: Prometheus brings nothing.
    """
    query, prometheus = desk.source(ask.query)
    progress("reading", 0.0)
    span = Span.of(query, desk.now(), ask.since_seconds, ask.until)
    frame = await _history(prometheus, query, ask.matchers, span)
    progress("reading", 1.0)
    return Case(query, [key_of(labels) for labels in frame.labels], frame, span, desk.model(query))


async def _history(prometheus: Prometheus, query: QuerySettings, matchers: Matchers, span: Span) -> Frame:
    step = query.step.total_seconds()
    first = span.start - query.history.total_seconds() // step * step
    most = int(MOST_VALUES // ((span.end - first) / step + 1))
    exact = {matcher.name: matcher.value for matcher in matchers if matcher.operator == "=" and matcher.value}
    expr = narrowed(query.expr, exact)
    reading = await Reader(expr, step=step, max_series=most).read(prometheus, start=first, end=span.end)
    if reading.left_out.get("max_series"):
        hint = "choose fewer with --labels, or a shorter --since"
        raise UsageError(f"{query.name} has more than {most} series, too many for so long a time: {hint}")
    frame = reading.frame
    rows = [row for row, labels in enumerate(frame.labels) if matches(matchers, labels)]
    if not rows:
        raise UsageError(f"no series of {query.name} matches --labels")
    rows.sort(key=lambda row: key_of(frame.labels[row]))
    return Frame(frame.values[rows], tuple(frame.labels[row] for row in rows), frame.start, frame.step)


def run(case: Case, progress: Progress) -> Tally:
    """Scores the span of a case, part by part, and forecasts from time to time."""
    model, whole, step = case.model, case.frame, case.frame.step
    before, shown = split(whole, case.span.start)
    horizons = [horizon.total_seconds() for horizon in case.query.horizons] or [
        seconds for seconds in HORIZONS if seconds >= step
    ]
    tally = tallies.begin(len(whole.labels), shown.start, case.span.end, min(BUCKETS, shown.steps), horizons)
    progress("learning", 0.0)
    state = model.fit(before)
    every = max(1, round(FORECAST_EVERY / step))
    for first in range(0, shown.steps, _stride(every)):
        after = min(first + _stride(every), shown.steps)
        part = Frame(shown.values[:, first:after], shown.labels, shown.start + first * step, step)
        state, scores = model.update(state, part)
        tallies.count(tally, part, scores)
        if after % every == 0:
            _forecast(tally, model, state, whole, before.steps + after)
        progress("scoring", after / shown.steps)
    return tally


def _stride(every: int) -> int:
    """Steps of a part: a divisor of the distance of forecasts, so that each of them stands at a part's end."""
    parts = -(-every // PART_STEPS)
    while every % parts:
        parts += 1
    return every // parts


def _forecast(tally: Tally, model: Model[Any], state: Any, whole: Frame, origin: int) -> None:
    if tally.errors:
        steps = [round(errors.seconds / whole.step) for errors in tally.errors]
        tallies.compare(tally, whole, origin, model.forecast(state, steps))


async def backtest(desk: Desk, ask: Ask, progress: Progress) -> tuple[Case, Tally]:
    """Reads and scores what is asked for."""
    case = await read_case(desk, ask, progress)
    return case, await asyncio.to_thread(run, case, progress)
