"""Imported packs as YAML: comments in their places, and a head that tells whether the file was edited since."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from generator import yamltext
from generator.importing.imported import Imported
from generator.importing.remarks import Remarks
from tocsin.yamlcomments import BREAK

HEADER = "# Imported by tocsin rules import"
HEAD = re.compile(rf"{HEADER} from (?P<source>[^\n]*) \((?P<sum>[0-9a-f]{{16}})\)[^\n]*\n")


def text(imported: Imported, said: Remarks, name: str, file: str) -> str:
    """The pack under that name, with its comments; the same bytes for the same source."""
    body = "\n".join(_lines(imported, said, name)) + "\n"
    return f"{HEADER} from {file} ({_sum(body)}); yours once it is edited: no import writes over it then.\n{body}"


def is_untouched(content: str) -> bool:
    """Whether the text of a file is as an import wrote it."""
    head = HEAD.match(content)
    return head is not None and head["sum"] == _sum(content[head.end() :])


def source(content: str) -> str | None:
    """The file that the text was imported from; None where it was not."""
    head = HEAD.match(content)
    return head["source"] if head else None


def _sum(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:16]


def _lines(imported: Imported, said: Remarks, name: str) -> Iterator[str]:
    yield from _comments(said.above.get((), ()), "")
    head: dict[str, Any] = {
        "apiVersion": "tocsin/v1alpha1",
        "kind": "RulePack",
        "metadata": {"name": name, **imported.metadata},
    }
    if imported.params:
        head["params"] = imported.params
    yield from _dumped(head)
    yield "groups:" if imported.groups else "groups: []"
    for index, group in enumerate(imported.groups):
        yield from _group(group, ("groups", index), said)
    yield from _comments(said.below.get((), ()), "")


def _group(group: Mapping[str, Any], path: tuple[str, int], said: Remarks) -> Iterator[str]:
    rules: Sequence[Mapping[str, Any]] = group.get("rules", ())
    yield from _comments(said.above.get(path, ()), "  ")
    yield from _item({key: value for key, value in group.items() if key != "rules"}, "  ")
    yield "    rules:" if rules else "    rules: []"
    for index, rule in enumerate(rules):
        place = (*path, "rules", index)
        yield from _comments(said.above.get(place, ()), "      ")
        yield from _item(rule, "      ")
        yield from _comments(said.below.get(place, ()), "      ")
    yield from _comments(said.below.get(path, ()), "  ")


def _item(item: Mapping[str, Any], indent: str) -> Iterator[str]:
    first, *rest = _dumped(item)
    yield f"{indent}- {first}"
    yield from (f"{indent}  {line}" if line else "" for line in rest)


def _dumped(tree: Mapping[str, Any]) -> list[str]:
    return yamltext.dump(tree).removesuffix("\n").split("\n")


def _comments(texts: Sequence[str], indent: str) -> Iterator[str]:
    for text in texts:
        yield from (f"{indent}#{line}".rstrip() for line in BREAK.split(text))
