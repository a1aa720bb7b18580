"""Grafana's dark theme: its colours, and what stands where."""

from __future__ import annotations

from collections.abc import Mapping

PAGE, PANEL, EDGE = "#111217", "#181b1f", "#2a2c33"
INK, FAINT, GRID = "#ccccdc", "#8e8e99", "#25272e"

NAMED: Mapping[str, str] = {
    "red": "#F2495C",
    "orange": "#FF9830",
    "yellow": "#FADE2A",
    "green": "#73BF69",
    "blue": "#5794F2",
    "purple": "#B877D9",
}
CLASSIC = (
    "#73BF69", "#F2CC0C", "#8AB8FF", "#FF780A", "#F2495C", "#5794F2", "#B877D9", "#96D98D", "#FADE2A", "#C0D8FF",
    "#FFB357", "#FF7383", "#DEB6F2", "#37872D", "#E0B400", "#1F60C4",
)  # fmt: skip
SHADES = (1.0, 0.62, 1.3, 0.8)

MARGIN, HEAD, LINE, GAP = 16, 92, 38, 8  # pixels: around the page, above the panels, a line of the grid, between panels
TITLE, ROW, LEGEND = 30, 24, 22  # of a panel's title, a row's heading, a legend's line


def colour(name: str) -> str:
    """A colour that matplotlib knows too."""
    return NAMED.get(name, name)


def shade(hexed: str, place: int) -> str:
    """Lighter and darker ones of a colour, by place."""
    by = SHADES[place % len(SHADES)]
    parts = [min(255, int(int(hexed[start : start + 2], 16) * by)) for start in (1, 3, 5)]
    return "#" + "".join(f"{part:02x}" for part in parts)
