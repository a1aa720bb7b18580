"""What may stand under the keys of an item `slo` that say what is measured."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Annotated, Self

from promql_parser import AggregateExpr
from pydantic import AfterValidator, BeforeValidator, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from generator.fields import Number, PromQL, Selector
from generator.slo.query import SAMPLE, Query, WindowedPromQL
from generator.templates.threshold import OPERATORS
from tocsin import duration, promql
from tocsin.config import Duration, Settings
from tocsin.promql import LABEL

# What makes a slice of time bad; `differs_from` is left out, because NaN, which is no slice, differs from everything.
BAD = {key: operator for key, operator in OPERATORS.items() if key != "differs_from"}


def refused(message: str, hint: str, **what: object) -> PydanticCustomError:
    """What a validator of an SLO raises."""
    return PydanticCustomError("slo", message, {**what, "hint": hint})


def _positive(value: float) -> float:
    if not 0 < value < math.inf:
        raise refused("{value} is not above 0", "write a number above 0", value=promql.number(value))
    return value


def _some(window: timedelta) -> timedelta:
    if not window:
        raise refused("holds no time", "write 5m, 1h, 30d")
    return window


def _seconds(value: object) -> object:
    """A limit of a latency: a number in the histogram's unit, or a duration, which is taken as seconds."""
    try:
        return duration.parse(value).total_seconds() if isinstance(value, str) and value[-1:].isalpha() else value
    except ValueError:
        return value


def _label(label: str) -> str:
    if not LABEL.fullmatch(label) or label in ("__name__", "le"):
        raise refused("{label} is not a label of the result", "name labels of the series", label=repr(label))
    return label


AboveZero = Annotated[Number, AfterValidator(_positive)]
Window = Annotated[Duration, AfterValidator(_some)]
Label = Annotated[str, AfterValidator(_label)]


class Part(Settings):
    """A part of an SLO."""

    model_config = ConfigDict(defer_build=True)  # few packs have SLOs: a validator is made when it is needed


class Requests(Part):
    """Bad events among all: rates with the same labels; good ones may be given in the place of bad ones.

    Where they say `{{.window}}` they are taken over `range`; sloth's naming takes them over every window.
    """

    total: WindowedPromQL
    errors: WindowedPromQL | None = None
    good: WindowedPromQL | None = None
    range: Window = timedelta(minutes=5)

    @model_validator(mode="after")
    def _errors_or_good(self) -> Self:
        if (self.errors is None) == (self.good is None):
            what = "has both errors and good" if self.errors else "has neither errors nor good"
            raise refused("{what}", "give one of them, beside total", what=what)
        return self

    @model_validator(mode="after")
    def _same_labels(self) -> Self:
        """Errors that match no total would be left out, and the SLO be kept whatever happens."""
        of_part, of_total = (_aggregated(query) for query in (self.part, self.total))
        if of_part and of_total and of_part != of_total:
            hint = "aggregate both by the same labels"
            raise refused("the parts have other labels than the total: {a}, {b}", hint, a=of_part, b=of_total)
        return self

    @property
    def part(self) -> Query:
        """The errors, or else the good ones."""
        part = self.errors or self.good
        assert part, "the model has one of the two"
        return part

    @property
    def windowed(self) -> bool:
        """Whether it can be asked over any window."""
        return self.part.windowed and self.total.windowed


def _aggregated(query: Query) -> str:
    """Which labels an aggregation leaves, in words; nothing for what is none."""
    tree = query.over(SAMPLE).tree
    if not isinstance(tree, AggregateExpr):
        return ""
    modifier = tree.modifier
    if modifier is None:
        return "by ()"
    way = "by" if str(modifier.type).endswith("By") else "without"
    return f"{way} ({', '.join(sorted(modifier.labels))})"


class ErrorRatio(Part):
    """The bad share as a query of its own; over a longer time it is averaged, each evaluation weighing the same."""

    expr: WindowedPromQL
    range: Window = timedelta(minutes=5)


class Latency(Part):
    """Requests slower than `threshold`, told by a histogram; of a classic one, it is the bound of a bucket."""

    histogram: Selector
    threshold: Annotated[AboveZero, BeforeValidator(_seconds)]
    native: bool = False
    by: tuple[Label, ...] = ()
    range: Window = timedelta(minutes=5)


class TimeSlices(Part):
    """Evaluations at which `expr` is bad, among all at which it has a value."""

    expr: PromQL
    above: Number | None = None
    at_least: Number | None = None
    below: Number | None = None
    at_most: Number | None = None
    equals: Number | None = None

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        given = [key for key in BAD if getattr(self, key) is not None]
        if len(given) != 1:
            what = f"has {' and '.join(given)}" if given else "does not say what is bad"
            raise refused("{what}", f"give exactly one of {', '.join(BAD)}", what=what)
        return self
