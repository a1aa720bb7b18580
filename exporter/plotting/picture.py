"""The picture of a replay: one block a series, its values above, its score below.

Colours are Okabe and Ito's, which colour-blind people can tell apart; what they mean is also told by shape. Drawn with
matplotlib's Agg and SVG canvases alone: no window, no state that threads would share.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np

from exporter.frame import Bools, Floats
from exporter.plotting.units import Unit, scaled
from exporter.replaying.replay import Replay
from tocsin.errors import MissingExtra

Format = Literal["svg", "png"]

BLUE, SKY, RED, ORANGE, GREEN, GREY = "#0072B2", "#56B4E9", "#D55E00", "#E69F00", "#009E73", "#8C8C8C"
INK, FAINT = "#222222", "#E4E4E4"
WIDTH, DOTS = 8.0, 100  # inches, and dots an inch: 800 pixels
BLOCK, HEAD, FOOT = 3.5, 0.98, 0.55  # inches
SCORES = (0, 1, 10, 100, 1000)
LONGEST_TITLE = 118  # characters
FEW = 40  # points; fewer are drawn as dots, too


@dataclass(frozen=True, slots=True)
class Sheet:
    """What stands around the picture: `unit` as `unit_of` names it, `zone` of the times."""

    title: str
    subtitle: str = ""
    zone: str = "UTC"
    unit: str = ""


def need_matplotlib() -> None:
    """Raises MissingExtra where matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401 - whether it is there is the question
    except ImportError as error:
        raise MissingExtra("matplotlib", "plot") from error


def draw(replay: Replay, names: Sequence[str], sheet: Sheet, kind: Format) -> bytes:
    """The picture of each row, under its name.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    need_matplotlib()
    from matplotlib.figure import Figure

    height = HEAD + FOOT + BLOCK * len(names)
    figure = Figure(figsize=(WIDTH, height), dpi=DOTS, facecolor="white")
    figure.subplots_adjust(left=0.09, right=0.985, top=1 - HEAD / height, bottom=FOOT / height, hspace=0.16)
    grid = figure.add_gridspec(len(names), 1, hspace=0.32)
    _write(figure, 0.012, 1 - 0.22 / height, _short(sheet.title), INK, size=11, weight="bold")
    _write(figure, 0.012, 1 - 0.40 / height, _short(sheet.subtitle), GREY, size=8)
    handles: dict[str, Any] = {}
    for row, name in enumerate(names):
        one = replay.row(row)
        panels: Any = grid[row].subgridspec(2, 1, height_ratios=[3, 1], hspace=0.09).subplots(sharex=True)
        values, scores = panels
        unit = scaled(sheet.unit, _largest(one))
        handles |= _values(values, one, unit)
        _scores(scores, one)
        _dress(values, scores, one, unit, sheet, name)
    legend = figure.legend(
        handles.values(), handles.keys(), loc="upper left", bbox_to_anchor=(0.005, 1 - 0.42 / height), frameon=False,
        ncols=len(handles), fontsize=8.5, handlelength=1.6, columnspacing=1.3, labelcolor=INK,
    )  # fmt: skip
    legend.set_in_layout(False)
    return _saved(figure, kind)


def _values(axes: Any, replay: Replay, unit: Unit) -> dict[str, Any]:
    """The upper panel; returns the legend's entries."""
    scores, shown = replay.scores, replay.frame.values[0] / unit.scale
    times, later = replay.frame.times, replay.times
    entries: dict[str, Any] = {}
    dots = "." if len(times) < FEW else ""
    entries["measured"] = axes.plot(_dates(times), shown, color=BLUE, lw=1.1, marker=dots, zorder=4)[0]
    alone = _alone(np.isfinite(shown))
    axes.plot(_dates(times[alone]), shown[alone], ".", color=BLUE, ms=3, zorder=4)
    expected, lower, upper = (band[0] / unit.scale for band in (scores.expected, scores.lower, scores.upper))
    entries["normal"] = axes.fill_between(_dates(times), lower, upper, color=SKY, alpha=0.30, lw=0, zorder=2)
    entries["expected"] = axes.plot(_dates(times), expected, color=INK, lw=0.8, ls="--", alpha=0.75, zorder=3)[0]
    ahead = replay.ahead
    axes.plot(_dates(later), ahead.mean[0] / unit.scale, color=GREEN, lw=1.2, ls="--", zorder=3)
    bounds = (ahead.lower[0] / unit.scale, ahead.upper[0] / unit.scale)
    entries["forecast, 90 %"] = axes.fill_between(_dates(later), *bounds, color=GREEN, alpha=0.22, lw=0, zorder=2)
    axes.axvline(_dates(times[-1:])[0], color=GREY, lw=0.8, ls=":", zorder=1)
    high, events = np.nan_to_num(scores.score[0]) > 1.0, scores.event[0] > 1.0
    for what, marked, marker, size in (("anomalous", high, "o", 3.6), ("reported", events, "v", 8.0)):
        if marked.any():
            look = {"color": RED, "ms": size, "mec": "white", "mew": size / 9.0, "zorder": 5}
            entries[what] = axes.plot(_dates(times[marked]), shown[marked], marker, **look)[0]
    for first, last in runs(~np.isfinite(shown)):
        span = (times[first] - replay.frame.step / 2, times[last] + replay.frame.step / 2)
        entries["no data"] = axes.axvspan(
            *_dates(np.array(span)), facecolor="#F1F1F1", edgecolor="#BDBDBD", hatch="////", lw=0, zorder=1
        )
    axes.set_ylim(*_limits(shown, [lower, upper, *bounds]))
    return entries


def _scores(axes: Any, replay: Replay) -> None:
    """The lower panel."""
    times, score = replay.frame.times, replay.scores.score[0]
    axes.set_yscale("symlog", linthresh=1.0, linscale=0.9)
    axes.plot(_dates(times), score, color=INK, lw=0.8)
    axes.fill_between(_dates(times), 1.0, score, where=np.nan_to_num(score) > 1.0, color=RED, alpha=0.6, lw=0)
    axes.axhline(1.0, color=RED, lw=0.8, ls="--")
    top = max(3.0, 1.4 * float(np.max(score, initial=0.0, where=np.isfinite(score))))
    ticks = [tick for tick in SCORES if tick <= top]
    axes.set_yticks(ticks, [str(tick) for tick in ticks])
    axes.set_yticks([], minor=True)
    axes.set_ylim(0.0, top)


def _dress(values: Any, scores: Any, replay: Replay, unit: Unit, sheet: Sheet, name: str) -> None:
    """Axes, units, names and times."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    zone = ZoneInfo(sheet.zone)
    for axes in (values, scores):
        axes.grid(color=FAINT, lw=0.6)
        axes.set_axisbelow(True)
        axes.tick_params(labelsize=8.5, colors=INK, length=3, width=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(GREY)
        axes.set_xlim(*_dates(np.array([replay.frame.times[0], replay.times[-1]])))
    values.tick_params(labelbottom=False)
    _write(values, 0.0, 1.015, _short(name), INK, size=9, transform=values.transAxes, va="bottom")
    values.set_ylabel(unit.sign, fontsize=9, color=INK)
    scores.set_ylabel("score", fontsize=9, color=INK)
    locator = AutoDateLocator(tz=zone, minticks=4, maxticks=9)  # type: ignore[no-untyped-call]
    scores.xaxis.set_major_locator(locator)
    scores.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=zone, show_offset=False))  # type: ignore[no-untyped-call]
    first, last = (datetime.fromtimestamp(float(when), zone) for when in replay.frame.times[[0, -1]])
    span = f"{first:%Y-%m-%d %H:%M} – {last:%Y-%m-%d %H:%M}, times in {sheet.zone}"
    scores.set_xlabel(span, fontsize=8.5, color=INK)


def _write(on: Any, x: float, y: float, text: str, colour: str, *, size: float, **how: Any) -> None:
    """A text as it stands: a `$` in a label is no formula."""
    on.text(x, y, text, fontsize=size, color=colour, parse_math=False, **how)


def _saved(figure: Any, kind: Format) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    stream = io.BytesIO()
    if kind == "png":
        FigureCanvasAgg(figure).print_png(stream)  # type: ignore[no-untyped-call]
    else:
        FigureCanvasSVG(figure).print_svg(stream, metadata={"Date": None})  # type: ignore[no-untyped-call]
    return stream.getvalue()


def runs(holds: Bools) -> list[tuple[int, int]]:
    """The first and last index of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], holds, [False]]).astype(np.int8)))
    return [(int(first), int(last) - 1) for first, last in edges.reshape(-1, 2)]


def _alone(there: Bools) -> Bools:
    """Points that no line reaches, because both neighbours are missing."""
    padded = np.concatenate([[False], there, [False]])
    alone: Bools = there & ~padded[:-2] & ~padded[2:]
    return alone


def _limits(shown: Floats, bands: Sequence[Floats]) -> tuple[float, float]:
    """What is measured is seen wholly; a band that is far wider may leave the picture."""
    values = shown[np.isfinite(shown)]
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    edges = np.concatenate(bands)
    edges = edges[np.isfinite(edges)]
    room = max(high - low, 1e-9 * abs(high), 1e-300)
    if len(edges):
        low = max(min(low, float(np.quantile(edges, 0.01))), low - 1.5 * room)
        high = min(max(high, float(np.quantile(edges, 0.99))), high + 1.5 * room)
    margin = 0.05 * (high - low) or 0.5 * abs(high) or 1.0
    if len(values) and values.min() >= 0.0:
        low = max(low, 0.4 * margin)  # what never was below zero is not shown there
    return low - margin, high + margin


def _largest(replay: Replay) -> float:
    values = np.abs(replay.frame.values[np.isfinite(replay.frame.values)])
    return float(values.max()) if len(values) else 0.0


def _dates(times: Floats) -> Any:
    """Unix seconds as numpy dates: matplotlib's own numbers of days, without a loop."""
    return (times * 1e3).astype("datetime64[ms]")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_TITLE else f"{line[: LONGEST_TITLE - 1]}…"
