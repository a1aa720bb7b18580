"""The graph as an SVG: boxes in columns, curves between them; no script, no font but the reader's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from generator.graph.layout import Layout, Place, Route, layout
from generator.graph.model import Graph, Node

# All in pixels.
FONT = 12
LETTER = 7.3  # the width of a letter of a monospaced font of that size, rounded up
PADDING, HEIGHT, ROW, GAP, MARGIN = 10, 24, 34, 90, 20
WAYPOINT_ROW = 10
HEAD = 34  # for the legend

STYLE = """
  text { font: 12px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: #0f172a }
  rect { stroke-width: 1.2 } path { fill: none; stroke: #94a3b8; stroke-width: 1.2 }
  .metric { fill: #eef2f7; stroke: #64748b } .record { fill: #e0edff; stroke: #2563eb }
  .alert { fill: #ffe4e2; stroke: #c2322a }
"""
ROUND = {"metric": 2, "record": 2, "alert": 12}
LEGEND = {"metric": "metric", "record": "recording rule", "alert": "alert"}

Point = tuple[float, float]


def draw(graph: Graph) -> str:
    """The picture; the same bytes for the same graph."""
    placed = layout(graph)
    lefts, widths = _columns(placed)
    middles, height = _rows(placed)
    width = max([*(left + wide for left, wide in zip(lefts, widths, strict=True)), 360]) + MARGIN
    column = {place: index for index, layer in enumerate(placed.layers) for place in layer}
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img">'
    )
    lines = [head, "<title>What each alert rests on</title>", f"<style>{STYLE}</style>"]
    lines += ['<rect width="100%" height="100%" fill="#ffffff"/>', *_legend()]
    for route in placed.routes:
        points = [(lefts[column[place]], widths[column[place]], middles[place]) for place in route]
        lines.append(_edge(route, points))
    for place, middle in middles.items():
        if isinstance(place, Node):
            lines.append(_box(place, lefts[column[place]], middle, widths[column[place]]))
    return "\n".join([*lines, "</svg>"]) + "\n"


def _columns(placed: Layout) -> tuple[list[float], list[float]]:
    """Where each layer begins, and how wide its boxes are."""
    widths = [
        max((_width(place.name) for place in layer if isinstance(place, Node)), default=0.0) for layer in placed.layers
    ]
    lefts, left = [], float(MARGIN)
    for width in widths:
        lefts.append(left)
        left += width + GAP
    return lefts, widths


def _width(text: str) -> float:
    return len(text) * LETTER + 2 * PADDING


def _rows(placed: Layout) -> tuple[dict[Place, float], float]:
    """The middle of each place, every layer centred; and the height of all."""
    heights = [sum(map(_room, layer)) for layer in placed.layers]
    tallest = max(heights, default=0)
    middles: dict[Place, float] = {}
    for layer, height in zip(placed.layers, heights, strict=True):
        top = MARGIN + HEAD + (tallest - height) / 2
        for place in layer:
            middles[place] = top + _room(place) / 2
            top += _room(place)
    return middles, tallest + 2 * MARGIN + HEAD


def _room(place: Place) -> float:
    return ROW if isinstance(place, Node) else WAYPOINT_ROW


def _edge(route: Route, places: list[tuple[float, float, float]]) -> str:
    """From the right side of a box to the left side of another, straight through the columns between."""
    (left, width, y), *rest = places
    path = [f"M{left + width:.1f},{y:.1f}"]
    x = left + width
    for left, width, middle in rest:
        bend = (left - x) / 2
        path.append(f"C{x + bend:.1f},{y:.1f} {left - bend:.1f},{middle:.1f} {left:.1f},{middle:.1f}")
        x, y = left, middle
        if (left, width, middle) != rest[-1]:
            path.append(f"H{left + width:.1f}")
            x = left + width
    source, target = route[0], route[-1]
    assert isinstance(source, Node)
    assert isinstance(target, Node)
    return f'<path d="{" ".join(path)}"><title>{escape(target.name)} reads {escape(source.name)}</title></path>'


def _box(node: Node, left: float, middle: float, width: float) -> str:
    top = middle - HEIGHT / 2
    return (
        f"<g><title>{escape(LEGEND[node.kind])} {escape(node.name)}</title>"
        f'<rect class="{node.kind}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{HEIGHT}" '
        f'rx="{ROUND[node.kind]}"/>'
        f'<text x="{left + PADDING:.1f}" y="{middle + FONT / 3:.1f}">{escape(node.name)}</text></g>'
    )


def _legend() -> Iterator[str]:
    left = float(MARGIN)
    names: Mapping[str, str] = LEGEND
    for kind, name in names.items():
        yield f'<rect class="{kind}" x="{left:.1f}" y="{MARGIN}" width="14" height="14" rx="{ROUND[kind] / 2:g}"/>'
        yield f'<text x="{left + 20:.1f}" y="{MARGIN + 11}">{name}</text>'
        left += 20 + _width(name)
