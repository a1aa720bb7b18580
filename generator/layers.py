"""Documents laid over one another: what a pack, a tier or a tenant says anew, each value with its own place.

The result is a document like any other: a value that came from the tenant's file is told there when it is amiss.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, cast

from tocsin.problem import Position
from tocsin.yamltree import Document, YamlPath

RULE_KINDS = ("alert", "record", "slo")


@dataclass(frozen=True, slots=True)
class Draft:
    """A document that may be written to; the one it was made of stays as it is."""

    file: str
    data: dict[str, Any]
    marks: MutableMapping[YamlPath, Position]
    key_marks: MutableMapping[YamlPath, Position]

    def document(self) -> Document:
        return Document(self.file, self.data, self.marks, self.key_marks)

    def put(self, path: YamlPath, value: Any, source: Document, origin: YamlPath) -> None:
        """The value at the path, with the places that it has at `origin` of its source."""
        parent: Any = self.data
        for step in path[:-1]:
            parent = parent.setdefault(step, {}) if isinstance(parent, dict) else parent[step]
        parent[path[-1]] = value
        for below in _below(value):
            if (*origin, *below) in source.marks:
                self.marks[*path, *below] = source.marks[*origin, *below]
            if (*origin, *below) in source.key_marks:
                self.key_marks[*path, *below] = source.key_marks[*origin, *below]

    def merge(self, path: YamlPath, change: Mapping[str, Any], source: Document, origin: YamlPath) -> None:
        """The mapping laid over the one at the path: mappings key by key; null removes a key."""
        target: Any = self.data
        for step in path:
            target = target[step]
        for key, value in change.items():
            old = target.get(key)
            if value is None and key in target:
                del target[key]
            elif isinstance(old, dict) and isinstance(value, dict):
                target[key] = dict(old)
                self.merge((*path, key), value, source, (*origin, key))
            else:
                self.put((*path, key), value, source, (*origin, key))


def draft(document: Document) -> Draft:
    """A draft of the document whose rules and parameters can be changed without touching the original."""
    data = dict(document.data)
    if isinstance(data.get("params"), dict):
        data["params"] = {name: _copied(param) for name, param in data["params"].items()}
    if isinstance(data.get("groups"), list):
        data["groups"] = [_group(group) for group in data["groups"]]
    return Draft(document.file, data, _over(document.marks), _over(document.key_marks))


def rules(data: Mapping[str, Any]) -> Iterator[tuple[YamlPath, str, dict[str, Any]]]:
    """Each rule of a pack that has a name: its path, its name, itself."""
    groups = data.get("groups")
    for index, group in enumerate(groups if isinstance(groups, list) else ()):
        items = group.get("rules") if isinstance(group, dict) else None
        for place, item in enumerate(items if isinstance(items, list) else ()):
            if isinstance(item, dict):
                kind = next((kind for kind in RULE_KINDS if isinstance(item.get(kind), str)), None)
                if kind:
                    yield ("groups", index, "rules", place), item[kind], item


def _group(group: Any) -> Any:
    if not isinstance(group, dict) or not isinstance(group.get("rules"), list):
        return group
    return {**group, "rules": [_copied(item) for item in group["rules"]]}


def _copied(value: Any) -> Any:
    return dict(value) if isinstance(value, dict) else value


def _over(marks: Mapping[YamlPath, Position]) -> MutableMapping[YamlPath, Position]:
    """New marks over those; a ChainMap writes to its first mapping alone."""
    return ChainMap({}, cast("MutableMapping[YamlPath, Position]", marks))


def _below(value: Any, path: YamlPath = ()) -> Iterator[YamlPath]:
    yield path
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _below(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _below(child, (*path, index))
