"""What the fields of templates have in common: how they are described, and how a bad number or duration is told."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, NoReturn

from pydantic import AfterValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from tocsin import duration, promql
from tocsin.config import Duration
from tocsin.promql import LABEL

SEASONS = (timedelta(days=1), timedelta(weeks=1))


def fact(default: Any = ..., *, doc: str, unit: str = "") -> Any:
    """A field of a template: what it means, in one line, and the unit that its number is in."""
    return Field(default, description=doc, json_schema_extra={"unit": unit} if unit else None)


def refuse(check: str, message: str, hint: str) -> NoReturn:
    """Ends a validator: the message and the way out become one problem of that check.

    Raises:
        PydanticCustomError: always.
    """
    # As a value, because pydantic would take braces of PromQL for placeholders.
    raise PydanticCustomError(check, "{message}", {"message": message, "hint": hint})


def missing(message: str, hint: str) -> PydanticCustomError:
    """What a validator raises where a key is missing."""
    return PydanticCustomError("missing-key", "{message}", {"message": message, "hint": hint})


def number_where(check: str, holds: Callable[[float], bool], why: str, hint: str) -> AfterValidator:
    """Takes numbers of which something holds; `why` says of others what is wrong: `5 leaves nothing to …`."""

    def validate(value: float) -> float:
        return value if holds(value) else refuse(check, f"{promql.number(value)} {why}", hint)

    return AfterValidator(validate)


def above_zero(check: str, why: str, hint: str) -> AfterValidator:
    """Takes finite numbers above 0."""
    return number_where(check, lambda value: 0 < value < math.inf, why, hint)


def duration_from(check: str, shortest: timedelta, why: str) -> AfterValidator:
    """Takes durations of at least so much."""

    def validate(value: timedelta) -> timedelta:
        hint = f"write {duration.show(shortest)} or more"
        return value if value >= shortest else refuse(check, f"{duration.show(value)} {why}", hint)

    return AfterValidator(validate)


def season(check: str) -> AfterValidator:
    """Takes a day and a week."""

    def validate(value: timedelta) -> timedelta:
        hint = "write 1d or 1w; leave season out if no time of day or week is like another"
        return value if value in SEASONS else refuse(check, f"{duration.show(value)} is not a season", hint)

    return AfterValidator(validate)


def label_name(check: str) -> AfterValidator:
    """Takes what a label of a series can be called."""

    def validate(label: str) -> str:
        if not LABEL.fullmatch(label) or label == "__name__":
            refuse(check, f"{label!r} is not a label", "write a label of the series: letters, digits and '_'")
        return label

    return AfterValidator(validate)


def exactly_one(check: str, **given: object) -> str:
    """The name of the one that is given.

    Raises:
        PydanticCustomError: none is, or several are.
    """
    names = [name for name, value in given.items() if value is not None]
    if len(names) != 1:
        what = f"has {' and '.join(names)}" if names else f"has neither {' nor '.join(given)}"
        refuse(check, what, f"give exactly one of {', '.join(given)}")
    return names[0]


def at_least_one(check: str, **given: object) -> None:
    """Something is given.

    Raises:
        PydanticCustomError: nothing is.
    """
    if all(value is None for value in given.values()):
        refuse(check, f"has neither {' nor '.join(given)}", f"give {' or '.join(given)}, or both")


@dataclass(frozen=True, slots=True)
class Engines:
    """Which facts each engine of a template knows; what stands in none of the lists belongs to all.

    `asks` are the facts of which each engine needs one: its question. The first engine is the default.
    """

    check: str
    facts: Mapping[str, Sequence[str]]
    asks: Mapping[str, Sequence[str]]

    def chosen(self, given: Any) -> Any:
        """A template's facts without those of other engines, where it asks the question of every engine.

        Such an alert serves whichever engine is named, often by a parameter; any other must not mix them.
        """
        engine = given.get("engine", next(iter(self.facts))) if isinstance(given, dict) else None
        if not isinstance(engine, str) or engine not in self.facts:
            return given
        if not all(any(given.get(ask) is not None for ask in asks) for asks in self.asks.values()):
            return given
        others = {name for other, names in self.facts.items() if other != engine for name in names}
        return {name: value for name, value in given.items() if name not in others}

    def belongs(self, value: Any, info: ValidationInfo, why: str = "") -> Any:
        """The value, if the engine that was chosen knows the fact.

        Raises:
            PydanticCustomError: it belongs to another engine.
        """
        engine, name = info.data.get("engine"), info.field_name
        other = next((key for key, facts in self.facts.items() if name in facts), engine)
        if engine and other != engine:
            reason = f": {why}" if why else f", and the alert has engine {engine}"
            hint = (
                f"write engine: {other}, or remove it; engine {engine} knows {', '.join(self.facts[engine])}. "
                f"An alert that serves either has {' and '.join(' or '.join(asks) for asks in self.asks.values())}"
            )
            refuse(self.check, f"belongs to engine {other}{reason}", hint)
        return value


Window = Annotated[Duration, duration_from("window", timedelta(minutes=1), "is too short a window")]
