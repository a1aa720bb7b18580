"""Panels over time: lines with their bands, states, heat maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np

from grafana.source.preview.asking import Answer, Curve, Floats
from grafana.source.preview.canvas import Canvas, fits, width_of
from grafana.source.preview.fields import Field, fields, look_of
from grafana.source.preview.theme import EDGE, FAINT, GRID, INK, LEGEND, NAMED, colour
from grafana.source.preview.units import written
from grafana.source.preview.window import Window

LEFT, BOTTOM = 70, 22  # pixels for the numbers and the times beside a graph
SMALL = 11


@dataclass(frozen=True, slots=True)
class Box:
    """Where the inside of a panel lies, in pixels, and what time it shows."""

    x: float
    y: float
    width: float
    height: float
    window: Window


def lines(
    canvas: Canvas, box: Box, panel: Mapping[str, Any], answers: Sequence[Answer], marks: Sequence[float]
) -> None:
    """Series over time."""
    found = fields(panel, answers)
    axes = _graph(canvas, box, legend=LEGEND)
    by_name = {one.name: one for one in found}
    below: Floats | None = None
    stacked = (look_of(panel, "").get("custom.stacking") or {}).get("mode") == "normal"
    for one in found:
        curve = _gaps(one.curve, box.window.step(panel["gridPos"]["w"]), one.look.get("custom.spanNulls"))
        if stacked:
            below = _stack(axes, one, curve, below)
        else:
            _line(axes, one, curve, by_name)
    _limits(axes, panel, found)
    _scale(axes, panel, found)
    _marks(axes, marks)
    _legend(canvas, box, [(one.name, one.colour) for one in found if _has_a_line(one)])


def _line(axes: Any, one: Field, curve: Curve, by_name: Mapping[str, Field]) -> None:
    look = one.look
    other = by_name.get(look.get("custom.fillBelowTo") or "")
    opacity = float(look.get("custom.fillOpacity") or 0) / 100
    if other is not None:
        upper = np.interp(other.curve.times, one.curve.times, one.curve.values, left=np.nan, right=np.nan)
        axes.fill_between(other.curve.times, other.curve.values, upper, color=one.colour, alpha=opacity, lw=0)
    elif opacity:
        axes.fill_between(curve.times, 0, curve.values, color=one.colour, alpha=opacity, lw=0)
    if width := float(look.get("custom.lineWidth", 1)):
        dashed = (look.get("custom.lineStyle") or {}).get("fill") == "dash"
        axes.plot(curve.times, curve.values, color=one.colour, lw=width * 0.72, ls=(0, (5, 4)) if dashed else "-")
        lonely = _lonely(curve)
        axes.plot(curve.times[lonely], curve.values[lonely], ".", color=one.colour, ms=3)


def _stack(axes: Any, one: Field, curve: Curve, below: Floats | None) -> Floats:
    values = np.nan_to_num(curve.values)
    floor = np.zeros_like(values) if below is None or below.shape != values.shape else below
    axes.fill_between(curve.times, floor, floor + values, color=one.colour, alpha=0.4, lw=0)
    axes.plot(curve.times, floor + values, color=one.colour, lw=1.2)
    top: Floats = floor + values
    return top


def states(
    canvas: Canvas, box: Box, panel: Mapping[str, Any], answers: Sequence[Answer], marks: Sequence[float]
) -> None:
    """A bar for each series in the colours of its states."""
    found = fields(panel, answers)
    beside = min(260.0, max((width_of(one.name, SMALL) for one in found), default=40) + 16)
    axes = _graph(canvas, box, left=beside, legend=LEGEND)
    step = box.window.step(panel["gridPos"]["w"])
    for row, one in enumerate(reversed(found)):
        for start, end, value in _stretches(one.curve, step):
            axes.barh(row, end - start, left=start, height=0.8, color=one.look.colour(value), alpha=0.85, lw=0)
    axes.set_ylim(-0.6, max(len(found), 1) - 0.4)
    axes.set_yticks(range(len(found)), [fits(one.name, SMALL, beside - 10) for one in reversed(found)])
    axes.tick_params(axis="y", labelsize=0.72 * min(SMALL, 0.9 * box.height / max(len(found), 1)))
    _marks(axes, marks)
    names = [result for mapping in look_of(panel, "").get("mappings", ()) for result in mapping["options"].values()]
    _legend(canvas, box, [(name["text"], colour(name["color"])) for name in names])


def heat(canvas: Canvas, box: Box, panel: Mapping[str, Any], answers: Sequence[Answer], marks: Sequence[float]) -> None:
    """How many fell into each bucket: the cumulative counts of `le`, taken apart."""
    curves = sorted((curve for one in answers for curve in one.curves), key=lambda curve: float(curve.labels["le"]))
    axes = _graph(canvas, box)
    if not curves:
        return
    times = np.unique(np.concatenate([curve.times for curve in curves]))
    counts = np.zeros((len(curves), len(times)))
    for row, curve in enumerate(curves):
        counts[row, np.searchsorted(times, curve.times)] = curve.values
    apart = np.diff(counts, axis=0, prepend=0)
    shown = np.ma.masked_less_equal(apart, 0)
    step = box.window.step(panel["gridPos"]["w"])
    axes.pcolormesh(np.append(times, times[-1] + step), np.arange(len(curves) + 1), shown, cmap=_blues())
    unit = look_of(panel, "").get("unit")
    names = [written(float(curve.labels["le"]), unit) for curve in curves]
    every = max(1, len(names) // 7)
    axes.set_yticks(np.arange(1, len(names) + 1)[::every], names[::every])
    axes.set_ylim(0, len(names))
    _marks(axes, marks)


def _blues() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("blues", [EDGE, NAMED["blue"], "#DCE9FF"])


def _graph(canvas: Canvas, box: Box, *, left: float = LEFT, legend: float = 0) -> Any:
    """The axes of a graph with its times below."""
    axes = canvas.axes(box.x + left, box.y + 6, box.width - left - 12, box.height - BOTTOM - legend - 8)
    axes.set_xlim(box.window.start, box.window.end)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.grid(color=GRID, lw=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=FAINT, labelsize=SMALL * 0.72, length=0)
    times = _round_times(box.window, max(2, int(box.width / 110)))
    axes.set_xticks(times, [_clock(time, box.window) for time in times])
    if box.window.end > box.window.now:
        axes.axvline(box.window.now, color=FAINT, lw=0.8, ls=":")
    return axes


def _round_times(window: Window, most: int) -> Floats:
    length = window.end - window.start
    steps = (60, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800)
    step = next((step for step in steps if length / step <= most), steps[-1])
    return np.arange(np.ceil(window.start / step) * step, window.end, step, dtype=float)


def _clock(time: float, window: Window) -> str:
    at = datetime.fromtimestamp(time, UTC)
    return f"{at:%H:%M}" if window.end - window.start <= 2 * 86_400 else f"{at:%m/%d}"


def _scale(axes: Any, panel: Mapping[str, Any], found: Sequence[Field]) -> None:
    """From the soft minimum to the highest value, with numbers in the panel's unit."""
    look = look_of(panel, "")
    low, high = axes.get_ylim()
    if not found or all(not np.any(one.curve.values) for one in found):
        low, high = 0.0, 1.0
    soft = look.get("custom.axisSoftMin")
    if soft is not None and low > soft - 0.2 * (high - low):
        low = min(soft, min((float(np.nanmin(one.curve.values, initial=np.inf)) for one in found), default=soft))
    if look.get("max") is not None:
        high = look.get("max")
    if (look.get("custom.scaleDistribution") or {}).get("type") == "symlog":
        axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(low, high if high > low else low + 1)
    ticks = [tick for tick in axes.get_yticks() if low <= tick <= high]
    ticks = ticks[:: max(1, round(len(ticks) / 5))]
    axes.set_yticks(ticks, [look.text(float(tick)) for tick in ticks])


def _limits(axes: Any, panel: Mapping[str, Any], found: Sequence[Field]) -> None:
    """The thresholds, where the panel draws them; none far above all that is shown."""
    look = look_of(panel, "")
    if (look.get("custom.thresholdsStyle") or {}).get("mode", "off") == "off":
        return
    for step in look.get("thresholds")["steps"]:
        if step["value"] is not None:
            axes.axhline(step["value"], color=colour(step["color"]), lw=1, ls=(0, (5, 4)))


def _marks(axes: Any, marks: Sequence[float]) -> None:
    """Incidents: a dashed line, and a mark at its foot, as Grafana draws annotations."""
    for time in marks:
        axes.axvline(time, color=NAMED["red"], lw=0.8, ls=(0, (3, 3)), alpha=0.8)
        axes.plot([time], [0], "^", color=NAMED["red"], ms=5, transform=axes.get_xaxis_transform(), clip_on=False)


def _legend(canvas: Canvas, box: Box, entries: Sequence[tuple[str, str]]) -> None:
    x, y = box.x + 12, box.y + box.height - LEGEND / 2 - 1
    for place, (name, line) in enumerate(entries):
        left = len(entries) - place
        room = box.x + box.width - x - 40
        text = fits(name, SMALL, 260)
        if width_of(text, SMALL) + 30 > room:
            canvas.text(x, y, f"+{left} more", SMALL, FAINT)
            return
        canvas.box(x, y - 2, 14, 3, line)
        canvas.text(x + 19, y, text, SMALL, INK)
        x += width_of(text, SMALL) + 32


def _has_a_line(one: Field) -> bool:
    return bool(one.look.get("custom.lineWidth", 1)) or bool(one.look.get("custom.fillBelowTo"))


def _gaps(curve: Curve, step: float, spanned: object) -> Curve:
    """The curve with a hole wherever points are missing, unless so short a hole is spanned (milliseconds, or True)."""
    if spanned is True or len(curve.times) < 2:
        return curve
    most = max(step, float(spanned) / 1000 if isinstance(spanned, int | float) else 0.0) * 1.01
    holes = np.flatnonzero(np.diff(curve.times) > most) + 1
    times = np.insert(curve.times, holes, curve.times[holes] - step / 2)
    return Curve(curve.labels, times, np.insert(curve.values, holes, np.nan))


def _lonely(curve: Curve) -> Any:
    """Points with no neighbour, which no line shows."""
    there = np.isfinite(curve.values)
    padded = np.concatenate([[False], there, [False]])
    return there & ~padded[:-2] & ~padded[2:]


def _stretches(curve: Curve, step: float) -> list[tuple[float, float, float]]:
    """From when to when a series had which value."""
    if not len(curve.times):
        return []
    new = (np.diff(curve.values) != 0) | (np.diff(curve.times) > 1.5 * step)
    edges = [0, *(np.flatnonzero(new) + 1).tolist(), len(curve.times)]
    return [
        (float(curve.times[first]), float(curve.times[last - 1] + step), float(curve.values[first]))
        for first, last in pairwise(edges)
    ]
