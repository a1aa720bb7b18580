"""Where the comments of a document belong among the items that were made of it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from generator.emit import HEADER
from generator.importing.imported import Imported
from tocsin.problem import Position
from tocsin.yamlcomments import Comment
from tocsin.yamltree import Document, YamlPath

Lines = dict[YamlPath, list[str]]


@dataclass(frozen=True, slots=True)
class Remarks:
    """Lines by the item of a pack above or below which they are to stand; `()` is the whole pack."""

    above: Lines = field(default_factory=dict)
    below: Lines = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Item:
    """An item of one of the packs: where its text begins, and what is said about it."""

    path: YamlPath
    begins: Position
    said: Remarks


def remarks(document: Document, packs: Sequence[Imported]) -> list[Remarks]:
    """The comments of a document for each of the packs made of it: each where the item stands that it is about.

    One alone on its lines is about what follows, one behind a value about that. Where an item follows, one that is
    indented as deep as the text of items belongs to the one before it. What a header of ours says is no comment.
    """
    found = [Remarks({(): list(pack.remarks)}) for pack in packs]
    written = [comment for comment in document.written().comments if not f"#{comment.text}".startswith(HEADER)]
    if written and packs:
        placing = _Placing(document, packs, found)
        for comment in written:
            item, follows = placing.place(comment)
            (item.said.below if follows else item.said.above).setdefault(item.path, []).append(comment.text)
    for pack, said in zip(packs, found, strict=True):
        for path, lines in pack.comments.items():
            said.above.setdefault(path, []).extend(lines)
    return found


class _Placing:
    """The keys of a document in order, and the items of all its packs by where they came from."""

    def __init__(self, document: Document, packs: Sequence[Imported], found: Sequence[Remarks]) -> None:
        self._items: dict[YamlPath, _Item] = {}
        for pack, said in zip(packs, found, strict=True):
            for path, source in pack.origins.items():
                origin = source if path else _object(source)
                self._items.setdefault(origin, _Item(path, document.at(*origin), said))
        self._first = _Item((), document.at(), found[0])  # has what is outside of all
        keys: dict[tuple[int, int], YamlPath] = {}
        for path, place in document.key_marks.items():  # in order, but for aliases, which lead to what was before
            keys.setdefault((place.line, place.column), path)
        self._lines, self._paths = list(keys), list(keys.values())

    def place(self, comment: Comment) -> tuple[_Item, bool]:
        """The item, and whether the comment follows it."""
        after = bisect_left(self._lines, (comment.line, comment.column))
        last = self._innermost(self._paths[after - 1]) if after else self._first
        if not comment.alone:
            return last, False
        if after == len(self._paths):
            return last, bool(last.path)
        item = self._innermost(self._paths[after])
        is_next = bool(item.path) and item.begins.line == self._lines[after][0]
        if is_next and last.said is item.said and len(last.path) >= len(item.path):
            return (last, True) if comment.column >= item.begins.column else (item, False)
        return item, False

    def _innermost(self, path: YamlPath) -> _Item:
        """The item that it lies in."""
        found = (self._items.get(path[:end]) for end in range(len(path), -1, -1))
        return next((item for item in found if item), self._first)


def _object(path: YamlPath) -> YamlPath:
    """What a pack was made of, with all that is said of it beside its rules: an item of a List, or the document."""
    return path[: max((end + 1 for end, step in enumerate(path) if isinstance(step, int)), default=0)]
