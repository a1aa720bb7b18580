"""YAML that remembers where each value stood: plain data, and beside it the place of every path in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from tocsin.problem import Position, Problem

YamlPath = tuple[str | int, ...]

MAX_BYTES = 16 * 1024 * 1024
MAX_NODES = 1_000_000  # an alias bomb expands without end; no honest file comes near


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: `data` is plain Python, `marks` tells where each value and each key begins."""

    file: str
    data: Any
    marks: Mapping[YamlPath, Position]
    key_marks: Mapping[YamlPath, Position]

    def at(self, *path: str | int) -> Position:
        """The place of the value at the path, or of its nearest parent that is in the file."""
        return self._nearest(self.marks, path)

    def at_key(self, *path: str | int) -> Position:
        """The place of the key that ends the path (of the value where there is no such key)."""
        return self.key_marks.get(path) or self.at(*path)

    def _nearest(self, marks: Mapping[YamlPath, Position], path: YamlPath) -> Position:
        while path and path not in marks:
            path = path[:-1]
        return marks.get(path, Position(self.file, 1, 1))


def read(file: Path) -> tuple[list[Document], list[Problem]]:
    """All documents of a file, and what is wrong with its YAML (duplicate keys included)."""
    name = str(file)
    try:
        if file.stat().st_size > MAX_BYTES:
            return [], [_unreadable(name, f"is larger than {MAX_BYTES // 2**20} MiB", "split the file")]
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        return [], [_unreadable(name, message, "check the path and its permissions")]
    except UnicodeDecodeError as error:
        message = f"is not UTF-8: {error.reason} at byte {error.start}"
        return [], [_unreadable(name, message, "save it as UTF-8")]
    return parse(text, name)


def parse(text: str, file: str) -> tuple[list[Document], list[Problem]]:
    """The documents of a text; see `read`."""
    documents: list[Document] = []
    problems: list[Problem] = []
    loader = yaml.CSafeLoader(text)
    try:
        while loader.check_node():
            walk = _Walk(loader, file)
            node = loader.get_node()
            assert node is not None, "check_node said that there is one"
            documents.append(Document(file, walk.value(node, ()), walk.marks, walk.key_marks))
            problems += walk.problems
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Position(file, mark.line + 1, mark.column + 1) if mark else Position(file)
        message = ", ".join(part for part in (error.problem, error.context) if part)
        problems.append(Problem("yaml", f"not valid YAML: {message}", place, hint=_hint(message)))
    except yaml.YAMLError as error:  # the reader's own: a control character, say
        message = f"not valid YAML: {error}"
        problems.append(Problem("yaml", message, Position(file), hint="remove the character"))
    except (_TooMuchError, RecursionError):
        message = f"nests too deep or expands to over {MAX_NODES:,} values"
        problems.append(_unreadable(file, message, "unfold aliases"))
    finally:
        loader.dispose()
    return documents, problems


def _hint(message: str) -> str:
    if "tab" in message or "cannot start any token" in message:
        return "indent with spaces; quote a value that begins with %, @ or `"
    return "check indentation and quotes here and on the line above; quote values that contain ': ' or ' #'"


def _unreadable(file: str, message: str, hint: str) -> Problem:
    return Problem("read", message, Position(file), hint=hint)


class _TooMuchError(Exception):
    """More values than MAX_NODES."""


class _Walk:
    """Turns one node tree into plain data and notes where everything stood."""

    def __init__(self, loader: yaml.CSafeLoader, file: str) -> None:
        self._loader = loader
        self._file = file
        self._count = 0
        self._seen: set[int] = set()
        self.marks: dict[YamlPath, Position] = {}
        self.key_marks: dict[YamlPath, Position] = {}
        self.problems: list[Problem] = []

    def value(self, node: Node, path: YamlPath) -> Any:
        self._count += 1
        if self._count > MAX_NODES:
            raise _TooMuchError
        self.marks[path] = self._position(node)
        if isinstance(node, MappingNode):
            return dict(self._items(node, path))
        if isinstance(node, SequenceNode):
            return [self.value(child, (*path, index)) for index, child in enumerate(node.value)]
        return self._scalar(node)

    def _items(self, node: MappingNode, path: YamlPath) -> Iterator[tuple[str, Any]]:
        if id(node) not in self._seen:  # an alias leads here again, by then with merged keys beside its own
            self._seen.add(id(node))
            self._note_duplicates(node)
        self._loader.flatten_mapping(node)  # merge keys (<<): merged ones first, so that a key of one's own wins
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self._problem("yaml", "a key must be a plain word", key_node, "write the key as text")
                continue
            key = str(key_node.value)
            self.key_marks[(*path, key)] = self._position(key_node)
            yield key, self.value(value_node, (*path, key))

    def _note_duplicates(self, node: MappingNode) -> None:
        own: set[str] = set()
        for key_node, _ in node.value:
            if isinstance(key_node, ScalarNode):
                if key_node.value in own:
                    message = f"the key {key_node.value!r} stands twice"
                    self._problem("duplicate-key", message, key_node, "keep one of the two")
                own.add(key_node.value)

    def _scalar(self, node: Node) -> Any:
        try:
            return self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            detail = getattr(error, "problem", None) or str(error)
            self._problem("yaml", f"cannot be read: {detail}", node, "quote the value to make it text")
            return None

    def _position(self, node: Node) -> Position:
        return Position(self._file, node.start_mark.line + 1, node.start_mark.column + 1)

    def _problem(self, check: str, message: str, node: Node, hint: str) -> None:
        self.problems.append(Problem(check, message, self._position(node), hint=hint))
