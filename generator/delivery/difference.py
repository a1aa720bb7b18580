"""What differs between two sets of rules, rule by rule, as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from generator.rule import Rule

Kind = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is otherwise: `expr` (in its normal form), `for`, `labels.severity`, `group`; None is none."""

    field: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class RuleDifference:
    """A rule that came, went or changed. `file` and `group` say where it stands, or stood if it went."""

    kind: Kind
    file: str
    group: str
    rule: Rule
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupDifference:
    """A group that came, went or changed; of its rules the differences tell for themselves.

    `reordered` are pairs of a record and its reader of which now the other one is evaluated first: the reader gets a
    value that is one interval older, or newer, than before.
    """

    kind: Kind
    file: str
    group: str
    changes: tuple[Change, ...] = ()
    reordered: tuple[tuple[Rule, Rule], ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """All of it, in the order of files and groups; false where there is none."""

    groups: tuple[GroupDifference, ...] = ()
    rules: tuple[RuleDifference, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.groups or self.rules)

    def by_place(self) -> Iterator[tuple[tuple[str, str], GroupDifference | None, Sequence[RuleDifference]]]:
        """Each file and group, what is otherwise about the group, and which of its rules differ."""
        groups = {(one.file, one.group): one for one in self.groups}
        rules: dict[tuple[str, str], list[RuleDifference]] = {}
        for rule in self.rules:
            rules.setdefault((rule.file, rule.group), []).append(rule)
        for place in dict.fromkeys((*groups, *rules)):
            yield place, groups.get(place), rules.get(place, ())

    def count(self, kind: Kind) -> int:
        """How many rules came, went or changed."""
        return sum(rule.kind == kind for rule in self.rules)
