"""What may stand in an item `slo`."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import Annotated, ClassVar, Self

from promql_parser import AggregateExpr
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from generator.facts import fact
from generator.fields import Number, PromQL, Selector
from generator.schema import About, Text
from generator.templates.threshold import OPERATORS
from tocsin import duration, promql
from tocsin.config import Duration, Settings
from tocsin.model import Severity
from tocsin.promql import LABEL, Expression

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
TIER = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

# What makes a slice of time bad; `differs_from` is left out, because NaN, which is no slice, differs from everything.
BAD = {key: operator for key, operator in OPERATORS.items() if key != "differs_from"}


def _refuse(message: str, hint: str, **what: object) -> PydanticCustomError:
    return PydanticCustomError("slo", message, {**what, "hint": hint})


def _name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise _refuse("{name} cannot begin the names of alerts", "use letters, digits and '_'", name=repr(name))
    return name


def _objective(percent: float) -> float:
    if not 0 < percent < 100:
        hint = "write a percentage between 0 and 100, such as 99.9"
        raise _refuse("an objective of {percent} % leaves no budget to watch", hint, percent=promql.number(percent))
    return percent


def _positive(value: float) -> float:
    if not 0 < value < math.inf:
        raise _refuse("{value} is not above 0", "write a number above 0", value=promql.number(value))
    return value


def _some(window: timedelta) -> timedelta:
    if not window:
        raise _refuse("holds no time", "write 5m, 1h, 30d")
    return window


def _seconds(value: object) -> object:
    """A limit of a latency: a number in the histogram's unit, or a duration, which is taken as seconds."""
    try:
        return duration.parse(value).total_seconds() if isinstance(value, str) and value[-1:].isalpha() else value
    except ValueError:
        return value


def _label(label: str) -> str:
    if not LABEL.fullmatch(label) or label in ("__name__", "le"):
        raise _refuse("{label} is not a label of the result", "name labels of the series", label=repr(label))
    return label


def _tier(name: str) -> str:
    if not TIER.fullmatch(name):
        hint = "use small letters, digits and '-', as in page-quick"
        raise _refuse("{name} cannot name a tier", hint, name=repr(name))
    return name


AboveZero = Annotated[Number, AfterValidator(_positive)]
Window = Annotated[Duration, AfterValidator(_some)]
Label = Annotated[str, AfterValidator(_label)]


class Part(Settings):
    """A part of an SLO."""

    model_config = ConfigDict(defer_build=True)  # few packs have SLOs: a validator is made when it is needed


class Requests(Part):
    """Bad events among all: rates with the same labels; good ones may be given in the place of bad ones."""

    total: PromQL
    errors: PromQL | None = None
    good: PromQL | None = None

    @model_validator(mode="after")
    def _errors_or_good(self) -> Self:
        if (self.errors is None) == (self.good is None):
            what = "has both errors and good" if self.errors else "has neither errors nor good"
            raise _refuse("{what}", "give one of them, beside total", what=what)
        return self

    @model_validator(mode="after")
    def _same_labels(self) -> Self:
        """Errors that match no total would be left out, and the SLO be kept whatever happens."""
        part = self.errors or self.good
        of_part, of_total = (_aggregated(expr) for expr in (part, self.total))
        if of_part and of_total and of_part != of_total:
            hint = "aggregate both by the same labels"
            raise _refuse("the parts have other labels than the total: {a}, {b}", hint, a=of_part, b=of_total)
        return self


def _aggregated(expr: Expression | None) -> str:
    """Which labels an aggregation leaves, in words; nothing for what is none."""
    tree = expr.tree if expr else None
    if not isinstance(tree, AggregateExpr):
        return ""
    modifier = tree.modifier
    if modifier is None:
        return "by ()"
    way = "by" if str(modifier.type).endswith("By") else "without"
    return f"{way} ({', '.join(sorted(modifier.labels))})"


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
            raise _refuse("{what}", f"give exactly one of {', '.join(BAD)}", what=what)
        return self


class Tier(Part):
    """How fast a burn, seen over which windows, alerts how loudly; of a tier by default, what differs."""

    enabled: bool = True
    alert: Annotated[Text, AfterValidator(_name)] | None = None
    long: Window | None = None
    short: Window | None = None
    factor: AboveZero | None = None
    budget_percent: AboveZero | None = None
    severity: Severity | None = None
    summary: Text | None = None
    hold: Duration | None = Field(None, alias="for")
    keep_firing_for: Duration | None = None

    @model_validator(mode="after")
    def _factor_or_budget(self) -> Self:
        if self.factor is not None and self.budget_percent is not None:
            raise _refuse("has both factor and budget_percent", "keep one: the other follows from it")
        return self


SLIS = ("requests", "latency", "time_slices")


class Slo(About):
    """An objective: so many percent of requests, or of the time, are good in every `period`.

    It is an item of `rules`, beside alerts and records, and becomes several of both: what is recorded of it, and an
    alert for each tier of burning too fast, by default page-quick, page-slow, ticket-quick and ticket-slow.
    """

    model_config = ConfigDict(defer_build=True)

    example: ClassVar[str] = """\
- slo: CheckoutAvailability
  objective: 99.9
  requests:
    errors: sum by (region) (rate(http_requests_total{job="checkout",code=~"5.."}[5m]))
    total: sum by (region) (rate(http_requests_total{job="checkout"}[5m]))
  category: business
  runbook: https://example.org/runbooks/checkout
"""

    slo: Annotated[Text, AfterValidator(_name)] = fact(doc="its name, and how the names of its alerts begin")
    objective: Annotated[Number, AfterValidator(_objective)] = fact(doc="how much must be good", unit="percent")
    period: Window = fact(timedelta(days=30), doc="the rolling time over which it holds")
    requests: Requests | None = fact(None, doc="total, and errors or good: rates with the same labels; or")
    latency: Latency | None = fact(None, doc="histogram and threshold, with native, by, range; or")
    time_slices: TimeSlices | None = fact(None, doc="expr, and above or the like: when a slice of time is bad")
    sli: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")] | None = fact(
        None, doc="a name for what is measured, which SLOs may share"
    )
    minimum: AboveZero | None = fact(None, doc="the least traffic that is judged", unit="of the total")
    default_tiers: bool = fact(True, doc="false: only the tiers under tiers")
    tiers: dict[Annotated[str, AfterValidator(_tier)], Tier] = Field(
        default_factory=dict,
        description="by name: enabled, alert, long, short, factor or budget_percent, severity, summary, for, "
        "keep_firing_for",
    )
    summary: Text | None = fact(None, doc="of each alert")

    @model_validator(mode="after")
    def _one_sli(self) -> Self:
        given = [key for key in SLIS if getattr(self, key) is not None]
        if len(given) != 1:
            what = f"has {' and '.join(given)}" if given else "does not say what is measured"
            raise _refuse("{what}", f"give exactly one of {', '.join(SLIS)}", what=what)
        return self
