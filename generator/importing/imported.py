"""What a reader of somebody else's format makes of a document: packs to be, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from generator.resolve import REFERENCE
from tocsin.yamltree import Document, YamlPath


@dataclass(frozen=True, slots=True)
class Imported:
    """One pack to be.

    `name` is what it would like to be called, any text: what is written makes a pack's name of it, one of its own.
    `within` is what it lies in (a namespace, a service) and stands in front of the name where several have the same.
    `metadata` (beside the name), `params` and `groups` are as a pack has them: mappings, lists, texts, numbers.
    `origins` leads from an item of the pack to the one of `document` that it came from, as paths:
    `("groups", 0, "rules", 2)` to `("slos", 2)`; `()` is the whole of both. The comments there come along with it.
    `comments` are lines that the reader itself has to say above an item; `remarks` are such of the pack's head.
    `left_out` counts the rules that could not be kept; a problem tells why of each.
    """

    name: str
    document: Document
    groups: Sequence[Mapping[str, Any]]
    within: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[YamlPath, YamlPath] = field(default_factory=dict)
    comments: Mapping[YamlPath, Sequence[str]] = field(default_factory=dict)
    remarks: Sequence[str] = ()
    left_out: int = 0


def escaped(value: Any) -> Any:
    """The text, or all texts in mappings and lists, as it must stand below a pack's `groups` to be itself.

    `$(name)` is a parameter there, and `$$(name)` the plain text.
    """
    if isinstance(value, str):
        return REFERENCE.sub(lambda match: "$" + match[0], value) if "$(" in value else value
    if isinstance(value, Mapping):
        return {key: escaped(child) for key, child in value.items()}
    return [escaped(child) for child in value] if isinstance(value, list | tuple) else value
