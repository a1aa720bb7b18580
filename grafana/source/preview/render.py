"""A dashboard's picture, from its JSON and a Prometheus."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grafana.source.preview.asking import Answer, answers, ask, label_values
from grafana.source.preview.page import draw
from grafana.source.preview.placing import Placed, placed
from grafana.source.preview.window import Window, window
from grafana.source.queries import substitute, values
from tocsin.promapi import Prometheus


@dataclass(frozen=True, slots=True)
class Drawn:
    """A dashboard's panels with what Prometheus answered, and their picture, a PNG."""

    panels: Sequence[tuple[Placed, Sequence[Answer]]]
    picture: bytes


async def drawn(prometheus: Prometheus, dashboard: Mapping[str, Any], now: float, scrape_seconds: float) -> Drawn:
    """The dashboard as it is opened at `now`, in Unix seconds.

    Raises:
        QueryError: Prometheus does not answer, or refuses a query.
    """
    shown = window(dashboard["time"], now, scrape_seconds)
    known = values(dashboard)
    places = placed(dashboard, await _repeated(prometheus, dashboard, shown))

    async def answered(one: Placed) -> tuple[Placed, Sequence[Answer]]:
        if one.panel["type"] == "row":
            return one, ()
        return one, await answers(prometheus, one.panel, shown, {**known, **one.values})

    panels = await asyncio.gather(*(answered(one) for one in places))
    marks = await _marks(prometheus, dashboard, shown, known)
    return Drawn(panels, draw(dashboard, panels, marks, shown))


async def _repeated(prometheus: Prometheus, dashboard: Mapping[str, Any], shown: Window) -> dict[str, list[str]]:
    """The values of the variables that rows repeat for."""
    names = {panel["repeat"] for panel in dashboard["panels"] if panel.get("repeat")}
    asked = {variable["name"]: variable["query"]["query"] for variable in _queried(dashboard)}
    found = {name: re.fullmatch(r"label_values\((?:(.*), *)?(\w+)\)", asked[name]) for name in names}
    known = values(dashboard)
    return {
        name: await label_values(prometheus, parts[2], shown, substitute(parts[1] or f'{{{parts[2]}!=""}}', known))
        for name, parts in found.items()
        if parts
    }


def _queried(dashboard: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in dashboard["templating"]["list"] if one["type"] == "query"]


async def _marks(
    prometheus: Prometheus, dashboard: Mapping[str, Any], shown: Window, known: Mapping[str, str]
) -> list[float]:
    """When the annotations were: the first point of each run of points, as Grafana joins them."""
    found: set[float] = set()
    for mark in dashboard["annotations"]["list"]:
        step = max(60.0, shown.step(24))
        expr = substitute(mark["target"]["expr"], {**known, "__interval": f"{step:.0f}s"})
        for curve in await ask(prometheus, expr, shown.start, shown.now, step):
            times = curve.times.tolist()
            found |= {time for time in times if time - step not in times}
    return sorted(found)
