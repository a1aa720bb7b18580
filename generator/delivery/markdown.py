"""A difference as a comment of a pull request: a heading, and a block of `diff` that code hosts colour."""

from __future__ import annotations

import re
from collections.abc import Iterator

from generator.delivery.difference import Change, Difference, GroupDifference, RuleDifference
from generator.delivery.wording import SIGNS, facts, line, summary

LONGEST = 60_000  # characters; GitHub takes 65,536 in a comment


def as_markdown(difference: Difference, title: str) -> str:
    """The whole comment; what is longer than a comment may be ends with how much was left out."""
    head = f"### {title}\n\n{summary(difference)[:1].upper()}{summary(difference)[1:]}.\n"
    if not difference:
        return head
    lines, left = _fitting(list(_lines(difference)))
    longest = max((len(run) for text in lines for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    more = f"\n… and {left:,} lines more.\n" if left else ""
    return "\n".join([head, f"{fence}diff", *lines, fence, more])


def _fitting(lines: list[str]) -> tuple[list[str], int]:
    size = 0
    for index, text in enumerate(lines):
        size += len(text) + 1
        if size > LONGEST:
            return lines[:index], len(lines) - index
    return lines, 0


def _lines(difference: Difference) -> Iterator[str]:
    for place, group, rules in difference.by_place():
        yield f"@@ {' · '.join(filter(None, place))} @@"
        yield from _group(group)
        for found in rules:
            yield from _rule(found)


def _group(group: GroupDifference | None) -> Iterator[str]:
    if group is None:
        return
    if group.kind != "changed":
        yield f"{SIGNS[group.kind]} group {group.group}"
    for change in group.changes:
        yield from _change(change)
    for record, reader in group.reordered:
        yield f"! {reader.name} and the record {record.name} that it reads changed places"


def _rule(found: RuleDifference) -> Iterator[str]:
    sign = {"changed": "!"}.get(found.kind, SIGNS[found.kind])
    yield f"{sign} {found.rule.kind} {found.rule.name}"
    if found.kind == "changed":
        for change in found.changes:
            yield from _change(change)
    else:
        yield from (f"{sign}   {fact}" for fact in facts(found.rule))


def _change(change: Change) -> Iterator[str]:
    if change.old is not None:
        yield f"-   {change.field}: {line(change.old)}"
    if change.new is not None:
        yield f"+   {change.field}: {line(change.new)}"
