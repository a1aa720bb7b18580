"""The third stage: packs whose parameters are put in to compiled rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import ValidationError

from generator.alerts import compile_alert
from generator.lifecycle import State
from generator.reading import Reading
from generator.recordings import once
from generator.resolve import Resolved
from generator.rule import Group, Identity, Origin, Pack, Rule
from generator.schema import GUIDE, GroupHead, Head, Metadata, Record
from generator.slo import compile_slo
from generator.tenants.scope import Scope
from generator.tenants.scoping import scope
from tocsin.problem import Problem
from tocsin.yamltree import YamlPath

# Stands in where the metadata is amiss, so that the rules are still looked at; no pack can be called so.
NAMELESS = Metadata.model_construct(name="")


def expand(packs: Sequence[Resolved]) -> tuple[list[Pack], list[Problem]]:
    """The packs with the rules that could be compiled, and the problems of all others."""
    compiled: list[tuple[Pack, Scope | None]] = []
    problems: list[Problem] = []
    for pack in packs:
        data = pack.document.data
        reading = Reading(pack.document, pack.unresolved)
        reading.model(Head, data, ())
        metadata = _metadata(data)
        groups = tuple(_groups(data.get("groups"), reading, metadata))
        compiled.append((Pack(metadata.name, groups, pack.source, Origin(pack.document, ())), pack.scope))
        problems += reading.problems
    done, unfit = scope(compiled)
    return done, [*problems, *unfit]


def _metadata(data: dict[str, Any]) -> Metadata:
    try:
        return Metadata.model_validate(data.get("metadata"))
    except ValidationError:
        return NAMELESS  # the problems of the head say what is amiss


def _groups(groups: Any, reading: Reading, pack: Metadata) -> Iterable[Group]:
    names: set[str] = set()
    records: dict[Identity, Rule] = {}
    for index, data in enumerate(groups if isinstance(groups, list) else ()):
        path: YamlPath = ("groups", index)
        if reading.mapping(data, path, "a group") is None:
            continue
        head = reading.model(GroupHead, data, path)
        items = _rules(data.get("rules"), (*path, "rules"), reading, pack)
        rules = tuple(rule for item in items for rule in once(item, records, reading))
        name = head.name if head else str(data.get("name"))
        if name in names:
            at = reading.document.at(*path, "name")
            hint = "name it otherwise, or move its rules to the first"
            reading.note(Problem("duplicate-group", f"there are two groups {name!r}", at, hint))
        names.add(name)
        origin = Origin(reading.document, path)
        if head is None:
            yield Group(name, rules, None, origin=origin)
        else:
            yield Group(name, rules, head.interval, head.query_offset, head.limit, head.labels, origin)


def _rules(items: Any, path: YamlPath, reading: Reading, pack: Metadata) -> Iterable[tuple[Rule, ...]]:
    """What each item becomes: a record is one rule, an alert one and what its template records, an SLO many."""
    for index, item in enumerate(items if isinstance(items, list) else ()):
        yield _item(item, (*path, index), reading, pack)


def _item(item: Any, path: YamlPath, reading: Reading, pack: Metadata) -> tuple[Rule, ...]:
    if reading.mapping(item, path, "a rule") is None:
        return ()
    match [key for key in ("alert", "record", "slo") if key in item]:
        case ["alert"]:
            return compile_alert(item, path, reading, pack)
        case ["record"]:
            return _record(item, path, reading)
        case ["slo"]:
            return compile_slo(item, path, reading, pack)
        case kinds:
            message = "a rule is an alert, a record or an slo: one of them" if kinds else "the rule has no name"
            hint = f"write alert: <name>, record: <name> or slo: <name>; see {GUIDE}"
            reading.note(Problem("rule-kind", message, reading.document.at(*path), hint=hint))
            return ()


def _record(item: dict[str, Any], path: YamlPath, reading: Reading) -> tuple[Rule, ...]:
    record = reading.model(Record, item, path, str(item["record"]))
    if record is None or record.state == State.DISABLED:
        return ()
    origin = Origin(reading.document, path)
    rule = Rule(
        "record", record.record, record.expr, origin, ("expr",), record.labels, annotations={}, state=record.state
    )
    return (rule,)


def same_name(packs: Sequence[Pack]) -> Iterable[Problem]:
    """Packs that would be written to one file."""
    first: dict[str, Pack] = {}
    for pack in packs:
        other = first.setdefault(pack.name, pack)
        if other is not pack and pack.name != NAMELESS.name:
            message = f"the pack {pack.name!r} exists already, in {other.origin.at('metadata', 'name')}"
            hint = "rename one: a pack's name is the name of its rule file"
            yield Problem("duplicate-pack", message, pack.origin.at("metadata", "name"), hint=hint)
