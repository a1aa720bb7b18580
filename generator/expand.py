"""The third stage: packs whose parameters are put in to compiled rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from generator.alerts import compile_alert
from generator.lifecycle import State
from generator.reading import Reading
from generator.recordings import once
from generator.resolve import Resolved
from generator.rule import Group, Identity, Origin, Pack, Rule
from generator.schema import GUIDE, GroupHead, Head, Metadata, Record
from generator.slo import Naming, compile_slo
from generator.tenants.scope import Scope
from generator.tenants.scoping import scope
from tocsin.problem import Problem
from tocsin.yamltree import YamlPath

# Stands in where the metadata is amiss, so that the rules are still looked at; no pack can be called so.
NAMELESS = Metadata.model_construct(name="")


def expand(packs: Sequence[Resolved], naming: Naming = Naming.TOCSIN) -> tuple[list[Pack], list[Problem]]:
    """The packs with the rules that could be compiled, and the problems of all others.

    `naming` is that of SLOs in packs that do not say it themselves.
    """
    compiled: list[tuple[Pack, Scope | None]] = []
    problems: list[Problem] = []
    for pack in packs:
        data = pack.document.data
        reading = Reading(pack.document, pack.unresolved)
        reading.model(Head, data, ())
        metadata = _metadata(data)
        called = Naming(metadata.slo_naming) if metadata.slo_naming else naming
        groups = tuple(_groups(data.get("groups"), reading, metadata, called))
        origin = Origin(pack.document, ())
        compiled.append((Pack(metadata.name, groups, pack.source, origin, verbatim=metadata.verbatim), pack.scope))
        problems += reading.problems
    done, unfit = scope(compiled)
    return done, [*problems, *unfit]


def _metadata(data: dict[str, Any]) -> Metadata:
    try:
        return Metadata.model_validate(data.get("metadata"))
    except ValidationError:
        return NAMELESS  # the problems of the head say what is amiss


def _groups(groups: Any, reading: Reading, pack: Metadata, naming: Naming) -> Iterable[Group]:
    names: set[str] = set()
    records: dict[Identity, Rule] = {}
    for index, data in enumerate(groups if isinstance(groups, list) else ()):
        path: YamlPath = ("groups", index)
        if reading.mapping(data, path, "a group") is None:
            continue
        head = reading.model(GroupHead, data, path)
        items = _rules(data.get("rules"), (*path, "rules"), reading, pack, naming)
        rules = tuple(rule for item in items for rule in once(item, records, reading))
        name = head.name if head else str(data.get("name"))
        origin = Origin(reading.document, path)
        if head is None:
            group = Group(name, rules, None, origin=origin)
        else:
            group = Group(name, rules, head.interval, head.query_offset, head.limit, head.labels, origin)
        for part in _parts(group):
            if part.name in names:
                at = origin.at("name") if part.name == name else part.rules[0].at_name()
                hint = "name it otherwise, or move its rules to the first"
                reading.note(Problem("duplicate-group", f"there are two groups {part.name!r}", at, hint))
            names.add(part.name)
            yield part


def _parts(group: Group) -> Iterator[Group]:
    """The group, unless all of its rules ask for others, and those that they ask for behind it."""
    asked: dict[str, list[Rule]] = {} if group.rules else {group.name: []}
    for rule in sorted(group.rules, key=lambda rule: bool(rule.group)):
        asked.setdefault(rule.group or group.name, []).append(rule)
    return (replace(group, name=name, rules=tuple(rules)) for name, rules in asked.items())


def _rules(items: Any, path: YamlPath, reading: Reading, pack: Metadata, naming: Naming) -> Iterable[tuple[Rule, ...]]:
    """What each item becomes: a record is one rule, an alert one and what its template records, an SLO many."""
    for index, item in enumerate(items if isinstance(items, list) else ()):
        yield _item(item, (*path, index), reading, pack, naming)


def _item(item: Any, path: YamlPath, reading: Reading, pack: Metadata, naming: Naming) -> tuple[Rule, ...]:
    if reading.mapping(item, path, "a rule") is None:
        return ()
    match [key for key in ("alert", "record", "slo") if key in item]:
        case ["alert"]:
            return compile_alert(item, path, reading, pack)
        case ["record"]:
            return _record(item, path, reading)
        case ["slo"]:
            return compile_slo(item, path, reading, pack, naming)
        case kinds:
            message = "a rule is an alert, a record or an slo: one of them" if kinds else "the rule has no name"
            hint = f"write alert: <name>, record: <name> or slo: <name>; see {GUIDE}"
            reading.note(Problem("rule-kind", message, reading.document.at(*path), hint=hint))
            return ()


def _record(item: dict[str, Any], path: YamlPath, reading: Reading) -> tuple[Rule, ...]:
    record = reading.model(Record, item, path, str(item["record"]))
    if record is None or record.state == State.DISABLED:
        return ()
    if record.tests:
        from generator.proof.given import look  # few records have tests, and a build wants nothing of them

        look(record.tests, "record", path, reading, record.record)
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
