"""Diagrams one below the other over the same seconds, with marks through all of them.

Plain SVG, so that it can lie in Git and be looked at in a README.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

Points = Sequence[tuple[float, float]]  # (seconds since the fault, value)

WIDTH, LEFT, RIGHT = 860, 60, 20
GREY, INK, BLUE, RED, BAND = "#9aa0a6", "#202124", "#1a56b0", "#b3261e", "#d7e3f7"
ROW, GAP = 15, 46  # between the words of two marks; between two panels


@dataclass(frozen=True, slots=True)
class Panel:
    """One diagram: a line, a band around what was expected, and a limit."""

    title: str
    line: Points
    limit: float
    limit_says: str
    top: float
    height: int
    band: tuple[Points, Points] = ((), ())  # lower, upper


def draw(panels: Sequence[Panel], marks: Sequence[tuple[float, str]], begin: float, end: float) -> str:
    """The panels one below the other over the same seconds, with a line through all of them for each mark."""
    plot = _Plot(begin, end)
    parts: list[str] = []
    y = 30 + len(marks) * ROW
    for panel in panels:
        parts += plot.panel(panel, y)
        y += panel.height + GAP
    bottom = y - GAP
    parts += [*plot.marks(marks, bottom), *plot.seconds(bottom)]
    size = f'viewBox="0 0 {WIDTH} {bottom + 24}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>", ""])


@dataclass(frozen=True, slots=True)
class _Plot:
    begin: float
    end: float

    def x(self, seconds: float) -> float:
        return round(LEFT + (seconds - self.begin) / (self.end - self.begin) * (WIDTH - LEFT - RIGHT), 1)

    def panel(self, panel: Panel, y: int) -> Iterable[str]:
        def at(value: float) -> float:
            return round(y + panel.height * (1 - min(max(value / panel.top, 0), 1)), 1)

        def path(points: Points) -> str:
            return " ".join(f"{self.x(seconds)},{at(value)}" for seconds, value in points)

        lower, upper = panel.band
        yield f'<text x="{LEFT}" y="{y - 6}" fill="{INK}" font-weight="bold">{escape(panel.title)}</text>'
        if lower and upper:
            yield f'<polygon points="{path(lower)} {path(list(reversed(upper)))}" fill="{BAND}"/>'
        for value in (0.0, panel.top / 2, panel.top):
            yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at(value)}" y2="{at(value)}" stroke="#eceff1"/>'
            yield f'<text x="{LEFT - 8}" y="{at(value) + 4}" text-anchor="end" fill="{GREY}">{value:g}</text>'
        y1, x2 = at(panel.limit), WIDTH - RIGHT
        yield f'<line x1="{LEFT}" x2="{x2}" y1="{y1}" y2="{y1}" stroke="{RED}" stroke-dasharray="5 4"/>'
        yield f'<text x="{LEFT + 4}" y="{y1 - 5}" fill="{RED}">{escape(panel.limit_says)}</text>'
        yield f'<polyline points="{path(panel.line)}" fill="none" stroke="{BLUE}" stroke-width="1.8"/>'

    def marks(self, marks: Sequence[tuple[float, str]], bottom: int) -> Iterable[str]:
        for number, (seconds, says) in enumerate(marks):
            x, y = self.x(seconds), 14 + number * ROW
            side, anchor = (-4, "end") if x > WIDTH / 2 else (4, "start")
            yield f'<line x1="{x}" x2="{x}" y1="{y - 9}" y2="{bottom}" stroke="{GREY}" stroke-width="0.8"/>'
            yield f'<text x="{x + side}" y="{y}" text-anchor="{anchor}">{seconds:.0f} s: {escape(says)}</text>'

    def seconds(self, y: int) -> Iterable[str]:
        for seconds in range(int(self.begin // 30 + 1) * 30, int(self.end) + 1, 30):
            yield f'<text x="{self.x(seconds)}" y="{y + 16}" text-anchor="middle" fill="{GREY}">{seconds} s</text>'
