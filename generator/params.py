"""What a parameter may be: its type, its bounds, its choices; for defaults and for what tenants set alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from generator.resolve import ParamValue, as_text
from tocsin import duration, promql
from tocsin.promql import PromQLError

Type = Literal["number", "integer", "duration", "text", "boolean", "promql"]

# How large a value is, or 0 where size means nothing. Raises ValueError where it is of another type.
Read = Callable[[ParamValue], float]


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a value will not do, and what would."""

    message: str
    hint: str


def _number(value: ParamValue) -> float:
    if isinstance(value, bool | str) or not value <= math.inf:  # NaN
        raise ValueError
    return value


def _integer(value: ParamValue) -> float:
    if isinstance(value, bool | str) or value != value // 1:
        raise ValueError
    return value


def _duration(value: ParamValue) -> float:
    if not isinstance(value, str):
        raise ValueError  # a bare number has no unit
    return duration.parse(value).total_seconds()


def _text(value: ParamValue) -> float:
    if not isinstance(value, str):
        raise ValueError
    return 0


def _boolean(value: ParamValue) -> float:
    if not isinstance(value, bool):
        raise ValueError
    return 0


def _promql(value: ParamValue) -> float:
    try:
        promql.parse(as_text(value))
    except PromQLError as error:
        raise ValueError from error
    return 0


# How a value of the type is read, and what one looks like.
TYPES: dict[Type, tuple[Read, str]] = {
    "number": (_number, "a number: 90, 0.05, 1.0e+9"),
    "integer": (_integer, "a whole number: 3"),
    "duration": (_duration, "a duration: 30s, 5m, 1h30m"),
    "text": (_text, "a text; quote what looks like a number"),
    "boolean": (_boolean, "true or false"),
    "promql": (_promql, "PromQL: sum(up); check its brackets and quotes"),
}
SIZED = frozenset({"number", "integer", "duration"})


def type_of(value: ParamValue) -> Type:
    """The type of a parameter that names none: its default's."""
    if isinstance(value, bool):
        return "boolean"
    return "text" if isinstance(value, str) else "number"


def misfit(
    value: ParamValue,
    type_: Type,
    *,
    low: ParamValue | None = None,
    high: ParamValue | None = None,
    choices: Sequence[ParamValue] = (),
) -> Misfit | None:
    """Why the value cannot be the parameter's; None where it can. The bounds are of the type themselves."""
    read, looks = TYPES[type_]
    try:
        size = read(value)
    except (ValueError, OverflowError):
        return Misfit(f"{as_text(value)!r} is not of the type {type_}", f"write {looks}")
    if choices and value not in choices:
        return Misfit(f"{as_text(value)!r} is none of the choices", f"write one of {', '.join(map(as_text, choices))}")
    if (low is not None and size < read(low)) or (high is not None and size > read(high)):
        bounds = " to ".join("…" if bound is None else as_text(bound) for bound in (low, high))
        return Misfit(f"{as_text(value)} is out of its bounds, {bounds}", "change the default or the bounds")
    return None
