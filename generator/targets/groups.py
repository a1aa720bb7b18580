"""Groups cut to what a target takes in one group: a set of rules that read one another stays whole if it can."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from generator.rule import Group, Rule
from generator.targets.splitting import pieces, together
from tocsin.problem import Problem


def cut(groups: Sequence[Group], most: int, target: str) -> tuple[list[Group], list[Problem]]:
    """The groups, none with more than `most` rules, and a warning for each whose order could not be kept."""
    done: list[Group] = []
    problems: list[Problem] = []
    for group in groups:
        if len(group.rules) <= most:
            done.append(group)
            continue
        parts = pieces(together(group.rules), _key, lambda sets: sum(map(len, sets)) <= most)
        for part in parts:
            rules = [rule for members in part.items for rule in members]
            if len(rules) > most:
                problems.append(_torn(group, len(rules), most, target))
            done += _chunks(replace(group, name=group.name + part.suffix), rules, most)
    return done, problems


def _key(members: Sequence[Rule]) -> str:
    rule = members[-1]  # the reader, whose name is its own; records may be shared
    return f"{rule.kind} {rule.name} {sorted(rule.labels.items())}"


def _chunks(group: Group, rules: Sequence[Rule], most: int) -> Iterator[Group]:
    """In order, so that the earlier part is what the later one reads."""
    for start in range(0, len(rules), most):
        name = group.name if len(rules) <= most else f"{group.name}-part{start // most + 1}"
        yield replace(group, name=name, rules=tuple(rules[start : start + most]))


def _torn(group: Group, count: int, most: int, target: str) -> Problem:
    assert group.origin is not None
    message = (
        f"{count} rules of the group {group.name!r} read one another, and target {target} takes {most} in a group: "
        "they are cut in order, and what is read may be one interval old"
    )
    hint = f"record less in one chain, or give alerts with 'for' of a few intervals; at most {most} stay together"
    return Problem("target", message, group.origin.at("name"), hint, severity="warning")
