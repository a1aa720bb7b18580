"""A sheet that is drawn on in pixels from its upper left corner; matplotlib does the drawing."""

from __future__ import annotations

import io
from typing import Any

from grafana.source.preview.theme import EDGE, INK, PAGE, PANEL
from grafana.source.preview.window import PIXELS

DOTS = 100  # an inch; a font's size in points is pixels times 0.72
WIDE = 0.58  # of a letter, in the font's height
COLOURS = 256  # in the file: flat colours need no more, and a quarter of the bytes


class Canvas:
    """The picture of one dashboard."""

    def __init__(self, height: int) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self._height = height
        self._figure = Figure(figsize=(PIXELS / DOTS, height / DOTS), dpi=DOTS, facecolor=PAGE)
        FigureCanvasAgg(self._figure)

    def text(self, x: float, y: float, text: str, size: float, colour: str = INK, **look: Any) -> None:
        """Writes in letters `size` pixels high; (x, y) is the left end of their middle, or as `ha` and `va` say."""
        placed = {"ha": "left", "va": "center_baseline", **look}
        text = text.replace("$", r"\$")
        self._figure.text(*self._at(x, y), text, fontsize=size * 0.72, color=colour, **placed)

    def box(self, x: float, y: float, width: float, height: float, colour: str = PANEL, edge: str = "none") -> None:
        """Fills a rectangle."""
        from matplotlib.patches import Rectangle

        left, bottom = self._at(x, y + height)
        self._figure.patches.append(
            Rectangle(
                (left, bottom), width / PIXELS, height / self._height,
                facecolor=colour, edgecolor=edge, lw=0.8, transform=self._figure.transFigure, figure=self._figure,
            )
        )  # fmt: skip

    def panel(self, x: float, y: float, width: float, height: float) -> None:
        """The frame of a panel."""
        self.box(x, y, width, height, PANEL, EDGE)

    def axes(self, x: float, y: float, width: float, height: float) -> Any:
        """What matplotlib draws graphs on."""
        left, bottom = self._at(x, y + height)
        return self._figure.add_axes((left, bottom, width / PIXELS, height / self._height), facecolor="none", zorder=2)

    def png(self) -> bytes:
        """The picture's bytes, with a palette of few colours."""
        from PIL import Image

        raw = io.BytesIO()
        self._figure.savefig(raw, format="png", facecolor=PAGE)
        small = io.BytesIO()
        Image.open(raw).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
        return small.getvalue()

    def _at(self, x: float, y: float) -> tuple[float, float]:
        return x / PIXELS, 1 - y / self._height


def fits(text: str, size: float, width: float) -> str:
    """The text, or as much of it as so many pixels hold, with an ellipsis."""
    most = max(1, int(width / (size * WIDE)))
    return text if len(text) <= most else text[: most - 1] + "…"


def width_of(text: str, size: float) -> float:
    """About how wide a text is, in pixels."""
    return len(text) * size * WIDE
