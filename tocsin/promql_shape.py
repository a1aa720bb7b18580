"""The shape of an expression: its text without the values of its `=` and `!=` matchers, of which only the lengths stay.

Ten thousand rules are a few shapes about one job or host after another. Such a value decides neither whether a text
parses nor what it is made of, and how it is printed only by its length, which is where lines are broken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, wraps
from typing import Any, NamedTuple, Protocol, TypeVar

MOST_SHAPES = 10_000  # that are remembered at once

MATCHER = re.compile(r"\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(!?=)\s*")
NAME = "__name__"  # its value decides which metric is read

Value = TypeVar("Value")


class HasText(Protocol):
    """An expression."""

    @property
    def text(self) -> str: ...


class Apart(NamedTuple):
    """A text taken apart at its quotes: in which `places` of its `parts` values stand, and each one's matcher (`job=`).

    `shape` is equal for texts that differ in values of the same lengths only.
    """

    shape: str
    parts: Sequence[str]
    places: Sequence[int]
    matchers: Sequence[str]


@lru_cache(maxsize=1_000)  # several stages ask about one expression in turn
def apart(text: str) -> Apart:
    """The text in parts; where its strings are not plain to see, its shape is the text itself."""
    parts = text.split('"')
    # Other quotes, escapes and comments: where strings begin and end is no longer seen at a glance.
    if len(parts) == 1 or "'" in text or "`" in text or "\\" in text or "#" in text:
        return Apart(text, (text,), (), ())
    alike, places, matchers = list(parts), [], []
    within: set[str] = set()  # this selector's
    for place in range(1, len(parts), 2):
        before, value = parts[place - 1], parts[place]
        if "}" in before:
            within.clear()
        matcher = _matcher(before[max(before.rfind("{"), before.rfind(",")) + 1 :])
        if not matcher:
            continue
        if matcher in within:  # printed in the order of their values
            return Apart(text, (text,), (), ())
        within.add(matcher)
        if value and value.isascii() and value.isprintable():
            alike[place] = "x" * len(value)
            places.append(place)
            matchers.append(matcher)
    return Apart('"'.join(alike), parts, places, matchers)


@lru_cache(maxsize=1_000)  # few labels are compared again and again
def _matcher(before: str) -> str:
    """`job=` or `job!=`, if that is what stands before a string; nothing where it is anything else."""
    found = MATCHER.fullmatch(before)
    return found[1] + found[2] if found and found[1] != NAME else ""


@dataclass(frozen=True)
class Sample:
    """A text of a shape, and how it is printed, from which follows how all others are."""

    text: Apart
    printed: str

    def of(self, other: Apart) -> str | None:
        """The print of another text of the shape; nothing where that cannot be told."""
        parts, order = list(self._printed.parts), self._order
        if order is None:
            return None
        for place, origin in order:
            parts[place] = other.parts[origin]
        return '"'.join(parts)

    @cached_property
    def _printed(self) -> Apart:
        return apart(self.printed)

    @cached_property
    def _order(self) -> Sequence[tuple[int, int]] | None:
        """At which place in the print stands what stood at which place in the text.

        Printing sorts the matchers of a selector and moves nothing else.
        """
        text, printed = self.text, self._printed
        if not text.places:
            return ()
        if sorted(text.matchers) != sorted(printed.matchers):
            return None
        origins: dict[str, list[int]] = {}
        for matcher, place in zip(reversed(text.matchers), reversed(text.places), strict=True):
            origins.setdefault(matcher, []).append(place)
        order = [(place, origins[key].pop()) for key, place in zip(printed.matchers, printed.places, strict=True)]
        return order if all(printed.parts[place] == text.parts[origin] for place, origin in order) else None


def by_shape(function: Callable[[Any], Value]) -> Callable[[HasText], Value]:
    """The function of an expression, asked once for each shape: its answer must not depend on matchers' values."""
    known: dict[str, Value] = {}

    @wraps(function)
    def remembered(expression: HasText) -> Value:
        shape = apart(expression.text).shape
        if shape in known:
            return known[shape]
        if len(known) >= MOST_SHAPES:
            known.clear()
        return known.setdefault(shape, function(expression))

    return remembered


def unless_silent(find: Callable[[Any], Iterable[Value]]) -> Callable[[HasText], Sequence[Value]]:
    """What is found in an expression, of which values of matchers may stand in it but must not decide whether it is.

    So where there is nothing in one expression, nobody looks for it in others of its shape.
    """
    silent: set[str] = set()

    @wraps(find)
    def found(expression: HasText) -> Sequence[Value]:
        shape = apart(expression.text).shape
        if shape in silent:
            return ()
        findings = tuple(find(expression))
        if not findings:
            if len(silent) >= MOST_SHAPES:
                silent.clear()
            silent.add(shape)
        return findings

    return found
