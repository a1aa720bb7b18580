"""Parameters and rules of packs set anew, and a problem for each change of what does not exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from generator import layers
from generator.layers import Draft
from tocsin.problem import Position, Problem
from tocsin.yamltree import Document, YamlPath

# Keys that say which rule it is, not how it is.
IDENTITY = frozenset(layers.RULE_KINDS)
EVERY = "*"  # in the place of a pack's name


@dataclass(frozen=True, slots=True)
class Change:
    """`params` and `rules` at a path of a document. Within a pack names stand alone; elsewhere `pack.name` too.

    Elsewhere `*.name` is the parameter of that name in every pack that has one.
    """

    document: Document
    path: YamlPath
    qualified: bool

    def part(self, key: str) -> Mapping[str, Any]:
        data: Any = self.document.data
        for step in self.path:
            data = data.get(step) if isinstance(data, dict) else None
        part = data.get(key) if isinstance(data, dict) else None
        return part if isinstance(part, dict) else {}


def apply(change: Change, packs: Mapping[str, Draft]) -> list[Problem]:
    """Changes the packs, which are known by their names; what no pack has is a problem with the nearest name."""
    problems: list[Problem] = []
    for name, value in change.part("params").items():
        problems += _param(change, name, value, packs)
    index = _index(packs)
    for name, value in change.part("rules").items():
        problems += _rules(change, name, value, packs, index)
    return problems


def _index(packs: Mapping[str, Draft]) -> dict[str, list[tuple[str, YamlPath]]]:
    """Every rule by its name and by `pack.name`."""
    found: dict[str, list[tuple[str, YamlPath]]] = {}
    for pack, draft in packs.items():
        for path, name, _ in layers.rules(draft.data):
            found.setdefault(name, []).append((pack, path))
            found.setdefault(f"{pack}.{name}", []).append((pack, path))
    return found


def _param(change: Change, name: str, value: Any, packs: Mapping[str, Draft]) -> Iterable[Problem]:
    origin = (*change.path, "params", name)
    known: dict[str, list[tuple[str, str]]] = {}
    for pack, draft in packs.items():
        for param in declared(draft.data):
            for full in (f"{pack}.{param}", f"{EVERY}.{param}") if change.qualified else (param,):
                known.setdefault(full, []).append((pack, param))
    if name not in known:
        listed = [full for full in known if not full.startswith(EVERY)]
        yield _unknown(change, origin, "parameter", name, listed, qualified=change.qualified)
    for pack, param in known.get(name, ()):
        yield from _set(change, origin, value, packs[pack], param)


def _set(change: Change, origin: YamlPath, value: Any, draft: Draft, param: str) -> Iterable[Problem]:
    path: YamlPath = ("params", param)
    if isinstance(value, dict):
        draft.merge(path, value, change.document, origin)
        return
    before = draft.data["params"][param].get("default")
    if before is not None and kind_of(before) != kind_of(value):
        yield other_kind(str(origin[-1]), before, value, change.document.at(*origin))
        return
    draft.put((*path, "default"), value, change.document, origin)


def other_kind(name: str, before: Any, value: Any, at: Position) -> Problem:
    """The problem of a number in the place of a text, and the like."""
    message = f"the parameter {name!r} is {kind_of(before)}, and this is {kind_of(value)}"
    return Problem("param", message, at, f"write {kind_of(before)}; now it is {before!r}")


def declared(pack: Mapping[str, Any]) -> list[str]:
    """The names of a pack's parameters."""
    params = pack.get("params")
    return [name for name, param in params.items() if isinstance(param, dict)] if isinstance(params, dict) else []


def kind_of(value: Any) -> str:
    """What kind of value it is, in words."""
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case _:
            return "neither a number nor a text"


def _rules(
    change: Change,
    name: str,
    value: Any,
    packs: Mapping[str, Draft],
    index: Mapping[str, Sequence[tuple[str, YamlPath]]],
) -> Iterable[Problem]:
    origin = (*change.path, "rules", name)
    if name not in index:
        if slo := _slo_of(name, packs, index):
            message = f"there is no rule {name!r}: it is a tier of the slo {slo!r}"
            hint = f"change the slo: {slo}: {{tiers: {{<tier>: {{for: 5m}}}}}}"
            yield Problem("unknown-rule", message, change.document.at_key(*origin), hint)
            return
        yield _unknown(change, origin, "rule", name, list(index), qualified=False)
        return
    if not isinstance(value, dict):
        hint = f"write what differs: {name}: {{for: 5m}}, or {name}: {{state: disabled}}"
        yield Problem("value", "a change of a rule is a mapping", change.document.at(*origin), hint)
        return
    for key in value:
        if key in IDENTITY:
            hint = "disable this rule, and write another in a pack of your own"
            yield Problem("value", "a change cannot rename a rule", change.document.at_key(*origin, key), hint)
    kept = {key: part for key, part in value.items() if key not in IDENTITY}
    for pack, path in index[name]:
        packs[pack].merge(path, kept, change.document, origin)


def _slo_of(name: str, packs: Mapping[str, Draft], index: Mapping[str, Sequence[tuple[str, YamlPath]]]) -> str | None:
    """The slo whose alert is called so, or would be."""
    slos = (known for known, found in index.items() if name.startswith(known) and _is_slo(packs, *found[0]))
    return max(slos, key=len, default=None)


def _is_slo(packs: Mapping[str, Draft], pack: str, path: YamlPath) -> bool:
    data: Any = packs[pack].data
    for step in path:
        data = data[step]
    return "slo" in data


def _unknown(
    change: Change, origin: YamlPath, what: str, name: str, known: Sequence[str], *, qualified: bool
) -> Problem:
    message = f"there is no {what} {name!r} in {'the chosen packs' if change.qualified else 'the pack'}"
    same = [full for full in known if qualified and full.split(".", 1)[-1] == name]
    near = same or get_close_matches(name, known, n=1)
    listed = ", ".join(sorted(known)[:12]) + (", …" if len(known) > 12 else "")
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {listed}" if known else f"the packs have no {what}s"
    return Problem(f"unknown-{what}", message, change.document.at_key(*origin), hint)
