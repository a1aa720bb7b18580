"""Durations, shares and words as OpenSLO writes them, each with its way out where it is amiss."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator

from generator.fields import Number
from generator.importing.spec import refused
from tocsin import promql

SHORTHAND = re.compile(r"([1-9][0-9]{0,4})([mhdw])")
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
LONG = {"M": 30, "Q": 90, "Y": 365}  # in days, about
WORDS = {"m": "minute", "h": "hour", "d": "day", "w": "week"}
CALENDAR = ("month", "quarter", "year")
OPERATORS = ("lt", "lte", "gt", "gte")


def _shorthand(value: Any) -> timedelta:
    """A duration; a plain number counts minutes."""
    text = f"{value}m" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    found = SHORTHAND.fullmatch(text)
    if found:
        return int(found[1]) * UNITS[found[2]]
    if text[:-1].isdecimal() and text[-1:] in LONG:
        message = f"{text} is as long as the calendar has it, and Prometheus looks back over a fixed time"
        raise refused(message, f"write {int(text[:-1]) * LONG[text[-1]]}d")
    raise refused(f"{text!r} is no duration of OpenSLO's", "write a number and a unit: 5m, 1h, 30d, 4w")


def _hold(value: Any) -> timedelta:
    """A duration that may be none."""
    return timedelta() if str(value) in ("0", "0m", "0h", "0d", "0s") else _shorthand(value)


def _unit(value: Any) -> str:
    """The shorthand of a unit that is written out."""
    word = str(value).lower().removesuffix("s")
    found = next((unit for unit, known in WORDS.items() if known == word), None)
    if found is None:
        hint = f"write unit: Day and count: {LONG[word[:1].upper()]}" if word in CALENDAR else "write unit: Day"
        raise refused(f"the unit {value!r} has no fixed length", hint)
    return found


def _share(value: float) -> float:
    if not 0 < value < 1:
        raise refused(f"{promql.number(value)} is no share between 0 and 1", "write 0.99, or targetPercent: 99")
    return value


def _percent(value: float) -> float:
    if not 0 < value < 100:
        raise refused(f"{promql.number(value)} is no percentage that leaves a budget", "write 99.9")
    return value


def _slice_share(value: float) -> float:
    if not 0 < value <= 1:
        raise refused(f"{promql.number(value)} is no share of a slice", "write a number above 0, at most 1: 0.95")
    return value


def _operator(value: Any) -> Any:
    if value not in OPERATORS:
        raise refused(f"{value!r} compares nothing", f"write one of {', '.join(OPERATORS)}")
    return value


def _method(value: Any) -> Any:
    known = ("Occurrences", "Timeslices", "RatioTimeslices")
    found = next((method for method in known if method.lower() == str(value).lower()), None)
    if found is None:
        raise refused(f"the budgeting method {value!r} is not known", f"write one of {', '.join(known)}")
    return found


def _kind(value: Any) -> Any:
    if str(value).lower() != "burnrate":
        raise refused(f"the condition {value!r} is not known", "write kind: burnrate")
    return "burnrate"


def _positive(value: float) -> float:
    if not 0 < value < float("inf"):
        raise refused(f"{promql.number(value)} is no burn rate", "write a number above 0, such as 14.4")
    return value


def _at_least(value: Any) -> Any:
    if value not in ("gt", "gte"):
        raise refused(f"a burn rate that is {value} its threshold is no danger", "write op: gte, or leave it out")
    return value


Shorthand = Annotated[timedelta, BeforeValidator(_shorthand)]
Hold = Annotated[timedelta, BeforeValidator(_hold)]
Operator = Annotated[Literal["lt", "lte", "gt", "gte"], BeforeValidator(_operator)]
Method = Annotated[Literal["Occurrences", "Timeslices", "RatioTimeslices"], BeforeValidator(_method)]
Unit = Annotated[str, BeforeValidator(_unit)]
Share = Annotated[Number, AfterValidator(_share)]
Percent = Annotated[Number, AfterValidator(_percent)]
SliceShare = Annotated[Number, AfterValidator(_slice_share)]
BurnRate = Annotated[Number, AfterValidator(_positive)]
ConditionKind = Annotated[str, BeforeValidator(_kind)]
AtLeast = Annotated[str, BeforeValidator(_at_least)]
