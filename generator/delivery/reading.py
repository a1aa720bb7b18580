"""Rules as a place holds them, read whatever they are: what cannot be understood must still be seen to differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from generator.foreign import groups_of
from generator.rule import Group, Origin, Rule
from tocsin import duration, yamltree
from tocsin.promql import Expression
from tocsin.yamltree import Document, YamlPath

UNREADABLE = "(cannot be read) "


def groups_in(text: str, name: str) -> tuple[Group, ...]:
    """The groups of a rule file, of a resource with a spec, or of a ruler's namespace; none where it is no such."""
    documents, _ = yamltree.parse(text, name)
    return tuple(group for document in documents for group in _groups(document))


def group_of(tree: Mapping[str, Any], name: str) -> Group:
    """One group in the form of a rule file; `name` is the place's word for where it stands."""
    document = Document(name, tree, {}, {})
    return _group(tree, document, ())


def _groups(document: Document) -> Iterator[Group]:
    data = document.data
    bare = isinstance(data, dict) and "groups" in data
    parts = [((), data)] if bare else list(groups_of(document))
    for path, part in parts:
        groups = part.get("groups")
        for index, group in enumerate(groups if isinstance(groups, list) else ()):
            if isinstance(group, dict):
                yield _group(group, document, (*path, "groups", index))


def _group(tree: Mapping[str, Any], document: Document, path: YamlPath) -> Group:
    """A group; one that is none has no rules, so that it equals no other."""
    rules = tree.get("rules")
    items = enumerate(rules if isinstance(rules, list) else ())
    limit = tree.get("limit")
    name, offset, origin = str(tree.get("name", "")), tree.get("query_offset"), Origin(document, path)
    try:
        return Group(
            name=name,
            rules=tuple(_rule(item, Origin(document, (*path, "rules", index))) for index, item in items),
            interval=_duration(tree.get("interval")) or None,
            query_offset=None if offset in (None, "") else _duration(offset),  # 0s is not the server's
            limit=limit if isinstance(limit, int) else 0,
            labels=_texts(tree.get("labels")),
            origin=origin,
        )
    except ValueError:
        return Group(name, (), None, origin=origin)


def _rule(tree: Any, origin: Origin) -> Rule:
    """A rule; one that is none has its whole text for an expression, so that it equals no other."""
    try:
        kind, name = ("alert", tree["alert"]) if tree.get("alert") else ("record", tree["record"])
        return Rule(
            kind="alert" if kind == "alert" else "record",
            name=str(name),
            expr=Expression(str(tree["expr"])),
            origin=origin,
            expr_path=("expr",),
            labels=_texts(tree.get("labels")),
            annotations=_texts(tree.get("annotations")),
            hold=_duration(tree.get("for")),
            keep_firing_for=_duration(tree.get("keep_firing_for")),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return Rule("record", UNREADABLE, Expression(UNREADABLE + repr(tree)[:1000]), origin, (), {}, {})


def _duration(value: Any) -> timedelta:
    """Raises:
    ValueError: it is none.
    """
    return duration.parse(str(value)) if value not in (None, "") else timedelta()


def _texts(tree: Any) -> dict[str, str]:
    return {str(key): _text(value) for key, value in tree.items()} if isinstance(tree, dict) else {}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
