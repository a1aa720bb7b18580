"""The one tree of errors.

TocsinError                  what a command shows as one line; never a traceback
├── UsageError               the arguments cannot be used (exit 2)
├── InputError               a file that people wrote has problems; carries all of them (exit 1)
├── MissingExtra             an optional dependency is not installed; names the extra
├── DeliveryError            a place that holds rules did not give, take or drop some
│   └── PlaceLost            it answers nobody just now: the others need not be tried
└── Unavailable              somebody else cannot answer just now; may be tried again
    ├── StoreUnavailable     the store cannot read or commit
    └── ApiUnavailable       a server could not be reached, or answered 5xx
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tocsin.problem import Problem


class TocsinError(Exception):
    """What went wrong, in one sentence that names the object and the way out."""

    exit_code = 1


class UsageError(TocsinError):
    """The arguments of a command cannot be used."""

    exit_code = 2


class InputError(TocsinError):
    """A file that people wrote has problems; all of them are carried."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} problem{'' if len(problems) == 1 else 's'}")
        self.problems = tuple(problems)


class MissingExtra(TocsinError):
    """An optional dependency is not installed."""

    def __init__(self, module: str, extra: str) -> None:
        super().__init__(f"{module} is not installed: pip install 'tocsin[{extra}]'")


class DeliveryError(TocsinError):
    """A place that holds rules did not give, take or drop some; the message has its own words and the way out."""


class PlaceLost(DeliveryError):
    """A place that holds rules answers nobody, or does not let us in: the others need not be tried."""


class Unavailable(TocsinError):
    """Somebody else cannot answer just now; the same call may succeed later."""


class StoreUnavailable(Unavailable):
    """The store cannot read or commit just now."""


class ApiUnavailable(Unavailable):
    """A server could not be reached, or answered with an error of its own."""
