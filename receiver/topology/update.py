"""New edges written into somebody's configuration file: nothing is taken out, comments and order stay."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from receiver.topology.edge import Judged
from tocsin import yamltree
from tocsin.errors import InputError, MissingExtra, TocsinError, UsageError
from tocsin.files import replacing
from tocsin.problem import has_errors


def update(file: Path, judged: Iterable[Judged]) -> list[Judged]:
    """Adds the new edges to `topology.edges` of the file; tells which they were.

    Raises:
        InputError: the file cannot be read, or is no YAML.
        TocsinError: the edges cannot be put in without harm to the rest; the file is as it was.
        MissingExtra: ruamel.yaml is not installed.
    """
    added = [edge for edge in judged if edge.state == "new"]
    if added:
        text = _text(file)
        changed = with_edges(text, added, str(file))
        try:
            with replacing(file) as stream:
                stream.write(changed)
        except OSError as error:
            raise UsageError(f"{file}: cannot be written: {error.strerror}; it is as it was") from error
    return added


def _text(file: Path) -> str:
    _, problems = yamltree.read(file)
    if has_errors(problems):
        raise InputError(problems)
    return file.read_bytes().decode("utf-8")


def with_edges(text: str, added: Sequence[Judged], name: str) -> str:
    """The text with the edges in it; raises as `update` does."""
    try:
        from ruamel.yaml import YAML
        from ruamel.yaml.comments import CommentedMap
        from ruamel.yaml.util import load_yaml_guess_indent
    except ImportError as error:
        raise MissingExtra("ruamel.yaml", "tune") from error
    _, indent, offset = load_yaml_guess_indent(text)
    editor = YAML()
    editor.preserve_quotes = True
    editor.width = 10_000
    editor.indent(mapping=2, sequence=indent or 4, offset=offset if indent else 2)
    data = editor.load(text)
    if data is None:
        data = CommentedMap()
        text = text if text.endswith("\n") or not text else text + "\n"
    try:
        edges = _within(_within(data, "topology"), "edges")
        for edge in added:
            _add(edges, edge)
    except TypeError as error:
        raise TocsinError(f"{name}: topology.edges is no mapping of lists; tocsin config check {name}") from error
    stream = io.StringIO()
    editor.dump(data, stream)
    changed = stream.getvalue() if not _only_comments(text) else text + stream.getvalue()
    _unharmed(text, changed, added, name)
    return changed


def _only_comments(text: str) -> bool:
    documents, _ = yamltree.parse(text, "")
    return not documents or documents[0].data is None


def _within(data: Any, key: str) -> Any:
    from ruamel.yaml.comments import CommentedMap

    if data.get(key) is None:
        data[key] = CommentedMap()
    if not isinstance(data[key], dict):
        raise TypeError
    return data[key]


def _add(edges: Any, edge: Judged) -> None:
    from ruamel.yaml.comments import CommentedSeq

    if not edges.get(edge.caller):
        names = CommentedSeq()
        names.fa.set_flow_style()
        edges[edge.caller] = names
    if not isinstance(edges[edge.caller], list):
        raise TypeError
    edges[edge.caller].append(edge.dependency)


def _unharmed(before: str, after: str, added: Sequence[Judged], name: str) -> None:
    """What was there is there still, and what was to be added, and nothing else; every comment stays.

    Raises:
        TocsinError: it is not so.
    """
    one, other = (_plain(text) for text in (before, after))
    wanted = {} if one is None else one
    topology = dict(wanted.get("topology") or {})
    edges = {caller: list(found or ()) for caller, found in (topology.get("edges") or {}).items()}
    for edge in added:
        edges.setdefault(edge.caller, []).append(edge.dependency)
    wanted = {**wanted, "topology": {**topology, "edges": edges}}
    if other != wanted or before.count("#") > after.count("#"):
        raise TocsinError(
            f"{name}: the edges cannot be put in without changing something else (an alias or a merge key?); "
            "it is as it was: paste them by hand, as printed without --update"
        )


def _plain(text: str) -> Any:
    documents, _ = yamltree.parse(text, "")
    return documents[0].data if documents else None
