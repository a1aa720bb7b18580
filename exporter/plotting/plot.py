"""`/plot` and `tocsin exporter plot`: from a question to a picture."""

from __future__ import annotations

import asyncio

from exporter.names import show
from exporter.plotting.picture import Format, Sheet, draw, need_matplotlib
from exporter.plotting.units import unit_of
from exporter.replaying.asking import Ask
from exporter.replaying.desk import Case, Desk
from exporter.replaying.replay import horizon_of, replay

MOST_SERIES = 4


async def plot(desk: Desk, ask: Ask, kind: Format) -> bytes:
    """The picture that is asked for; scored and drawn in a thread.

    Raises:
        UsageError: the question cannot be answered.
        QueryError: Prometheus brings nothing.
        MissingExtra: matplotlib is not installed.
    """
    need_matplotlib()  # before a history is read for nothing
    async with desk.turn():
        case = await desk.case(ask, most=MOST_SERIES)
        return await asyncio.to_thread(picture, case, kind)


def picture(case: Case, kind: Format) -> bytes:
    """The picture of a case."""
    query = case.query
    played = replay(case.model, case.frame, case.span.start, horizon_of(query, case.span.end - case.span.start))
    sheet = Sheet(query.name, query.expr, query.time_zone, unit_of(query.expr))
    return draw(played, [show(key) for key in case.keys], sheet, kind)
