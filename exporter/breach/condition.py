"""What an alert rule asks of a value: comparisons with numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.frame import Bools, Floats

Values = NDArray[np.floating[Any]]

OPERATORS: Mapping[str, Callable[[Values, float], Bools]] = {
    ">": np.greater,
    ">=": np.greater_equal,
    "<": np.less,
    "<=": np.less_equal,
    "==": np.equal,
    "!=": np.not_equal,
}
MIRRORED = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "==": "==", "!=": "!="}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A value compared with a number, as PromQL compares: nothing holds of NaN but `!=`."""

    operator: str
    number: float

    def holds(self, values: Values) -> Bools:
        return OPERATORS[self.operator](values, self.number)

    def possible(self, lowest: Floats, highest: Floats) -> Bools:
        """Whether it may hold of some value between these two."""
        match self.operator:
            case ">" | ">=":
                return self.holds(highest)
            case "<" | "<=":
                return self.holds(lowest)
            case "==":
                return (lowest <= self.number) & (self.number <= highest)
        return np.isfinite(lowest)

    def __str__(self) -> str:
        return f"{self.operator} {self.number:g}"


@dataclass(frozen=True, slots=True)
class Condition:
    """Any of several alternatives, each of which is one or more comparisons that hold together."""

    any_of: tuple[tuple[Comparison, ...], ...]

    @property
    def exact(self) -> bool:
        """Whether a value is asked to be, or not to be, just one number: no path of a forecast meets that."""
        return any(comparison.operator in ("==", "!=") for all_of in self.any_of for comparison in all_of)

    def holds(self, values: Values) -> Bools:
        """Where values meet it; never where there is none (NaN)."""
        return self.met(values) & ~np.isnan(values)

    def met(self, values: Values) -> Bools:
        """The same where no value is missing."""
        return reduce(np.logical_or, (_all([part.holds(values) for part in all_of]) for all_of in self.any_of))

    def possible(self, lowest: Floats, highest: Floats) -> Bools:
        """Whether values between these two may meet it; True where that is not certain."""
        met = (_all([part.possible(lowest, highest) for part in all_of]) for all_of in self.any_of)
        return reduce(np.logical_or, met)

    def __str__(self) -> str:
        return " or ".join(" and ".join(map(str, all_of)) for all_of in self.any_of)


def _all(parts: list[Bools]) -> Bools:
    return reduce(np.logical_and, parts)
