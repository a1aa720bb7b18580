"""The second stage: parameters put in, wherever a text of `groups` says `$(name)`.

A value that is exactly one parameter keeps the parameter's type. `$$(name)` is a plain `$(name)`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from generator.load import Source
from generator.tenants.scope import Scope
from tocsin import promql
from tocsin.problem import Position, Problem
from tocsin.yamltree import Document, YamlPath

REFERENCE = re.compile(r"(\$?)\$\(([A-Za-z_][A-Za-z0-9_]*)\)")

ParamValue = int | float | bool | str


@dataclass(frozen=True, slots=True)
class Resolved:
    """A rulepack with its parameters put in; `unresolved` are the values for which there was none."""

    document: Document
    source: str
    unresolved: frozenset[Position]
    scope: Scope | None = None


def resolve(sources: Sequence[Source]) -> tuple[list[Resolved], list[Problem]]:
    """The packs with their parameters put in, and each reference or parameter that is amiss."""
    resolved: list[Resolved] = []
    problems: list[Problem] = []
    for source in sources:
        one, found = _filled(source)
        resolved.append(one)
        problems += found
    return resolved, problems


def _filled(source: Source) -> tuple[Resolved, list[Problem]]:
    document = source.document
    declared = _declared(document.data)
    filling = _Filling(document, declared)
    parts = document.data.items()
    data = {key: filling.value(part, (key,)) if key == "groups" else part for key, part in parts}
    filled = replace(document, data=data)
    problems = filling.problems
    if source.scope is None:
        # What only a disabled rule or a pack's extension leaves unused is no mistake.
        unused = (name for name in declared if name not in filling.used)
        own = (name for name in unused if document.at_key("params", name).file == document.file)
        problems += [_unused(document, name) for name in own]
    return Resolved(filled, source.name, frozenset(filling.unresolved), source.scope), problems


def _declared(data: Mapping[str, Any]) -> dict[str, ParamValue | None]:
    """Each parameter's default; None where it has none that could be used (`expand` says so)."""
    params = data.get("params")
    if not isinstance(params, dict):
        return {}
    defaults = {name: param.get("default") if isinstance(param, dict) else None for name, param in params.items()}
    return {name: value if isinstance(value, ParamValue) else None for name, value in defaults.items()}


def _unused(document: Document, name: str) -> Problem:
    message = f"the parameter {name!r} is not used"
    hint = f"write $({name}) where it belongs, or remove it"
    return Problem("unused-parameter", message, document.at_key("params", name), hint=hint, severity="warning")


@dataclass(slots=True)
class _Filling:
    """One walk over a document's groups; notes what it met."""

    document: Document
    params: Mapping[str, ParamValue | None]
    used: set[str] = field(default_factory=set)
    unresolved: set[Position] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def value(self, value: Any, path: YamlPath) -> Any:
        if isinstance(value, dict):
            return {
                key: self.value(child, (*path, key)) if _can_refer(child) else child for key, child in value.items()
            }
        if isinstance(value, list):
            return [
                self.value(child, (*path, index)) if _can_refer(child) else child for index, child in enumerate(value)
            ]
        return self._text(value, path) if _can_refer(value) else value

    def _text(self, text: str, path: YamlPath) -> ParamValue:
        whole = REFERENCE.fullmatch(text)
        if whole and not whole[1]:
            found = self._param(whole[2], path)
            return text if found is None else found
        return REFERENCE.sub(lambda match: self._part(match, path), text)

    def _part(self, match: re.Match[str], path: YamlPath) -> str:
        if match[1]:
            return match[0][1:]
        value = self._param(match[2], path)
        return match[0] if value is None else as_text(value)

    def _param(self, name: str, path: YamlPath) -> ParamValue | None:
        self.used.add(name)
        value = self.params.get(name)
        if value is None:
            self.unresolved.add(self.document.at(*path))
        if name not in self.params:
            self.problems.append(self._undeclared(name, path))
        return value

    def _undeclared(self, name: str, path: YamlPath) -> Problem:
        near = get_close_matches(name, self.params, n=1)
        declare = f"declare it: params: {{{name}: {{default: …}}}}"
        hint = f"did you mean $({near[0]})?" if near else f"{declare}; write $$({name}) for the plain text"
        message = f"the parameter {name!r} is not declared"
        return Problem("missing-parameter", message, self.document.at(*path), hint=hint)


def _can_refer(value: Any) -> bool:
    return "$(" in value if isinstance(value, str) else isinstance(value, dict | list)


def as_text(value: ParamValue) -> str:
    """A parameter's value within a text."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else promql.number(value)
