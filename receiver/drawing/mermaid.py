"""The graph in Mermaid's words: what code hosts draw by themselves within Markdown."""

from __future__ import annotations

import json

from receiver.drawing.graph import Graph, Node
from receiver.drawing.words import clean

CLASSES = {
    "plain": "fill:#eef2f7,stroke:#64748b,color:#0f172a",
    "cause": "fill:#ffe4e2,stroke:#c2322a,color:#0f172a,stroke-width:3px",
    "consequence": "fill:#fff3d6,stroke:#b7791f,color:#0f172a",
    "noise": "fill:#ffffff,stroke:#94a3b8,color:#475569,stroke-dasharray:4 3",
}
SHAPES = {"plain": '["{}"]', "cause": '(["{}"])', "consequence": '["{}"]', "noise": '["{}"]'}


def draw(graph: Graph) -> str:
    """A flowchart from left to right; the same text for the same graph."""
    ids = {node.id: f"n{index}" for index, node in enumerate(graph.nodes)}
    nodes = [f"  {ids[node.id]}{SHAPES[node.kind].format(_text(node))}:::{node.kind}" for node in graph.nodes]
    edges = []
    for edge in graph.edges:
        label = f'|"{_escaped(edge.text)}"|' if edge.text else ""
        edges.append(f"  {ids[edge.source]} -->{label} {ids[edge.target]}")
    used = sorted({node.kind for node in graph.nodes})
    title = ["---", f"title: {json.dumps(clean(graph.title), ensure_ascii=False)}", "---"] if graph.title else []
    classes = [f"  classDef {kind} {CLASSES[kind]}" for kind in used]
    return "\n".join([*title, "flowchart LR", *classes, *nodes, *edges]) + "\n"


def _text(node: Node) -> str:
    return _escaped(node.text) + (f"<br/>{_escaped(node.more)}" if node.more else "")


def _escaped(text: str) -> str:
    """Mermaid's entities, by number: quotes would end the text, it takes `#` for one of its own, and reads Markdown."""
    return "".join(f"#{ord(letter)};" if letter in '"#<>&`\\*_|[]{}' else letter for letter in clean(text))
