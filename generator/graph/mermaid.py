"""The graph in Mermaid's words: what code hosts draw by themselves within Markdown."""

from __future__ import annotations

from generator.graph.model import Graph, Node

SHAPES = {"metric": '[("{}")]', "record": '["{}"]', "alert": '(["{}"])'}
CLASSES = {
    "metric": "fill:#eef2f7,stroke:#64748b,color:#0f172a",
    "record": "fill:#e0edff,stroke:#2563eb,color:#0f172a",
    "alert": "fill:#ffe4e2,stroke:#c2322a,color:#0f172a",
}


def draw(graph: Graph) -> str:
    """A flowchart from left to right; the same text for the same graph."""
    ids = {node: f"n{index}" for index, node in enumerate(graph.nodes)}
    nodes = [f"  {ids[node]}{SHAPES[node.kind].format(_escaped(node))}:::{node.kind}" for node in graph.nodes]
    edges = [f"  {ids[source]} --> {ids[reader]}" for source, reader in graph.edges]
    classes = [f"  classDef {kind} {style}" for kind, style in CLASSES.items()]
    return "\n".join(["flowchart LR", *classes, *nodes, *edges]) + "\n"


def _escaped(node: Node) -> str:
    """Mermaid's entities, by number: quotes would end the text, and it takes `#` for one of its own."""
    return "".join(f"#{ord(letter)};" if letter in '"#<>&`\\' else letter for letter in node.name)
