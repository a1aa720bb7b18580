"""Panels without a course of time: numbers, bars, tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from grafana.source.preview.asking import Answer
from grafana.source.preview.canvas import Canvas, fits, width_of
from grafana.source.preview.fields import Field, Look, fields, look_of
from grafana.source.preview.graphs import Box
from grafana.source.preview.theme import EDGE, FAINT, INK, PAGE

SMALL, CELL, LARGEST = 12, 30, 46  # pixels: letters, a line of a table, the largest number


def numbers(canvas: Canvas, box: Box, panel: Mapping[str, Any], answers: Sequence[Answer]) -> None:
    """Each value in its colour, side by side or one below the other, whichever leaves more room."""
    found = fields(panel, answers)
    named = panel["options"]["textMode"] == "value_and_name"
    across = _across(len(found), box)
    wide, high = box.width / across, box.height / math.ceil(len(found) / across)
    texts = [one.look.text(one.curve.last) for one in found]
    longest = max(len(text) for text in texts)
    size = max(12.0, min(LARGEST, high * (0.42 if named else 0.55), (wide - 24) / (longest * 0.6)))
    for place, (one, text) in enumerate(zip(found, texts, strict=True)):
        x, y = box.x + wide * (place % across) + wide / 2, box.y + high * (place // across) + high / 2
        down = min(high * 0.22, size * 0.5) if named else 0
        if named:
            canvas.text(x, y - size * 0.55, fits(one.name, SMALL, wide - 12), SMALL, INK, ha="center")
        canvas.text(x, y + down, text, size, one.look.colour(one.curve.last), ha="center", weight="bold")


def _across(count: int, box: Box) -> int:
    """Columns whose cells are nearest to twice as wide as high."""
    return min(
        range(1, count + 1), key=lambda n: abs(math.log(box.width / n / (2.2 * box.height / math.ceil(count / n))))
    )


def bars(canvas: Canvas, box: Box, panel: Mapping[str, Any], answers: Sequence[Answer]) -> None:
    """A bar for each value from the lowest to the highest, the name on the left and the number on the right."""
    found = fields(panel, answers)
    high = min(44.0, (box.height - 8) / len(found))
    names = min(box.width * 0.5, max(width_of(one.name, SMALL) for one in found) + 14)
    texts = [one.look.text(one.curve.last) for one in found]
    right = max(width_of(text, SMALL) for text in texts) + 22
    room = box.width - names - right - 16
    longest = max((one.curve.last for one in found if math.isfinite(one.curve.last)), default=0.0)
    for place, (one, text) in enumerate(zip(found, texts, strict=True)):
        y = box.y + 4 + high * place
        canvas.text(box.x + 12, y + high / 2, fits(one.name, SMALL, names - 8), SMALL)
        most = one.look.get("max") or longest or 1.0
        share = min(1.0, max(0.0, one.curve.last / most)) if math.isfinite(one.curve.last) else 0.0
        colour = one.look.colour(one.curve.last)
        canvas.box(box.x + names + 8, y + 3, room, high - 6, PAGE)
        canvas.box(box.x + names + 8, y + 3, room * share, high - 6, colour)
        canvas.text(box.x + box.width - 10, y + high / 2, text, SMALL, colour, ha="right")


def table(canvas: Canvas, box: Box, panel: Mapping[str, Any], answers: Sequence[Answer]) -> None:
    """Rows of labels and values as the transformations `merge` and `organize` make them."""
    titles, body = _table(panel, answers)
    looks = [look_of(panel, title) for title in titles]
    widths = _widths(titles, looks, body, box.width)
    _cells(canvas, box, 0, widths, [(title, FAINT, "") for title in titles])
    shown = max(1, int(box.height // CELL) - 1)
    for row, cells in enumerate(body[:shown], start=1):
        _cells(canvas, box, row, widths, [_cell(cell, look) for cell, look in zip(cells, looks, strict=True)])
        for place, (cell, look) in enumerate(zip(cells, looks, strict=True)):
            if _kind(look) == "gauge" and isinstance(cell, float) and math.isfinite(cell):
                left = box.x + sum(widths[:place])
                room = widths[place] - 76
                canvas.box(left + 66, box.y + CELL * row + 9, room, CELL - 18, PAGE)
                canvas.box(left + 66, box.y + CELL * row + 9, room * min(1, max(0, cell)), CELL - 18, look.colour(cell))


def _table(panel: Mapping[str, Any], answers: Sequence[Answer]) -> tuple[list[str], list[list[str | float]]]:
    organised = next(one["options"] for one in panel["transformations"] if one["id"] == "organize")
    named: Mapping[str, str] = organised["renameByName"]
    columns = sorted(named, key=lambda name: organised["indexByName"][name])
    merged: dict[tuple[tuple[str, str], ...], dict[str, float]] = {}
    for answer in answers:
        value = f"Value #{answer.target['refId']}" if len(answers) > 1 else "Value"
        for curve in answer.curves:
            merged.setdefault(tuple(sorted(curve.labels.items())), {})[value] = curve.last
    body: list[list[str | float]] = [
        [values[name] if name in values else dict(labels).get(name, "") for name in columns]
        for labels, values in merged.items()
    ]
    titles = [named[name] for name in columns]
    for order in panel["options"].get("sortBy") or ():
        place = titles.index(order["displayName"])
        body.sort(key=lambda row: _order(row[place]), reverse=bool(order["desc"]))
    return titles, body


def _order(cell: str | float) -> float:
    return cell if isinstance(cell, float) and not math.isnan(cell) else -math.inf


def _widths(
    titles: Sequence[str], looks: Sequence[Look], body: Sequence[Sequence[str | float]], room: float
) -> list[float]:
    """As wide as what stands in them needs, and what is left over shared out."""
    needed = [
        max([width_of(title, SMALL), *(width_of(_cell(row[place], look)[0], SMALL) for row in body)]) + 20
        + (90 if _kind(look) == "gauge" else 0)
        for place, (title, look) in enumerate(zip(titles, looks, strict=True))
    ]  # fmt: skip
    return [width * room / sum(needed) for width in needed]


def _cells(canvas: Canvas, box: Box, row: int, widths: Sequence[float], cells: Sequence[tuple[str, str, str]]) -> None:
    """One line: text, its colour, and the colour behind it."""
    x, y = box.x, box.y + CELL * row
    for (text, ink, behind), width in zip(cells, widths, strict=True):
        if behind:
            canvas.box(x + 1, y + 1, width - 2, CELL - 2, behind)
        canvas.text(x + 10, y + CELL / 2, fits(text, SMALL, width - 8), SMALL, ink)
        x += width
    canvas.box(box.x, y + CELL - 0.5, box.width, 0.8, EDGE)


def _cell(cell: str | float, look: Look) -> tuple[str, str, str]:
    if isinstance(cell, str):
        return cell, INK, ""
    filled = _kind(look) == "color-background"
    return look.text(cell), PAGE if filled else INK, look.colour(cell) if filled else ""


def _kind(look: Look) -> str:
    return str((look.get("custom.cellOptions") or {}).get("type", "auto"))


def nothing(canvas: Canvas, box: Box) -> None:
    """What Grafana says where there is no answer."""
    canvas.text(box.x + box.width / 2, box.y + box.height / 2, "No data", 15, FAINT, ha="center")


__all__ = ["Field", "bars", "nothing", "numbers", "table"]
