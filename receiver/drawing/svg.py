"""The graph as an SVG: boxes in columns, arrows between them, for light and dark; no script, no font to load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

from receiver.drawing.graph import KINDS, Edge, Graph, Kind, Node
from receiver.drawing.layout import Layout, Place, Route, layout
from receiver.drawing.style import FONT, LETTER, STYLE, TIP
from receiver.drawing.words import clean, columns, shortened

# All in pixels.
PADDING, MARGIN, GAP, SMALLEST_WIDTH = 10, 20, 64, 320
HEIGHT, LINE, SPACE = 26, 15, 10
WAYPOINT_WIDTH = 0.0

Point = tuple[float, float]


def draw(graph: Graph) -> str:
    """The picture; the same bytes for the same graph."""
    picture = _Picture(graph)
    size = f'width="{picture.width:.0f}" height="{picture.height:.0f}"'
    view = f'viewBox="0 0 {picture.width:.0f} {picture.height:.0f}"'
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} role="img">']
    lines += [f"<title>{_safe(graph.title)}</title>"] if graph.title else []
    lines += [f"<style>{STYLE}</style>", TIP, '<rect class="paper" width="100%" height="100%"/>']
    lines += [*picture.head(), *picture.edges(), *picture.loops(), *picture.boxes(), *picture.texts()]
    return "\n".join([*lines, "</svg>"]) + "\n"


class _Picture:
    """A graph with places in pixels: `lefts` and `widths` of the columns, the `middles` of places."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes = {node.id: node for node in graph.nodes}
        self.placed = layout(graph)
        self.box_height = HEIGHT + (LINE if any(node.more for node in graph.nodes) else 0)
        self.top = MARGIN + (26 if graph.title else 0) + (26 if self._legend() else 0)
        self.column = {place: index for index, layer in enumerate(self.placed.layers) for place in layer}
        self.widths = [max((self._box_width(place) for place in layer), default=0.0) for layer in self.placed.layers]
        self.lefts = self._lefts(self.placed)
        room = self.box_height + SPACE
        self.middles = {
            place: self.top + self.box_height / 2 + height * room for place, height in self.placed.heights.items()
        }
        right = max([0.0, *(left + width for left, width in zip(self.lefts, self.widths, strict=True))])
        self.width = max(right, SMALLEST_WIDTH, len(graph.title) * LETTER + MARGIN) + MARGIN
        bottom = max([self.top - SPACE, *(middle + self.box_height / 2 for middle in self.middles.values())])
        self.corners, bottom = self._beneath(bottom + SPACE)
        self.height = bottom + MARGIN

    def _box_width(self, place: Place) -> float:
        return _width(self.nodes[place]) if isinstance(place, str) else WAYPOINT_WIDTH

    def _lefts(self, placed: Layout) -> list[float]:
        """Where columns begin; between them is room for the texts of the edges that end there."""
        texts: dict[int, float] = {}
        for edge in self.graph.edges:
            route = placed.routes.get((edge.source, edge.target))
            if route and edge.text:
                gap = self.column[route.places[-1]]
                texts[gap] = max(texts.get(gap, 0.0), columns(edge.text) * LETTER + 40)
        lefts, left = [], float(MARGIN)
        for index, width in enumerate(self.widths):
            left += max(GAP, texts.get(index, 0.0)) if index else 0.0
            lefts.append(left)
            left += width
        return lefts

    def _beneath(self, top: float) -> tuple[dict[str, Point], float]:
        """The corners of every box; those without edges stand in rows beneath the others."""
        corners = {
            place: (self.lefts[self.column[place]], middle - self.box_height / 2)
            for place, middle in self.middles.items()
            if isinstance(place, str)
        }
        left, bottom = float(MARGIN), top - SPACE
        across = max(self.width, 900.0 if len(self.placed.apart) > 3 else 0.0)
        for name in self.placed.apart:
            width = _width(self.nodes[name])
            if left > MARGIN and left + width > across - MARGIN:
                left, top = float(MARGIN), top + self.box_height + SPACE
            corners[name] = (left, top)
            left += width + SPACE
            self.width = max(self.width, left - SPACE + MARGIN)
            bottom = top + self.box_height
        return corners, bottom

    def _legend(self) -> Sequence[Kind]:
        used = {node.kind for node in self.graph.nodes}
        return [kind for kind in KINDS if kind in used] if used - {"plain"} else []

    def head(self) -> Iterator[str]:
        if self.graph.title:
            yield f'<text class="title" x="{MARGIN}" y="{MARGIN + FONT}">{_safe(self.graph.title)}</text>'
        left, top = float(MARGIN), MARGIN + (26 if self.graph.title else 0)
        for kind in self._legend():
            yield f'<rect class="{kind}" x="{left:.1f}" y="{top}" width="14" height="14" rx="3"/>'
            yield f'<text x="{left + 20:.1f}" y="{top + 11}">{KINDS[kind]}</text>'
            left += 40 + len(KINDS[kind]) * LETTER

    def edges(self) -> Iterator[str]:
        for edge in self.graph.edges:
            route = self.placed.routes.get((edge.source, edge.target))
            if route:
                end = 'marker-start="url(#tip)"' if route.reversed else 'marker-end="url(#tip)"'
                kind = ' class="back"' if route.reversed else ""
                yield f'<path{kind} d="{self._path(route)}" {end}>{self._told(edge)}</path>'

    def loops(self) -> Iterator[str]:
        """An arrow from a box to itself, over its right shoulder."""
        for name in self.placed.loops:
            x, y = self.corners[name]
            x += _width(self.nodes[name])
            way = f"M{x - 18:.1f},{y:.1f} C{x - 18:.1f},{y - 14:.1f} {x + 16:.1f},{y - 8:.1f} {x:.1f},{y + 8:.1f}"
            edge = next(edge for edge in self.graph.edges if edge.source == edge.target == name)
            yield f'<path class="back" d="{way}" marker-end="url(#tip)">{self._told(edge)}</path>'

    def _told(self, edge: Edge) -> str:
        text = f": {edge.text}" if edge.text else ""
        return f"<title>{_safe(f'{self.nodes[edge.source].text} → {self.nodes[edge.target].text}{text}')}</title>"

    def _sides(self, place: Place) -> tuple[Point, Point]:
        """Where an edge comes in from the left, and where it goes on."""
        left, y = self.lefts[self.column[place]], self.middles[place]
        if isinstance(place, str):
            return (left, y), (left + _width(self.nodes[place]), y)
        return (left, y), (left + self.widths[self.column[place]], y)

    def _path(self, route: Route) -> str:
        """Curves between columns, straight through them."""
        parts = []
        for index, (one, other) in enumerate(pairwise(route.places)):
            (x, y), (end, height) = self._sides(one)[1], self._sides(other)[0]
            bend = (end - x) / 2
            begin = f"M{x:.1f},{y:.1f}" if index == 0 else f"H{x:.1f}"
            parts.append(f"{begin} C{x + bend:.1f},{y:.1f} {end - bend:.1f},{height:.1f} {end:.1f},{height:.1f}")
        return " ".join(parts)

    def boxes(self) -> Iterator[str]:
        for name, (x, y) in self.corners.items():
            node = self.nodes[name]
            box = f'x="{x:.1f}" y="{y:.1f}" width="{_width(node):.1f}" height="{self.box_height}" rx="5"'
            first = y + (self.box_height - (LINE if node.more else 0)) / 2 + FONT / 3
            lines = f'<text x="{x + PADDING:.1f}" y="{first:.1f}">{_safe(shortened(node.text))}</text>'
            if node.more:
                more = _safe(shortened(node.more))
                lines += f'<text class="more" x="{x + PADDING:.1f}" y="{first + LINE:.1f}">{more}</text>'
            yield f'<g><title>{_safe(node.title or node.text)}</title><rect class="{node.kind}" {box}/>{lines}</g>'

    def texts(self) -> Iterator[str]:
        """On the middle of the last piece of each edge: edges of one source have parted, those to one end not met."""
        for edge in self.graph.edges:
            route = self.placed.routes.get((edge.source, edge.target))
            if route and edge.text:
                (x, y), (end, height) = self._sides(route.places[-2])[1], self._sides(route.places[-1])[0]
                across, down = (x + end) / 2, (y + height) / 2
                wide = columns(edge.text) * LETTER
                box = f'x="{across - wide / 2:.1f}" y="{down - 7:.1f}" width="{wide:.1f}" height="14"'
                yield f'<rect class="paper" {box}/>'
                yield f'<text class="edge" x="{across:.1f}" y="{down + 4:.1f}">{_safe(edge.text)}</text>'


def _width(node: Node) -> float:
    return max(columns(shortened(node.text)), columns(shortened(node.more))) * LETTER + 2 * PADDING


def _safe(text: str) -> str:
    return escape(clean(text))
