"""Whether what runs, or what a place holds, is still what the packs say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from generator.delivery.compare import Files, compare
from generator.delivery.destination import Held, Piece
from generator.delivery.difference import Difference
from generator.delivery.plan import lacking
from generator.delivery.running import Running, Sick, as_run, stem
from generator.rule import Group

UID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@dataclass(frozen=True, slots=True)
class Drift:
    """How the rules at a place differ from those that were built; `sick` are ours that the server cannot evaluate.

    `unlabelled` are pieces whose rules are right, and which lack labels by which they are selected.
    """

    where: str
    difference: Difference
    sick: tuple[Sick, ...] = ()
    unlabelled: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def in_step(self) -> bool:
        return not self.difference and not self.unlabelled


def of_running(where: str, built: Files, found: Running) -> Drift:
    """The drift of a server. Groups of other people's files are none of it.

    Ours are the files that are called as ours are, alone or as the operator and the rulers call theirs, with every
    group in them; and a group of ours that only stands in a file of another name.
    """
    ours = _ours(built, found.files)
    wanted = {name: _intervals(as_run(groups, found.interval), ours.get(name, ())) for name, groups in built.items()}
    names = {(group.origin.document.file, group.name) for groups in ours.values() for group in groups if group.origin}
    sick = tuple(one for one in found.sick if (one.file, one.group) in names)
    return Drift(where, compare(wanted, ours), sick)


def of_held(where: str, wanted: Sequence[Piece], held: Held) -> Drift:
    """The drift of a place: what it holds that is ours."""
    built = {piece.name: piece.groups for piece in wanted}
    found = compare(built, {name: piece.groups for name, piece in held.pieces.items()})
    both = [(held.pieces[piece.name], piece) for piece in wanted if piece.name in held.pieces]
    unlabelled = {piece.name: labels for present, piece in both if (labels := lacking(present, piece))}
    return Drift(where, found, unlabelled=unlabelled)


def _ours(built: Files, found: Files) -> Files:
    ours: dict[str, Sequence[Group]] = {}
    left = dict(found)
    for name, groups in built.items():
        called = [file for file in left if _is_called(name, file)]
        if called:
            ours[name] = left.pop(max(called, key=lambda file: _shared(left[file], groups)))
    elsewhere = [group for groups in left.values() for group in groups]
    for name, groups in built.items():
        there = {group.name for group in ours.get(name, ())}
        missing = [group for group in groups if group.name not in there]
        ours[name] = (*ours.get(name, ()), *_found(missing, elsewhere))
    return ours


def _is_called(name: str, file: str) -> bool:
    """`node.yml`, the operator's `monitoring-node-<uid>.yaml`, a ruler's namespace `tocsin.node`."""
    called = re.escape(name)
    return re.fullmatch(rf"(?:.*\.)?{called}|.+-{called}-{UID}", stem(file)) is not None


def _found(missing: Sequence[Group], elsewhere: list[Group]) -> list[Group]:
    """Of each the one that is called so and has most of its rules; it is taken out."""
    found: list[Group] = []
    for group in missing:
        alike = [other for other in elsewhere if other.name == group.name and _shared([other], [group])]
        if alike:
            best = max(alike, key=lambda other: _shared([other], [group]))
            elsewhere[:] = [other for other in elsewhere if other is not best]
            found.append(best)
    return found


def _shared(some: Sequence[Group], others: Sequence[Group]) -> int:
    """How many rules they share, by group and name."""
    names = [{(group.name, rule.name) for group in groups for rule in group.rules} for groups in (some, others)]
    return len(names[0] & names[1])


def _intervals(wanted: Sequence[Group], running: Sequence[Group]) -> tuple[Group, ...]:
    """Where neither the group nor the server's configuration says an interval, any is right."""
    there: Mapping[str, Group] = {group.name: group for group in running}
    return tuple(
        group if group.interval or group.name not in there else replace(group, interval=there[group.name].interval)
        for group in wanted
    )
