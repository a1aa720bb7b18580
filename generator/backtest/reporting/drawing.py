"""Pictures of a backtest as SVG, to stand in a page: no script, no style but the page's classes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from html import escape

from generator.backtest.curves import Curve, Curves
from generator.backtest.incident import in_order
from generator.backtest.moments import minute, ticks
from generator.backtest.report import AlertReport, Setting
from generator.backtest.reporting import words
from generator.backtest.reporting.timeline import Stretch, firing, within
from generator.backtest.summary import HOURS, Span

# All in pixels.
WIDTH, HEIGHT = 900, 210
LEFT, RIGHT, TOP, BOTTOM = 64, 10, 22, 24
LANE = 8  # of incidents, above the curves
LEAST = 1.5  # the width of what is too short to be seen
DATES, VALUES = 9, 4
STRIP_WIDTH, STRIP_HEIGHT = 220, 12
HOUR_WIDTH, HOURS_HEIGHT = 22, 90


@dataclass(frozen=True, slots=True)
class Band:
    """So many stretches that lie next to each other."""

    left: float
    right: float
    stretch: Stretch
    number: int


@dataclass(frozen=True, slots=True)
class Axis:
    """Where times stand, between `left` and `right`."""

    span: Span
    left: float
    right: float

    def at(self, moment: datetime) -> float:
        share = (moment - self.span.start) / self.span.length
        return self.left + min(max(share, 0.0), 1.0) * (self.right - self.left)

    def band(self, stretch: Stretch) -> tuple[float, float]:
        """Left and width; never too narrow to be seen."""
        left, right = self.at(stretch[0]), self.at(stretch[1])
        width = max(right - left, LEAST)
        return min(left, self.right - width), width

    def bands(self, stretches: Iterable[Stretch]) -> list[Band]:
        """Those in order, as one where no gap between them could be seen."""
        found: list[Band] = []
        for stretch in stretches:
            left, width = self.band(stretch)
            if found and left - found[-1].right < LEAST:
                last = found[-1]
                both = max(last.stretch[1], stretch[1])
                found[-1] = Band(last.left, max(last.right, left + width), (last.stretch[0], both), last.number + 1)
            else:
                found.append(Band(left, left + width, stretch, 1))
        return found


def chart(alert: AlertReport, curves: Curves | None, setting: Setting) -> str:
    """Curves and their threshold, when the alert fired, and above them the incidents."""
    height = HEIGHT if curves and curves.curves else TOP + 40 + BOTTOM
    axis = Axis(setting.span, LEFT, WIDTH - RIGHT)
    parts = list(_dates(axis, height, setting.zone))
    parts += _incidents(axis, alert, setting, height)
    parts += _firings(axis, alert, setting, height)
    if curves and curves.curves:
        parts += _curves(axis, curves, height)
    parts.append(f'<path class="axis" d="M{LEFT},{TOP}V{height - BOTTOM}H{WIDTH - RIGHT}"/>')
    return _svg(WIDTH, height, f"{words.name(alert)} over the range", parts)


def strip(alert: AlertReport, setting: Setting) -> str:
    """When the alert fired, as a line of a table."""
    axis = Axis(setting.span, 0, STRIP_WIDTH)
    parts = [f'<rect class="paper" width="{STRIP_WIDTH}" height="{STRIP_HEIGHT}" rx="2"/>']
    parts += [
        _rect("fired", band.left, band.right - band.left, 0, STRIP_HEIGHT)
        for band in axis.bands(_seen(alert, setting.span))
    ]
    return _svg(STRIP_WIDTH, STRIP_HEIGHT, "when it fired", parts)


def hours(rates: Sequence[float]) -> str:
    """Pages a week by hour of day, as bars."""
    most = max(rates, default=0.0) or 1.0
    floor = HOURS_HEIGHT - 18
    parts = []
    for hour in range(HOURS):
        height = rates[hour] / most * (floor - 14)
        left = hour * HOUR_WIDTH
        told = f"<title>{hour:02d}:00 to {hour:02d}:59: {words.rate(rates[hour])} a week</title>"
        parts.append(f"<g>{told}{_rect('bar', left + 2, HOUR_WIDTH - 4, floor - height, height)}</g>")
        if hour % 3 == 0:
            parts.append(_text(left + 2, HOURS_HEIGHT - 5, f"{hour:02d}"))
        if rates[hour] == most:
            parts.append(_text(left + HOUR_WIDTH / 2, floor - height - 3, words.rate(most), "middle"))
    parts.append(f'<path class="axis" d="M0,{floor}H{HOURS * HOUR_WIDTH}"/>')
    return _svg(HOURS * HOUR_WIDTH, HOURS_HEIGHT, "pages a week by hour of day", parts)


def swatch(place: int) -> str:
    """The colour of a curve."""
    return f'<svg width="18" height="10" aria-hidden="true"><path class="curve c{place}" d="M0,5H18"/></svg>'


def _svg(width: float, height: float, title: str, parts: Iterable[str]) -> str:
    head = f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">'
    return "\n".join([f"{head}<title>{escape(title)}</title>", *parts, "</svg>"])


def _rect(kind: str, left: float, width: float, top: float, height: float) -> str:
    box = f'x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect class="{kind}" {box}/>'


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _dates(axis: Axis, height: int, zone: tzinfo) -> Iterator[str]:
    for moment, shown in ticks(axis.span.start, axis.span.end, zone, DATES):
        x = axis.at(moment)
        yield f'<path class="grid" d="M{x:.1f},{TOP}V{height - BOTTOM}"/>'
        yield _text(x, height - 8, shown, "middle" if x < axis.right - 20 else "end")


def _seen(alert: AlertReport, span: Span) -> Iterator[Stretch]:
    for stretch in firing(alert.summary, span):
        yield from within(stretch, span)


def _firings(axis: Axis, alert: AlertReport, setting: Setting, height: int) -> Iterator[str]:
    for band in axis.bands(_seen(alert, axis.span)):
        often = f" {band.number} times" if band.number > 1 else ""
        told = " to ".join(minute(moment, setting.zone) for moment in band.stretch)
        left, width = band.left, band.right - band.left
        yield f"<g><title>fired{often}, {told}</title>{_rect('band', left, width, TOP, height - TOP - BOTTOM)}"
        yield f"{_rect('fired', left, width, height - BOTTOM - 4, 4)}</g>"


def _incidents(axis: Axis, alert: AlertReport, setting: Setting, height: int) -> Iterator[str]:
    """Those that the alert could tell of."""
    if alert.held is None or setting.incidents is None:
        return
    known = in_order(setting.incidents.items)
    possible = [known[number] for number in sorted(alert.held.possible)]
    stretches = [part for one in possible for part in within((one.start, one.end or axis.span.end), axis.span)]
    titles = {max(one.start, axis.span.start): one.title or "no title" for one in possible}
    for band in axis.bands(stretches):
        title = f"{band.number} incidents" if band.number > 1 else titles.get(band.stretch[0], "an incident")
        told = " to ".join(minute(moment, setting.zone) for moment in band.stretch)
        yield f"<g><title>{escape(words.clean(title))}, {told}</title>"
        yield _rect("incident", band.left, band.right - band.left, TOP - LANE - 4, LANE)
        yield f'<path class="begin" d="M{band.left:.1f},{TOP - 4}V{height - BOTTOM}"/></g>'


def _curves(axis: Axis, curves: Curves, height: int) -> Iterator[str]:
    values = [value for curve in curves.curves for _, value in curve.points]
    marks = nice([*values, curves.comparison.threshold])
    low, high = marks[0], marks[-1]
    floor = height - BOTTOM

    def y(value: float) -> float:
        return floor - (value - low) / (high - low) * (floor - TOP)

    for mark in marks:
        yield f'<path class="grid" d="M{LEFT},{y(mark):.1f}H{WIDTH - RIGHT}"/>'
        yield _text(LEFT - 6, y(mark) + 4, words.number(mark), "end")
    for place, curve in reversed(list(enumerate(curves.curves))):
        way = " ".join(
            f"{'M' if first else 'L'}{axis.at(datetime.fromtimestamp(moment, UTC)):.1f},{y(value):.1f}"
            for first, moment, value in _pieces(curve, curves.step.total_seconds())
        )
        yield f'<path class="curve c{place}" d="{way}"/>'
    level = y(curves.comparison.threshold)
    told = f"{curves.comparison.operator} {words.number(curves.comparison.threshold)}"
    line = f'<path class="threshold" d="M{LEFT},{level:.1f}H{WIDTH - RIGHT}"/>'
    yield f"<g><title>fires where {escape(told)}</title>{line}</g>"


def _pieces(curve: Curve, step: float) -> Iterator[tuple[bool, float, float]]:
    """Each point, and whether a new line begins with it: there is none across a gap."""
    last = -math.inf
    for moment, value in curve.points:
        yield moment - last > 1.5 * step, moment, value
        last = moment


def nice(values: Sequence[float]) -> list[float]:
    """Round numbers, evenly apart, from below all values to above them; at least two."""
    low, high = min(values), max(values)
    if low == high:
        low, high = (low - abs(low) / 2, high + abs(high) / 2) if low else (-1.0, 1.0)
    rough = (high - low) / VALUES
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= rough * 0.999)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(place * step, 12 - math.floor(math.log10(step))) for place in range(first, max(last, first + 1) + 1)]
