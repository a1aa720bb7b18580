"""Graphs drawn: every node and edge is there, circles and odd names do no harm, the same graph is the same text."""

from __future__ import annotations

import random
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.drawing import mermaid, svg, tree
from receiver.drawing.graph import Edge, Graph, Node, declared
from receiver.drawing.layout import Layout, layout
from receiver.drawing.ranks import backward, ranks
from receiver.drawing.words import LONGEST, shortened

NAMES = st.sampled_from("abcdefgh")
EDGES = st.dictionaries(NAMES, st.lists(NAMES, max_size=6), max_size=8)
CIRCLE = {"shop": ["cart", "shop"], "cart": ["redis"], "redis": ["shop"]}
STORM = Graph.of(
    [
        Node("1", "DatabaseDown", "cause", "catalog-db, 03:12:05"),
        Node("2", "HighErrorRate", "consequence", "player"),
        Node("3", "CertificateExpiring", "noise"),
    ],
    [Edge("1", "2", "41 s, 83 %")],
    "k3f9x2: DatabaseDown",
)


@given(edges=EDGES)
def test_no_graph_is_too_odd(edges: dict[str, list[str]]) -> None:
    """Circles, loops, repeated edges and empty graphs: each drawing has every name and every edge once."""
    graph = declared(edges)
    placed = layout(graph)
    pairs = {(caller, name) for caller, found in edges.items() for name in found}
    assert {*placed.routes, *((name, name) for name in placed.loops)} == pairs
    picture, text = svg.draw(graph), tree.draw(graph)
    assert picture.count("marker-") == len(pairs)
    assert len(re.findall(r" --> ", mermaid.draw(graph))) == len(pairs)
    for node in graph.nodes:
        assert f">{node.text}</text>" in picture
        assert node.text in text


@given(edges=EDGES)
def test_edges_lead_to_the_right_but_for_those_that_close_a_circle(edges: dict[str, list[str]]) -> None:
    """Without the edges that lead back there is no circle, and each of them is needed for one."""
    pairs = {(caller, name) for caller, found in edges.items() for name in found if name != caller}
    nodes = sorted({name for pair in pairs for name in pair})
    back = backward(nodes, sorted(pairs))
    rank = ranks(nodes, pairs - back)
    assert all(rank[source] < rank[target] for source, target in pairs - back)
    assert back <= {(one, other) for one, other in pairs if _reaches(pairs, other, one)}


def _reaches(pairs: set[tuple[str, str]], start: str, end: str) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        node = waiting.pop()
        following = {target for source, target in pairs if source == node} - seen
        seen |= following
        waiting += following
    return end in seen


@pytest.mark.parametrize("services", [5, 40, 150])
def test_boxes_do_not_touch(services: int) -> None:
    """Within a layer there is a box's room between boxes, and something for each edge that passes."""
    placed = layout(declared(_services(services)))
    assert sum(isinstance(place, str) for layer in placed.layers for place in layer) > services / 2
    for layer in placed.layers:
        for above, below in pairwise(layer):
            room = 1.0 if isinstance(above, str) and isinstance(below, str) else 0.4
            assert placed.heights[below] - placed.heights[above] >= room - 1e-9
    assert min(placed.heights.values()) == 0.0


def test_order_has_few_crossings() -> None:
    """A graph that can be drawn without crossings, given in a shuffled order, has none."""
    edges = {f"a{number}": [f"b{number}", f"c{number}"] for number in range(20)}
    shuffled = dict(random.Random(1).sample(sorted(edges.items()), 20))
    assert _crossings(layout(declared(shuffled))) == 0


def _crossings(placed: Layout) -> int:
    steps = [step for route in placed.routes.values() for step in pairwise(route.places)]
    heights = [(placed.heights[one], placed.heights[other]) for one, other in steps]
    return sum((a - c) * (b - d) < 0 for a, b in heights for c, d in heights) // 2


def _services(count: int) -> dict[str, list[str]]:
    rng = random.Random(count)
    return {f"s{i}": [f"s{rng.randrange(i + 1, count)}" for _ in range(2)] for i in range(count - 1)}


def test_a_picture_is_valid_and_whole() -> None:
    """XML with titles, kinds, a legend, edge texts and both colour schemes; nothing lies outside."""
    text = svg.draw(STORM)
    root = ElementTree.fromstring(text)
    assert next(one.text for one in root.iter() if one.tag.endswith("title")) == "k3f9x2: DatabaseDown"
    said = {one.text for one in root.iter() if one.tag.endswith("text")}
    assert {"likely cause", "consequence", "noise", "41 s, 83 %", "catalog-db, 03:12:05"} <= said
    assert "prefers-color-scheme: dark" in text
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    boxes = [one for one in root.iter() if one.tag.endswith("rect") and "rx" in one.attrib]
    assert len(boxes) == 6
    for box in boxes:
        x, y, wide, high = (float(box.attrib[name]) for name in ("x", "y", "width", "height"))
        assert 0 <= x <= x + wide <= width
        assert 0 <= y <= y + high <= height


def test_nodes_without_edges_stand_beneath() -> None:
    """Forty alerts that belong to nothing fill rows, not one long column."""
    picture = ElementTree.fromstring(svg.draw(Graph.of([Node(str(n), f"Noise{n}", "noise") for n in range(40)], [])))
    assert float(picture.attrib["height"]) < float(picture.attrib["width"]) < 1200


@pytest.mark.parametrize(
    "name",
    [
        '"quoted"',
        "<script>alert(1)</script>",
        "a|b]c}d",
        "null\x00and\x1b[31mred",
        "日本語" * 30,
        "x" * 500,
        "&amp;",
        "",
    ],
)
def test_names_do_no_harm(name: str) -> None:
    """Whatever a label's value is, it stays text: in XML, in Mermaid, on a terminal."""
    graph = declared({name: ["other"]}, name)
    ElementTree.fromstring(svg.draw(graph))
    assert "<script" not in svg.draw(graph)
    node = next(
        line for line in mermaid.draw(graph).splitlines() if re.match(r" *n\d+\[", line) and "other" not in line
    )
    assert re.fullmatch(r'  n\d\["[^"<>|\[\]{}]*"\]:::plain', node)
    assert "\x1b" not in tree.draw(graph) + mermaid.draw(graph) + svg.draw(graph)


def test_long_names_keep_both_ends() -> None:
    """The middle is left out."""
    text = shortened("checkout-" + "x" * 100 + "-canary")
    assert len(text) == LONGEST
    assert text.startswith("checkout-")
    assert text.endswith("-canary")


def test_a_tree_on_the_terminal() -> None:
    """Dependencies stand under their caller once; later mentions point there; circles are marked."""
    text = tree.draw(
        declared({"web": ["cart", "user"], "user": ["cart"], "cart": ["redis", "user"], "mail": ["redis"]})
    )
    assert text.splitlines() == [
        "mail",
        "└─ redis",
        "web",
        "├─ cart",
        "│  ├─ redis",
        "│  └─ user",
        "│     └─ cart  ↺ circle",
        "└─ user  … see above",
    ]
    assert tree.draw(declared(CIRCLE)).count("↺ circle") == 2
    assert tree.draw(declared({})) == "nothing\n"


def test_chains_longer_than_pythons_stack() -> None:
    """Two thousand services in a row are drawn."""
    graph = declared({f"s{number:04}": [f"s{number + 1:04}"] for number in range(2000)})
    assert len(layout(graph).layers) == 2001
    assert tree.draw(graph).count("\n") == 2001


def test_a_large_knot_stays_a_picture() -> None:
    """Three hundred services that all lead to one another stand in few layers, not in a chain."""
    rng = random.Random(1)
    edges = {f"s{number}": [f"s{rng.randrange(300)}" for _ in range(3)] for number in range(300)}
    assert len(layout(declared(edges)).layers) < 40


def test_mermaid() -> None:
    """A flowchart with classes, second lines and edge texts."""
    assert mermaid.draw(STORM).splitlines() == [
        "---",
        'title: "k3f9x2: DatabaseDown"',
        "---",
        "flowchart LR",
        f"  classDef cause {mermaid.CLASSES['cause']}",
        f"  classDef consequence {mermaid.CLASSES['consequence']}",
        f"  classDef noise {mermaid.CLASSES['noise']}",
        '  n0(["DatabaseDown<br/>catalog-db, 03:12:05"]):::cause',
        '  n1["HighErrorRate<br/>player"]:::consequence',
        '  n2["CertificateExpiring"]:::noise',
        '  n0 -->|"41 s, 83 %"| n1',
    ]
