"""YAML that remembers where each value stood: plain data, and beside it the place of every path in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, Literal

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from tocsin.problem import Position, Problem
from tocsin.yamlcomments import Comment, comments

YamlPath = tuple[str | int, ...]

TEXT = "tag:yaml.org,2002:str"
DIVIDER = re.compile(r"(?<![^\n\r])---(?=\s|$)")
MAX_BYTES = 16 * 1024 * 1024
MAX_NODES = 1_000_000  # an alias bomb expands without end; no honest file comes near


@dataclass(frozen=True, slots=True)
class Written:
    """What of a document is not in its data: comments, and how scalars stood there that are no texts (`1.10`, `on`)."""

    scalars: Mapping[YamlPath, str] = field(default_factory=dict)
    comments: Sequence[Comment] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: `data` is plain Python, `marks` tells where each value and each key begins.

    Places are looked for when the first is asked for: most files have no problem to be told.
    """

    file: str
    data: Any
    marks: Mapping[YamlPath, Position]
    key_marks: Mapping[YamlPath, Position]
    written: Callable[[], Written] = field(default=Written, compare=False)

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
    text = text.removeprefix("\ufeff")
    loader = _Loader(text)
    places = _Places(text, file)
    try:
        while loader.check_node():
            walk = _Walk(loader, file)
            node = loader.get_node()
            assert node is not None, "check_node said that there is one"
            index = len(documents)
            marks, key_marks = _Marks(places, index, "values"), _Marks(places, index, "keys")
            documents.append(Document(file, walk.value(node), marks, key_marks, partial(places.written, index)))
            problems += walk.problems
            places.count += 1
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
    if "flow" in message:
        return "within { } and [ ] quote values that contain brackets, braces or commas"
    return "check indentation and quotes here and on the line above; quote values that contain ': ' or ' #'"


def _unreadable(file: str, message: str, hint: str) -> Problem:
    return Problem("read", message, Position(file), hint=hint)


class _TooMuchError(Exception):
    """More values than MAX_NODES."""


class _Loader(yaml.CSafeLoader):
    """YAML 1.1 as PyYAML reads it, its slowest part remembered: which plain words are no texts."""

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:
        """Nothing is resolved by path."""

    def ascend_resolver(self) -> None:
        """Nothing is resolved by path."""

    def resolve(self, kind: type[Node], value: str, implicit: tuple[bool, bool]) -> str:
        return _tag(value) if kind is ScalarNode and implicit[0] else TAGS[kind]


TAGS: Mapping[type[Node], str] = {
    ScalarNode: TEXT,
    SequenceNode: "tag:yaml.org,2002:seq",
    MappingNode: "tag:yaml.org,2002:map",
}


@lru_cache(maxsize=10_000)
def _tag(plain: str) -> str:
    """What a scalar without quotes is."""
    resolvers = yaml.CSafeLoader.yaml_implicit_resolvers.get(plain[:1], ())
    return next((str(tag) for tag, pattern in resolvers if pattern.match(plain)), TEXT)


@dataclass(slots=True)
class _Found:
    """The places of one document; `spans` are the offsets of its scalars."""

    values: dict[YamlPath, Position] = field(default_factory=dict)
    keys: dict[YamlPath, Position] = field(default_factory=dict)
    scalars: dict[YamlPath, str] = field(default_factory=dict)
    spans: set[tuple[int, int]] = field(default_factory=set)
    begins: int = 0


class _Places:
    """Where everything stands in the documents of a text that has been read without fault; found when asked for."""

    count = 0  # of the documents that could be read

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._written: dict[int, Written] = {}

    @cached_property
    def found(self) -> Sequence[_Found]:
        """Of each document."""
        documents: list[_Found] = []
        loader = _Loader(self._text)
        try:
            for _ in range(self.count):
                loader.check_node()  # steps over what stands between two documents
                node = loader.get_node()
                if node is not None:
                    documents.append(_Found(begins=node.start_mark.index))
                    self._note(loader, node, (), documents[-1])
        finally:
            loader.dispose()
        return documents

    def written(self, index: int) -> Written:
        """How the document was written."""
        if index not in self._written:
            found = self.found[index]
            first, end = (self._border(number) for number in (index, index + 1))
            self._written[index] = Written(found.scalars, comments(self._text, found.spans, first, end))
        return self._written[index]

    def _border(self, index: int) -> int:
        """Where the document's lines begin: behind the last `---` in front of it."""
        if index == 0:
            return 0
        before = max((stop for _, stop in self.found[index - 1].spans), default=0)
        end = self.found[index].begins if index < len(self.found) else len(self._text)
        ends = [match.end() for match in DIVIDER.finditer(self._text, before, end)]
        return ends[-1] if ends else end

    def _note(self, loader: yaml.CSafeLoader, node: Node, path: YamlPath, found: _Found) -> None:
        found.values[path] = _position(node, self._file)
        if isinstance(node, MappingNode):
            loader.flatten_mapping(node)
            for key_node, value_node in node.value:
                if isinstance(key_node, ScalarNode):
                    here = (*path, str(key_node.value))
                    found.keys[here] = _position(key_node, self._file)
                    found.spans.add(_span(key_node))
                    self._note(loader, value_node, here, found)
        elif isinstance(node, SequenceNode):
            for index, child in enumerate(node.value):
                self._note(loader, child, (*path, index), found)
        elif isinstance(node, ScalarNode):
            found.spans.add(_span(node))
            if node.tag != TEXT:
                found.scalars[path] = node.value


@dataclass(frozen=True, slots=True)
class _Marks(Mapping[YamlPath, Position]):
    """The places of a document's values, or of its keys."""

    places: _Places
    index: int
    kind: Literal["values", "keys"]

    @property
    def found(self) -> Mapping[YamlPath, Position]:
        found = self.places.found[self.index]
        return found.values if self.kind == "values" else found.keys

    def __getitem__(self, path: YamlPath) -> Position:
        return self.found[path]

    def __iter__(self) -> Iterator[YamlPath]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)


def _span(node: Node) -> tuple[int, int]:
    return node.start_mark.index, node.end_mark.index


def _position(node: Node, file: str) -> Position:
    return Position(file, node.start_mark.line + 1, node.start_mark.column + 1)


class _Walk:
    """Turns one node tree into plain data."""

    def __init__(self, loader: yaml.CSafeLoader, file: str) -> None:
        self._loader = loader
        self._file = file
        self._count = 0
        self._seen: set[int] = set()
        self.problems: list[Problem] = []

    def value(self, node: Node) -> Any:
        self._count += 1
        if self._count > MAX_NODES:
            raise _TooMuchError
        if isinstance(node, ScalarNode):
            return node.value if node.tag == TEXT else self._scalar(node)
        if isinstance(node, MappingNode):
            return self._mapping(node)
        return [self.value(child) for child in node.value]

    def _mapping(self, node: MappingNode) -> dict[str, Any]:
        if id(node) not in self._seen:  # an alias leads here again, by then with merged keys beside its own
            self._seen.add(id(node))
            self._note_duplicates(node)
        self._loader.flatten_mapping(node)  # merge keys (<<): merged ones first, so that a key of one's own wins
        items: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self._problem("yaml", "a key must be a plain word", key_node, "write the key as text")
                continue
            key = str(key_node.value)
            items[key] = self.value(value_node)
        return items

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

    def _problem(self, check: str, message: str, node: Node, hint: str) -> None:
        self.problems.append(Problem(check, message, _position(node, self._file), hint=hint))
