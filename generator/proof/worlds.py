"""Series to play: each follows a line, and at one moment may change to another, toggle, come or go.

Many worlds at once: the same series, with other numbers in each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generator.proof.vectors import Flags, Numbers

# A series' numbers: value and slope (a sample) at first; from the sample `MOMENT` on, a step, another slope, or a
# toggle by the height of the step every `PERIOD` samples; and the first sample it has, and the first it has no more.
LEVEL, SLOPE, MOMENT, JUMP, LATER, PERIOD, BORN, GONE = range(8)
FIELDS = 8
NEVER = 1e9  # samples: no test is so long

Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Worlds:
    """`numbers` are (series, fields, worlds)."""

    numbers: Numbers

    @property
    def count(self) -> int:
        return int(self.numbers.shape[2])

    def at(self, rows: Sequence[int], index: Index) -> tuple[Numbers, Flags]:
        """Value and presence of some series at samples by number: (series, worlds, …samples)."""
        fields = self.numbers[list(rows)].transpose(1, 0, 2)
        fields = fields.reshape(*fields.shape, *(1 for _ in index.shape))
        level, slope, moment, jump, later, period, born, gone = fields
        values = level + slope * np.minimum(index, moment)
        if jump.any() or later.any():
            after = index - moment
            turned = after >= 0
            if period.any():
                turned = np.where(period > 0, np.floor(after / np.maximum(period, 1)) % 2 * turned, turned)
            values = values + later * np.maximum(after, 0) + jump * turned
        return values, (index >= np.maximum(born, 0)) & (index < gone)

    def wavering(self, part: float) -> Worlds:
        """Every value a little off, by another part of itself in each series: no tie lasts that."""
        numbers = self.numbers.copy()
        rows = np.arange(len(numbers))
        factors = 1 + part * (rows + 1) * (-1.0) ** rows
        numbers[:, [LEVEL, SLOPE, JUMP, LATER]] *= factors[:, None, None]
        return Worlds(numbers)

    def beside(self, *others: Worlds) -> Worlds:
        """These worlds, then those."""
        return Worlds(np.concatenate([self.numbers, *(other.numbers for other in others)], axis=2))


def resting(series: int, worlds: int) -> Numbers:
    """Numbers of series that are there throughout, at 0."""
    numbers = np.zeros((series, FIELDS, worlds))
    numbers[:, MOMENT] = NEVER
    numbers[:, GONE] = NEVER
    return numbers


def stepped(before: Worlds, after: Worlds, moment: int, counters: Sequence[bool]) -> Worlds | None:
    """Worlds that change from one to the other at a sample; counters go on from where they are.

    None where one of them is not a line itself.
    """
    if any(world.numbers[:, MOMENT].min() < NEVER for world in (before, after)):
        return None
    numbers = before.numbers.copy()
    (level, slope), (level_then, slope_then) = (
        world.numbers[:, [LEVEL, SLOPE]].transpose(1, 0, 2) for world in (before, after)
    )
    jumps = level_then + slope_then * moment - level - slope * moment
    numbers[:, MOMENT] = moment
    numbers[:, LATER] = slope_then
    numbers[:, JUMP] = np.where(np.asarray(counters)[:, None], 0.0, jumps)
    there, then = (_present(world) for world in (before, after))
    numbers[:, BORN] = np.where(there, 0, moment)
    numbers[:, GONE] = np.where(then, NEVER, np.where(there, moment, 0))
    return Worlds(numbers)


def _present(world: Worlds) -> Flags:
    return np.asarray(world.numbers[:, GONE] > 0)
