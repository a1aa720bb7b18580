"""The graph, and what was found out of it, as a command prints it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from receiver.drawing import mermaid, svg, tree
from receiver.drawing.graph import declared
from receiver.topology.edge import Judged
from receiver.topology.finding import Request
from receiver.topology.fragment import fragment
from tocsin import duration


def drawn_as(form: str, label: str, edges: Mapping[str, Sequence[str]]) -> str:
    """The declared graph as `text`, `json`, `mermaid` or `svg`."""
    graph = declared(edges, "What depends on what")
    match form:
        case "svg":
            return svg.draw(graph)
        case "mermaid":
            return mermaid.draw(graph)
        case "json":
            arrows = [{"caller": edge.source, "dependency": edge.target} for edge in graph.edges]
            nodes = [node.id for node in graph.nodes]
            return json.dumps({"label": label, "nodes": nodes, "edges": arrows}, indent=2, ensure_ascii=False) + "\n"
        case _:
            return tree.draw(graph)


def found_as(form: str, label: str, judged: Sequence[Judged], request: Request) -> str:
    """What was found out as `yaml` or `json`."""
    if form == "json":
        return (
            json.dumps({"label": label, "edges": [asdict(one) for one in judged]}, indent=2, ensure_ascii=False) + "\n"
        )
    about = f"found with tocsin topology discover --from {request.origin} --since {duration.show(request.since)}"
    return fragment(label, judged, about)
