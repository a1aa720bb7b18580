"""Values that runbooks take from alerts. Who can post an alert chooses its labels: nothing unchecked passes here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tocsin.errors import TocsinError

NAME = r"[a-z][a-z0-9_]{0,39}"
_PLACE = re.compile(rf"\$\(({NAME})\)")


class Unfit(TocsinError):
    """A value, or a target, is not such as the runbook allows; the message tells which, and what is allowed."""


@dataclass(frozen=True, slots=True)
class Values:
    """Checked values by name: those from the alert (`labels`, by the runbook's patterns), and parameters."""

    values: Mapping[str, str] = field(default_factory=dict)

    def fill(self, text: str) -> str:
        """The text with every `$(name)` replaced; what a value holds is never read again.

        Raises:
            Unfit: there is no value of that name.
        """

        def value(match: re.Match[str]) -> str:
            found = self.values.get(match[1])
            if found is None:
                raise Unfit(f"$({match[1]}) has no value; known: {', '.join(sorted(self.values)) or 'none'}")
            return found

        return _PLACE.sub(value, text)


def names_in(text: str) -> set[str]:
    """The values that a text asks for."""
    return set(_PLACE.findall(text))


def split_at_values(text: str) -> list[str]:
    """What stands before, between and after the values of a text."""
    return _PLACE.split(text)[::2]


def without_values(text: str) -> str:
    """The text without its `$(name)`."""
    return _PLACE.sub("", text)
