"""Packs that extend packs: the groups and parameters of another, changed, and one's own behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from generator.changes import Change, apply
from generator.layers import Draft, draft
from generator.load import Source
from tocsin.problem import Problem
from tocsin.yamltree import Document, YamlPath

# What is laid over one another, and of what kind it must be.
PARTS: Mapping[str, type] = {"params": dict, "tiers": dict, "groups": list, "rules": dict}


def extend(sources: Sequence[Source]) -> tuple[list[Source], list[Problem]]:
    """The packs with all that they extend put in; one that cannot be is left out, with a problem."""
    work = _Extending({source.pack: source for source in reversed(sources)})
    done = [(source, work.whole(source, ())) for source in sources]
    return [replace(source, document=document) for source, document in done if document], work.problems


def extended(data: Mapping[str, Any]) -> list[str]:
    """The names under `extends`."""
    names = data.get("extends")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


@dataclass(slots=True)
class _Extending:
    """One pass over the packs; each is put together once."""

    packs: Mapping[str, Source]
    done: dict[int, Document | None] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def whole(self, source: Source, below: tuple[str, ...]) -> Document | None:
        key = id(source.document)
        if key not in self.done:
            names = extended(source.document.data)
            self.done[key] = self._whole(source, names, (*below, source.pack)) if names else source.document
        return self.done[key]

    def _whole(self, source: Source, names: Sequence[str], below: tuple[str, ...]) -> Document | None:
        own = source.document
        bases: list[Document] = []
        for index, name in enumerate(names):
            base = self.packs.get(name)
            if base is None:
                self.problems.append(_unknown(own, ("extends", index), name, list(self.packs)))
            elif name in below:
                self.problems.append(_circle(own, ("extends", index), (*below[below.index(name) :], name)))
            else:
                document = self.whole(base, below)
                if document is not None:
                    bases.append(document)
        if len(bases) < len(names):
            return None
        made = self._over(own, bases)
        if isinstance(made.data["groups"], list):
            self.problems += apply(Change(own, (), qualified=False), {source.pack: made})
            _add_groups(made, own.data.get("groups", []), own)
        return made.document()

    def _over(self, own: Document, bases: Sequence[Document]) -> Draft:
        """The document's head, with the parameters and groups of the bases."""
        head = {key: value for key, value in own.data.items() if key not in ("extends", "rules", "params", "groups")}
        made = Draft(own.file, {**head, "params": {}, "groups": []}, dict(own.marks), dict(own.key_marks))
        for mark in [path for path in made.marks if path[:1] == ("groups",) and len(path) > 1]:
            del made.marks[mark]
            made.key_marks.pop(mark, None)
        for document in (*bases, own):
            odd = [key for key, kind in PARTS.items() if not isinstance(document.data.get(key, kind()), kind)]
            for key in odd:  # is told where the pack is looked at as a whole
                made.put((key,), document.data[key], document, (key,))
            if odd:
                return made
        for base in bases:
            copy = draft(base)
            for name, param in copy.data.get("params", {}).items():
                made.put(("params", name), param, base, ("params", name))
            for tier, changes in copy.data.get("tiers", {}).items():
                if tier not in made.data.setdefault("tiers", {}):
                    made.put(("tiers", tier), changes, base, ("tiers", tier))
            _add_groups(made, copy.data.get("groups", []), base)
        # A parameter of one's own is declared, not changed.
        for name, param in own.data.get("params", {}).items():
            if name not in made.data["params"] and isinstance(param, dict):
                made.put(("params", name), dict(param), own, ("params", name))
        return made


def _add_groups(made: Draft, groups: Sequence[Any], source: Document) -> None:
    """The groups behind those that are there; one of the same name continues it."""
    present = made.data["groups"]
    for index, group in enumerate(groups):
        origin: YamlPath = ("groups", index)
        same = next((i for i, one in enumerate(present) if _same_name(one, group)), None)
        if same is None:
            present.append(None)
            made.put(("groups", len(present) - 1), group, source, origin)
            continue
        facts = {key: value for key, value in group.items() if key not in ("name", "rules")}
        made.merge(("groups", same), facts, source, origin)
        if not isinstance(present[same].get("rules"), list):
            continue  # is told where it stands
        if not isinstance(group.get("rules"), list):
            made.put(("groups", same, "rules"), group.get("rules"), source, (*origin, "rules"))
            continue
        for place, item in enumerate(group["rules"]):
            present[same]["rules"].append(None)
            path = ("groups", same, "rules", len(present[same]["rules"]) - 1)
            made.put(path, item, source, (*origin, "rules", place))


def _same_name(one: Any, other: Any) -> bool:
    return isinstance(one, dict) and isinstance(other, dict) and one.get("name") == other.get("name")


def _unknown(document: Document, path: YamlPath, name: str, known: Sequence[str]) -> Problem:
    return Problem("unknown-pack", f"there is no pack {name!r}", document.at(*path), nearest(name, known))


def nearest(name: str, known: Sequence[str]) -> str:
    """The way out where a pack does not exist."""
    near = get_close_matches(name, known, n=1)
    there = f"there are: {', '.join(sorted(known))}"
    return f"did you mean {near[0]!r}? {there}" if near else f"name the folder that holds it too; {there}"


def _circle(document: Document, path: YamlPath, cycle: Sequence[str]) -> Problem:
    message = f"packs extend one another in a circle: {' → '.join(cycle)}"
    return Problem("circular-extension", message, document.at(*path), "remove one of these from its pack's 'extends'")
