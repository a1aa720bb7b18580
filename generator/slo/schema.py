"""What may stand in an item `slo`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from generator.facts import fact
from generator.fields import Number
from generator.schema import About, Text, Value
from generator.slo.sli_schema import AboveZero, ErrorRatio, Latency, Part, Requests, TimeSlices, Window, refused
from tocsin import promql
from tocsin.config import Duration
from tocsin.model import Severity

NAME = re.compile(r"[A-Za-z0-9_]([-A-Za-z0-9_.]*[A-Za-z0-9_])?")
TIER = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

# The two ways to wake somebody or not; sloth has one alert for each.
Kind = Literal["page", "ticket"]


def _name(name: str) -> str:
    if not NAME.fullmatch(name):
        hint = "use letters, digits and '_', and within it '-' and '.'"
        raise refused("{name} cannot begin the names of alerts", hint, name=repr(name))
    return name


def _objective(percent: float) -> float:
    if not 0 < percent < 100:
        hint = "write a percentage between 0 and 100, such as 99.9"
        raise refused("an objective of {percent} % leaves no budget to watch", hint, percent=promql.number(percent))
    return percent


def _tier(name: str) -> str:
    if not TIER.fullmatch(name):
        hint = "use small letters, digits and '-', as in page-quick"
        raise refused("{name} cannot name a tier", hint, name=repr(name))
    return name


class Manner(Part):
    """How a burn alerts: what `page` and `ticket` say for all their tiers, and a tier for itself."""

    enabled: bool | None = None
    alert: Text | None = None
    severity: Severity | None = None
    summary: Text | None = None
    hold: Duration | None = Field(None, alias="for")
    keep_firing_for: Duration | None = None
    labels: dict[str, Value] = Field(default_factory=dict)
    annotations: dict[str, Value] = Field(default_factory=dict)


class Tier(Manner):
    """How fast a burn, seen over which windows, alerts how loudly; of a tier by default, what differs."""

    long: Window | None = None
    short: Window | None = None
    long_only: bool | None = None
    factor: AboveZero | None = None
    budget_percent: AboveZero | None = None

    @model_validator(mode="after")
    def _factor_or_budget(self) -> Self:
        if self.factor is not None and self.budget_percent is not None:
            raise refused("has both factor and budget_percent", "keep one: the other follows from it")
        if self.long_only and self.short is not None:
            raise refused("has long_only and a short window", "keep one of them")
        return self


SLIS = ("requests", "latency", "time_slices", "error_ratio")


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
    service: Annotated[Text, AfterValidator(_name)] | None = fact(None, doc="what it is promised of")
    requests: Requests | None = fact(None, doc="total, and errors or good: rates with the same labels; or")
    latency: Latency | None = fact(None, doc="histogram and threshold, with native, by, range; or")
    time_slices: TimeSlices | None = fact(None, doc="expr, and above or the like: when a slice of time is bad; or")
    error_ratio: ErrorRatio | None = fact(None, doc="expr: the bad share itself")
    sli: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")] | None = fact(
        None, doc="a name for what is measured, which SLOs may share"
    )
    minimum: AboveZero | None = fact(None, doc="the least traffic that is judged", unit="of the total")
    page: Manner = Field(
        default_factory=Manner,
        description="of all tiers that page: enabled, alert, severity, summary, for, keep_firing_for, labels, "
        "annotations",
    )
    ticket: Manner = Field(default_factory=Manner, description="the same, of all tiers that open a ticket")
    default_tiers: bool = fact(True, doc="false: only the tiers under tiers")
    tiers: dict[Annotated[str, AfterValidator(_tier)], Tier] = Field(
        default_factory=dict,
        description="by name: long, short, factor or budget_percent, and what page and ticket know",
    )
    summary: Text | None = fact(None, doc="of each alert")
    series_labels: dict[str, Value] = fact({}, doc="labels of the SLO's own series, and so of its alerts")
    info_labels: dict[str, Value] = fact({}, doc="labels of its series of information alone")

    @model_validator(mode="after")
    def _one_sli(self) -> Self:
        given = [key for key in SLIS if getattr(self, key) is not None]
        if len(given) != 1:
            what = f"has {' and '.join(given)}" if given else "does not say what is measured"
            raise refused("{what}", f"give exactly one of {', '.join(SLIS)}", what=what)
        if self.minimum is not None and self.error_ratio:
            raise refused("has a minimum, and no total", "remove it, or give requests: errors and total")
        return self
