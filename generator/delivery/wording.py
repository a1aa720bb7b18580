"""A difference as people read it: a line a rule, and below it only what is otherwise."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO, get_args

from generator.delivery.difference import Change, Difference, GroupDifference, Kind, RuleDifference
from generator.delivery.words import parts
from generator.rule import Rule
from tocsin import duration

SIGNS = {"added": "+", "removed": "-", "changed": "~"}
COLOURS = {"+": "\x1b[32m", "-": "\x1b[31m", "~": "\x1b[33m"}
PLAIN = "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Style:
    """How it is drawn: with colours, or with `[-…-]` and `{+…+}` around words, as git's word diff has it."""

    colours: bool = False

    @classmethod
    def of(cls, stream: TextIO) -> Style:
        """Colours on a terminal alone, and not where NO_COLOR says so (https://no-color.org)."""
        return cls(colours=stream.isatty() and not os.environ.get("NO_COLOR"))

    def sign(self, sign: str, text: str) -> str:
        return f"{COLOURS[sign]}{sign} {text}{PLAIN}" if self.colours else f"{sign} {text}"

    def word(self, sign: str, text: str) -> str:
        if self.colours and sign in COLOURS:
            return f"{COLOURS[sign]}{text}{PLAIN}"
        return {"-": f"[-{text}-]", "+": f"{{+{text}+}}", "…": "…"}.get(sign, text)


def as_text(difference: Difference, style: Style = Style(), indent: str = "") -> str:
    """Nothing where nothing differs."""
    lines: list[str] = []
    for place, group, rules in difference.by_place():
        lines.append(_title(place, group, style))
        lines += [f"  {line}" for line in _group(group, style)]
        lines += [f"  {line}" for rule in rules for line in _rule(rule, style)]
    return "\n".join(indent + line for line in lines)


def summary(difference: Difference) -> str:
    """`2 rules added, 1 changed`, or what else differs."""
    counted = {kind: difference.count(kind) for kind in get_args(Kind)}
    told = [f"{count:,} {kind}" for kind, count in counted.items() if count]
    if told:
        first = next(count for count in counted.values() if count)
        told[0] = told[0].replace(" ", " rule " if first == 1 else " rules ", 1)
    groups = sum(one.kind == "changed" for one in difference.groups)
    if groups:
        told.append(f"{groups:,} {'group' if groups == 1 else 'groups'} otherwise")
    if not told and difference.groups:
        told.append(f"{len(difference.groups):,} empty groups")
    return ", ".join(told) or "the same rules"


def _title(place: tuple[str, str], group: GroupDifference | None, style: Style) -> str:
    name = f"{place[0]} · {place[1]}" if place[0] else place[1]
    if group is not None and group.kind != "changed":
        return style.sign(SIGNS[group.kind], f"{name} (group {group.kind})")
    return name


def _group(group: GroupDifference | None, style: Style) -> Iterator[str]:
    if group is None:
        return
    for change in group.changes:
        yield f"~ {_change(change, style)}"
    for record, reader in group.reordered:
        yield style.sign("~", f"{reader.name} and the record {record.name} that it reads changed places")


def _rule(found: RuleDifference, style: Style) -> Iterator[str]:
    yield style.sign(SIGNS[found.kind], f"{found.rule.kind} {found.rule.name}")
    if found.kind != "changed":
        yield from (f"    {fact}" for fact in facts(found.rule))
        return
    for change in found.changes:
        yield f"    {_change(change, style)}"


def facts(rule: Rule) -> Iterator[str]:
    """What a rule is, where there is nothing to compare it with."""
    yield f"expr: {' '.join(rule.expr.text.split())}"
    for field, length in (("for", rule.hold), ("keep_firing_for", rule.keep_firing_for)):
        if length:
            yield f"{field}: {duration.show(length)}"
    if rule.labels:
        yield f"labels: {', '.join(f'{name}={value}' for name, value in rule.labels.items())}"


def _change(change: Change, style: Style) -> str:
    if change.old is None or change.new is None:
        sign, value = ("+", change.new) if change.old is None else ("-", change.old)
        return f"{change.field}: {style.word(sign, line(value or ''))}"
    texts = (line(change.old), line(change.new))
    if change.field == "expr" or change.field.startswith("annotations."):
        return f"{change.field}: {''.join(style.word(*part) for part in parts(*texts))}"
    return f"{change.field}: {style.word('-', texts[0])} → {style.word('+', texts[1])}"


def line(text: str) -> str:
    """A text on one line, with nothing in it that would steer a terminal."""
    return "".join(char if char.isprintable() else {"\n": "⏎"}.get(char, "�") for char in text)
