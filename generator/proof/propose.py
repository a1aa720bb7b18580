"""Finds the cases that prove an alert: series that make it fire, and series that just do not.

The expression is evaluated in worlds of series that follow lines, hundreds of worlds at a time; those are turned until
it fires, then turned back until it is silent again, and the place between is narrowed down. When it fires is computed
here and judged by promtool: the two know nothing of one another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from generator.proof.case import Proposal
from generator.rule import Group, Rule
from tocsin.errors import MissingExtra

if TYPE_CHECKING:
    from generator.inlining import Recorded

HINT = "give tests: in the pack, with series at which it fires"


def propose(alert: Rule, group: Group, records: Mapping[str, Sequence[Recorded]], interval: timedelta) -> Proposal:
    """The cases of an alert, or why none are found; rules are evaluated every `interval` where the group says nothing.

    Raises:
        MissingExtra: numpy is not installed.
    """
    try:
        import numpy  # noqa: F401 - the modules below cannot be imported without it
    except ModuleNotFoundError:
        raise MissingExtra("numpy", "proof") from None
    from generator.proof.proving import prove
    from generator.proof.vectors import UnprovableError

    try:
        cases, why = prove(alert, group, records, group.interval or interval)
    except UnprovableError as error:
        return Proposal(alert, (), f"{error}: {HINT}")
    except RecursionError:
        return Proposal(alert, (), f"its expression is nested too deeply: {HINT}")
    return Proposal(alert, cases, why if cases else f"{why}: {HINT}")
