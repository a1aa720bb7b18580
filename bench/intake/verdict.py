"""Figures beside what was asked of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured figure, and the bound that it was asked to keep, if any."""

    what: str
    value: float
    unit: str
    sense: Literal["at least", "at most", "below", ""] = ""
    bound: float = 0

    @property
    def met(self) -> bool:
        match self.sense:
            case "at least":
                return self.value >= self.bound
            case "at most":
                return self.value <= self.bound
            case "below":
                return self.value < self.bound
            case "":
                return True

    def __str__(self) -> str:
        said = f"asked: {self.sense} {self.bound:,g}".ljust(22) + (" met" if self.met else " NOT MET")
        return f"  {self.what:56} {self.value:10,.2f} {self.unit:4} {said if self.sense else ''}".rstrip()
