"""Which panels a dashboard shows, and where: rows that repeat are there once for each value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grafana.source.queries import substitute


@dataclass(frozen=True, slots=True)
class Placed:
    """A panel, or the heading of a row, with the values of the variables that its row repeats for.

    `top` and `height` in lines of the grid, `left` and `width` in its columns.
    """

    panel: Mapping[str, Any]
    title: str
    values: Mapping[str, str]
    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class _Row:
    heading: Mapping[str, Any]
    panels: Sequence[Mapping[str, Any]]


def placed(dashboard: Mapping[str, Any], repeated: Mapping[str, Sequence[str]]) -> list[Placed]:
    """Everything in its place; `repeated` holds the values of the variables that rows repeat for."""
    found: list[Placed] = []
    for row in _rows(dashboard["panels"]):
        name = row.heading.get("repeat")
        for values in [{name: value} for value in repeated[name]] if name else [{}]:
            top = max((one.top + one.height for one in found), default=0)
            found += _shifted(row, values, top)
    return found


def _rows(panels: Sequence[Mapping[str, Any]]) -> Iterator[_Row]:
    starts = [place for place, panel in enumerate(panels) if panel["type"] == "row"]
    for start, end in zip(starts, [*starts[1:], len(panels)], strict=True):
        yield _Row(panels[start], [*panels[start + 1 : end], *panels[start].get("panels", ())])


def _shifted(row: _Row, values: Mapping[str, str], top: int) -> Iterator[Placed]:
    down = top - row.heading["gridPos"]["y"]
    for panel in (row.heading, *row.panels):
        place = panel["gridPos"]
        title = substitute(panel["title"], values)
        yield Placed(panel, title, values, place["x"], place["y"] + down, place["w"], place["h"])
