"""What has to be done so that a place holds what was built: decided without touching anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from generator.delivery.compare import compare
from generator.delivery.destination import Held, Piece
from generator.delivery.difference import Difference

Action = Literal["create", "update", "remove"]


@dataclass(frozen=True, slots=True)
class Step:
    """One request: the piece that is written or taken away, and what that makes of the rules.

    `labels` are those of the whole that what is there lacks.
    """

    action: Action
    piece: Piece
    difference: Difference
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps in their order; `kept` are in step already.

    `in_the_way` are pieces of ours whose names others have there: they are not touched. `spared` are ours that no pack
    makes any more and that were not to be removed.
    """

    steps: tuple[Step, ...]
    kept: tuple[str, ...]
    in_the_way: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        return not self.steps and not self.in_the_way


def make(wanted: Sequence[Piece], held: Held, *, prune: bool = True) -> Plan:
    """The plan that turns what a place holds into what is wanted.

    First what is recorded, then what reads it, and only then what goes: no rule is missing in between.
    """
    names = {piece.name for piece in wanted}
    free = [piece for piece in wanted if piece.name not in held.strangers]
    steps: list[Step] = []
    kept: list[str] = []
    for piece in free:
        present = held.pieces.get(piece.name)
        difference = between(present, piece)
        labels = lacking(present, piece) if present else {}
        if present and not difference and not labels:
            kept.append(piece.name)
        else:
            steps.append(Step("update" if present else "create", piece, difference, labels))
    steps.sort(key=lambda step: not _records(step.piece))
    left = [piece for name, piece in held.pieces.items() if name not in names]
    if prune:
        steps += [Step("remove", piece, between(piece, None)) for piece in left]
    in_the_way = tuple(piece.name for piece in wanted if piece.name in held.strangers)
    return Plan(tuple(steps), tuple(kept), in_the_way, () if prune else tuple(piece.name for piece in left))


def between(old: Piece | None, new: Piece | None) -> Difference:
    """What differs between two pieces of one name, either of which may be none."""
    return compare(*({"": piece.groups} if piece else {} for piece in (old, new)))


def lacking(present: Piece, wanted: Piece) -> dict[str, str]:
    """The labels that one must have and has not; others that it has are its own business."""
    return {label: value for label, value in wanted.labels.items() if present.labels.get(label) != value}


def _records(piece: Piece) -> bool:
    return any(rule.kind == "record" for group in piece.groups for rule in group.rules)
