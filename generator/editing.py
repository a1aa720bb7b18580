"""A parameter's value changed in somebody's file: nothing but the value moves, comments and order stay.

A value that is there is replaced where it stands, byte for byte; one that is not is put in by ruamel.yaml's round trip.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from generator.arrange import arrange
from generator.changes import kind_of, other_kind
from generator.expand import expand
from generator.load import KIND, Source, load
from generator.resolve import resolve
from tocsin import yamltree
from tocsin.errors import TocsinError, UsageError
from tocsin.files import replacing
from tocsin.problem import Problem, has_errors
from tocsin.yamltree import Document, YamlPath

EXPONENT = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+")  # YAML 1.1 takes 1e9 for a text
BYTE_ORDER_MARK = "\ufeff"
SAFE = re.compile(r"[A-Za-z][-A-Za-z0-9_./]*")


@dataclass(frozen=True, slots=True)
class Edit:
    """What became of it: the value before (None where there was none) and after, or why not."""

    before: Any
    after: Any
    problems: tuple[Problem, ...] = ()


def set_param(file: Path, name: str, value: str, packs: Sequence[Path]) -> Edit:
    """Sets the parameter in the pack or tenant file, if the value is one that it may have.

    Raises:
        UsageError: the file does not exist, cannot be written, or is of another kind.
        TocsinError: ruamel.yaml is needed and missing.
    """
    sources, problems = load([file, *packs])
    own = [source for source in sources if source.document.file == str(file) and source.kind in (KIND, "Tenant")]
    if has_errors(problems):
        return Edit(None, None, tuple(problems))
    if not own:
        raise UsageError(f"{file}: holds no rulepack and no tenant; name a file that does")
    source, path = _place(own, name)
    if path is None:
        return Edit(None, None, (_undeclared(source.document, name),))
    before = _at(source.document.data, path)
    after = _typed(value, before)
    if before is not None and kind_of(before) != kind_of(after):
        return Edit(before, after, (other_kind(name, before, after, source.document.at(*path)),))
    text = file.read_bytes().decode("utf-8")
    changed = (
        _replaced(text, source.document, path, after) if before is not None else _added(text, own, source, path, after)
    )
    unfit = _checked(changed, file, sources)
    if unfit:
        return Edit(before, after, tuple(unfit))
    if changed != text:
        try:
            with replacing(file) as stream:
                stream.write(changed)
        except OSError as error:
            raise UsageError(f"{file}: cannot be written: {error.strerror}; it is as it was") from error
    return Edit(before, after)


def _place(own: Sequence[Source], name: str) -> tuple[Source, YamlPath | None]:
    """The document that the parameter belongs to, and where its value stands or is to stand."""
    for source in own:
        data = source.document.data
        params = data.get("params") if isinstance(data.get("params"), dict) else {}
        bare = name.removeprefix(f"{source.pack}.") if source.kind == KIND else name
        if bare in params:
            return source, ("params", bare, "default") if isinstance(params[bare], dict) else ("params", bare)
        if source.kind == "Tenant" or data.get("extends"):
            return source, ("params", bare)
    return own[0], None


def _undeclared(document: Document, name: str) -> Problem:
    params = document.data.get("params")
    known = list(params) if isinstance(params, dict) else []
    near = get_close_matches(name, known, n=1)
    there = f"the pack has: {', '.join(known) or 'none'}"
    hint = f"did you mean {near[0]!r}? {there}" if near else there
    return Problem("unknown-parameter", f"there is no parameter {name!r}", document.at_key("params"), hint)


def _at(data: Any, path: YamlPath) -> Any:
    for step in path:
        data = data.get(step) if isinstance(data, dict) else None
    return data


def _typed(value: str, before: Any) -> Any:
    """The value as YAML means it; a text where a text was."""
    if isinstance(before, str):
        return value
    try:
        read = yaml.safe_load(value)
    except yaml.YAMLError:
        return value
    if isinstance(read, str):
        return float(value) if EXPONENT.fullmatch(value) else read
    return read if isinstance(read, int | float) else value


def _written(value: Any) -> str:
    """The value as it may stand anywhere in YAML, between braces too."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return json.dumps(value)
    plain = SAFE.fullmatch(value) and yaml.safe_load(value) == value
    return value if plain else json.dumps(value, ensure_ascii=False)


def _replaced(text: str, document: Document, path: YamlPath, value: Any) -> str:
    place = document.at(*path)
    body = text.removeprefix(BYTE_ORDER_MARK)  # libyaml does not count it
    mark = text[: len(text) - len(body)]
    for node in yaml.compose_all(body, Loader=yaml.CSafeLoader):
        found = _node(node, path)
        if found is not None and (found.start_mark.line + 1, found.start_mark.column + 1) == (place.line, place.column):
            return mark + body[: found.start_mark.index] + _written(value) + body[found.end_mark.index :]
    raise UsageError(f"{place}: the value comes from elsewhere (an alias or a merge key); edit it by hand")


def _node(node: Any, path: YamlPath) -> Any:
    for step in path:
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        node = next((value for key, value in pairs if key.value == step), None)
    return node


def _added(text: str, own: Sequence[Source], source: Source, path: YamlPath, value: Any) -> str:
    try:
        from ruamel.yaml import YAML
    except ImportError as error:
        raise TocsinError("ruamel.yaml is not installed; install tocsin[tune] to add a key to a file") from error
    editor = YAML()
    editor.preserve_quotes = True
    editor.width = 10_000
    editor.indent(mapping=2, sequence=4, offset=2)
    documents = list(editor.load_all(text))
    ours = [one for one in documents if isinstance(one, dict) and one.get("kind") in (KIND, "Tenant")]
    document = next(one for one, its in zip(ours, own, strict=True) if its is source)
    if document.get("params") is None:
        document["params"] = {}
    document["params"][path[1]] = value
    stream = io.StringIO()
    editor.dump_all(documents, stream)
    return stream.getvalue()


def _checked(text: str, file: Path, sources: Sequence[Source]) -> list[Problem]:
    """What the change would make wrong: errors that the file as it stands does not have."""
    documents, problems = yamltree.parse(text, str(file))
    fresh = iter(document for document in documents if isinstance(document.data, dict))
    new_sources = [
        replace(source, document=next(fresh)) if source.document.file == str(file) else source for source in sources
    ]
    old = {(problem.check, problem.message) for problem in _errors(sources)}
    new = [*problems, *_errors(new_sources)]
    return [problem for problem in new if (problem.check, problem.message) not in old]


def _errors(sources: Sequence[Source]) -> list[Problem]:
    wanted, unfound = arrange(sources)
    resolved, unresolved = resolve(wanted)
    _, unfit = expand(resolved)
    return [problem for problem in (*unfound, *unresolved, *unfit) if problem.severity == "error"]
