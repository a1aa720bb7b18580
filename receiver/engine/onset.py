"""When an alert's trouble began: an alert fires once its expression has held for its rule's `for`, so it is older.

What is known, in this order: the annotation `tocsin_for` of generated rules (DESIGN.md §3), rule files, a server's
rules API. `keep_firing_for` delays the end and has no part in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Self

from tocsin import duration
from tocsin.model import Labels

ANNOTATION = "tocsin_for"
AT_ONCE = timedelta()


@dataclass(frozen=True, slots=True)
class Waiting:
    """An alert rule: its name, how long its expression must hold, and the labels that it gives to each alert.

    Labels whose value a template makes are left out: what they become is unknown.
    """

    alert: str
    hold: timedelta
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Shape:
    """The rules of one alert name that set the same labels, by the values that they set."""

    labels: tuple[str, ...]
    holds: Mapping[tuple[str, ...], timedelta]

    def of(self, labels: Labels) -> timedelta | None:
        return self.holds.get(tuple([labels.get(name, "") for name in self.labels]))


@dataclass(frozen=True, slots=True)
class _Named:
    """The rules of one alert name; those with most labels first."""

    shapes: tuple[_Shape, ...]
    shortest: timedelta


@dataclass(frozen=True, slots=True)
class Holds:
    """Each alert's `for`, by alert name and then by labels: a rule that many tenants have is found as quickly."""

    sources: tuple[Mapping[str, _Named], ...] = ()

    @classmethod
    def of(cls, *sources: Sequence[Waiting]) -> Self:
        """From rules of several places; what stands earlier counts first."""
        return cls(tuple(_by_name(rules) for rules in sources if rules))

    def before(self, other: Holds) -> Holds:
        """These first, then others."""
        return Holds((*self.sources, *other.sources))

    def hold(self, labels: Labels) -> timedelta | None:
        """How long the alert's expression held before it fired; None: no rule of its name is known.

        Of several rules of its name it is the one whose labels it carries; where none is (they were changed on the way,
        or two differ in nothing but `for`) the shortest `for`: nothing is said to be older than it must be.
        """
        name = labels.get("alertname", "")
        known = [source[name] for source in self.sources if name in source]
        for named in known:
            for shape in named.shapes:
                found = shape.of(labels)
                if found is not None:
                    return found
        return known[0].shortest if known else None


def onset(labels: Labels, annotations: Labels, starts_at: datetime, holds: Holds) -> datetime:
    """When the trouble began that an alert with this `startsAt` tells of."""
    hold = _annotated(annotations.get(ANNOTATION, ""))
    if hold is None:
        hold = holds.hold(labels) or AT_ONCE
    try:
        return starts_at - hold
    except OverflowError:  # before the year 1
        return starts_at


@lru_cache(maxsize=1_000)
def _annotated(text: str) -> timedelta | None:
    try:
        return duration.parse(text) if text else None
    except ValueError:
        return None


def _by_name(rules: Iterable[Waiting]) -> Mapping[str, _Named]:
    named: dict[str, dict[tuple[str, ...], dict[tuple[str, ...], timedelta]]] = {}
    shortest: dict[str, timedelta] = {}
    for rule in rules:
        pairs = sorted(rule.labels)
        holds = named.setdefault(rule.alert, {}).setdefault(tuple(name for name, _ in pairs), {})
        values = tuple(value for _, value in pairs)
        holds[values] = min(rule.hold, holds.get(values, rule.hold))
        shortest[rule.alert] = min(rule.hold, shortest.get(rule.alert, rule.hold))
    return {
        name: _Named(
            tuple(
                _Shape(labels, holds)
                for labels, holds in sorted(shapes.items(), key=lambda one: (-len(one[0]), one[0]))
            ),
            shortest[name],
        )
        for name, shapes in named.items()
    }
