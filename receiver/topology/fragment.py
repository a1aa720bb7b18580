"""The edges as YAML that can be pasted into a configuration file, with where each comes from."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import groupby

import yaml

from receiver.topology.edge import Judged

PLAIN = re.compile(r"[A-Za-z0-9][-A-Za-z0-9_./]*")


def fragment(label: str, judged: Sequence[Judged], about: str) -> str:
    """The whole of `topology:`, sorted; what is declared stays, seen or not."""
    lines = [f"# {about}", "topology:", f"  label: {written(label)}", "  edges:" if judged else "  edges: {}"]
    rows: list[tuple[str, str]] = []
    for caller, edges in groupby(judged, key=lambda one: one.caller):
        rows.append((f"    {written(caller)}:", ""))
        rows += [(f"      - {written(edge.dependency)}", said(edge)) for edge in edges]
    width = min(max((len(text) for text, _ in rows), default=0), 60)
    lines += [f"{text.ljust(width)}  # {comment}" if comment else text for text, comment in rows]
    return "\n".join(lines) + "\n"


def said(edge: Judged) -> str:
    """An edge's origin: `new: 12/s, istio_requests_total`."""
    if edge.state == "not seen":
        return "declared, not seen"
    return f"{'new: ' if edge.state == 'new' else ''}{edge.traffic}, {edge.source}"


def written(name: str) -> str:
    """A text as it may stand anywhere in YAML."""
    plain = PLAIN.fullmatch(name) and yaml.safe_load(name) == name
    return name if plain else json.dumps(name, ensure_ascii=False)
