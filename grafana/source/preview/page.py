"""The picture of a dashboard: what stands at its top, and each panel in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from grafana.source.preview import figures, graphs
from grafana.source.preview.asking import Answer
from grafana.source.preview.canvas import Canvas, fits, width_of
from grafana.source.preview.graphs import Box
from grafana.source.preview.placing import Placed
from grafana.source.preview.theme import EDGE, FAINT, GAP, HEAD, INK, LINE, MARGIN, PAGE, PANEL, ROW, TITLE
from grafana.source.preview.window import COLUMNS, PIXELS, Window

OVER_TIME = {"timeseries": graphs.lines, "state-timeline": graphs.states, "heatmap": graphs.heat}
AS_IT_IS = {"stat": figures.numbers, "bargauge": figures.bars, "table": figures.table}


def draw(
    dashboard: Mapping[str, Any],
    panels: Sequence[tuple[Placed, Sequence[Answer]]],
    marks: Sequence[float],
    window: Window,
) -> bytes:
    """A PNG of the whole dashboard; `marks` are the times of its annotations."""
    lines = max(placed.top + placed.height for placed, _ in panels)
    canvas = Canvas(HEAD + lines * LINE + MARGIN)
    _head(canvas, dashboard, window)
    for placed, answers in panels:
        if placed.panel["type"] == "row":
            x, y = MARGIN, HEAD + placed.top * LINE
            canvas.text(x + 4, y + ROW / 2 + 3, f"▾  {placed.title}", 15, INK, weight="bold")
        else:
            _panel(canvas, placed, answers, marks, window)
    return canvas.png()


def _panel(canvas: Canvas, placed: Placed, answers: Sequence[Answer], marks: Sequence[float], window: Window) -> None:
    unit = (PIXELS - 2 * MARGIN + GAP) / COLUMNS
    x, y = MARGIN + placed.left * unit, HEAD + placed.top * LINE
    width, height = placed.width * unit - GAP, placed.height * LINE - GAP
    canvas.panel(x, y, width, height)
    canvas.text(x + 10, y + TITLE / 2 + 1, fits(placed.title, 13, width - 34), 13, INK, weight="bold")
    canvas.text(x + width - 18, y + TITLE / 2 + 1, "i", 12, FAINT, style="italic")
    box = Box(x, y + TITLE, width, height - TITLE - 4, window.of_panel(placed.panel))
    kind = placed.panel["type"]
    if not any(answer.curves for answer in answers):
        figures.nothing(canvas, box)
    elif kind in OVER_TIME:
        OVER_TIME[kind](canvas, box, placed.panel, answers, marks)
    else:
        AS_IT_IS[kind](canvas, box, placed.panel, answers)


def _head(canvas: Canvas, dashboard: Mapping[str, Any], window: Window) -> None:
    """Title, links, times; below them what is chosen."""
    canvas.text(MARGIN, 24, dashboard["title"], 20, INK, weight="bold")
    when = f"{_clock(window.start)} to {_clock(window.end)} UTC"
    canvas.text(PIXELS - MARGIN, 24, when, 13, FAINT, ha="right")
    right = PIXELS - MARGIN - width_of(when, 13) - 30
    for link in reversed(dashboard["links"]):
        text = f"{link['title']} {'▾' if link['asDropdown'] else '↗'}"
        canvas.text(right, 24, text, 13, "#6E9FFF", ha="right")
        right -= width_of(text, 13) + 24
    x = float(MARGIN)
    for variable in dashboard["templating"]["list"]:
        name, value = variable["label"], _chosen(variable)
        wide = width_of(name, 12) + width_of(value, 12) + 34
        canvas.box(x, 48, wide, 28, PANEL, EDGE)
        canvas.box(x + width_of(name, 12) + 16, 49, wide - width_of(name, 12) - 17, 26, PAGE)
        canvas.text(x + 8, 62, name, 12, INK)
        canvas.text(x + width_of(name, 12) + 24, 62, value, 12, INK)
        x += wide + 8


def _chosen(variable: Mapping[str, Any]) -> str:
    if variable["type"] == "datasource":
        return "Prometheus"
    if variable["type"] == "textbox":
        return str(variable["query"])
    return str(variable["current"]["text"])


def _clock(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M}"
