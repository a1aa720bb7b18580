"""The picture of the story: whole, and everything in its place."""

from __future__ import annotations

from xml.etree import ElementTree

from demo.picture import WIDTH, Panel, draw

SVG = "{http://www.w3.org/2000/svg}"
LINE = [(0.0, 1.0), (50.0, 2.0), (100.0, 9.0)]
PANEL = Panel("<latency>", LINE, 2.0, "limit", 4.0, 100, band=([(0.0, 0.5), (100.0, 0.5)], [(0.0, 1.5), (100.0, 1.5)]))


def test_everything_is_drawn_within_the_picture() -> None:
    """Panels, bands, limits and marks are there, and no point lies outside, whatever the values."""
    picture = ElementTree.fromstring(draw([PANEL, PANEL], [(0, "breaks"), (90, "mended")], -10, 110))
    _, _, width, height = (float(size) for size in picture.attrib["viewBox"].split())
    assert width == WIDTH
    assert len(picture.findall(f"{SVG}polyline")) == len(picture.findall(f"{SVG}polygon")) == 2
    for shape in (*picture.findall(f"{SVG}polyline"), *picture.findall(f"{SVG}polygon")):
        points = [tuple(map(float, point.split(","))) for point in shape.attrib["points"].split()]
        assert all(0 <= x <= width and 0 <= y <= height for x, y in points)
    said = [text.text for text in picture.findall(f"{SVG}text")]
    assert {"<latency>", "0 s: breaks", "90 s: mended"} <= set(said)


def test_nothing_to_draw() -> None:
    """A series that never was leaves an empty diagram."""
    empty = Panel("score", [], 1.0, "limit", 4.0, 100)
    picture = ElementTree.fromstring(draw([empty], [], 0, 60))
    assert picture.findall(f"{SVG}polygon") == []
