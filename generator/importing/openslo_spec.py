"""What may stand in the objects of OpenSLO, `openslo/v1` and the older `openslo/v1alpha`.

Source: github.com/OpenSLO/OpenSLO, README.md of v1 and pkg/openslo/v1alpha.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, Field, model_validator

from generator.fields import Number
from generator.importing.openslo_types import (
    UNITS,
    AtLeast,
    BurnRate,
    ConditionKind,
    Hold,
    Method,
    Operator,
    Percent,
    Share,
    Shorthand,
    SliceShare,
    Unit,
)
from generator.importing.spec import Part, refused
from generator.schema import Text


class Metadata(Part):
    """What an object is called, and what is said of it."""

    name: Text
    display_name: Text | None = Field(None, alias="displayName")
    labels: dict[str, Any] = Field(default_factory=dict)
    annotations: dict[str, Any] = Field(default_factory=dict)


class Named(Part):
    """An object that stands within another."""

    api_version: Any = Field(None, alias="apiVersion")
    kind: Any = None
    metadata: Metadata | None = None


class MetricSource(Part):
    """Where a query is asked."""

    metric_source_ref: Text | None = Field(None, alias="metricSourceRef")
    type: Text | None = None
    spec: Any = None


class Metric(Part):
    """A query: of `v1` with its source around it, of `v1alpha` beside it."""

    metric_source: MetricSource | None = Field(None, alias="metricSource")
    source: Text | None = None
    query_type: Text | None = Field(None, alias="queryType")
    query: Text | None = None


class RatioMetric(Part):
    """Good ones or bad ones among all, or the share itself."""

    counter: bool | None = Field(None, validation_alias=AliasChoices("counter", "incremental"))
    good: Metric | None = None
    bad: Metric | None = None
    total: Metric | None = None
    raw: Metric | None = None
    raw_type: Literal["success", "failure"] | None = Field(None, alias="rawType")

    @model_validator(mode="after")
    def _one_ratio(self) -> Self:
        if self.raw is not None:
            if self.good or self.bad or self.total or self.raw_type is None:
                raise refused("raw stands alone, beside rawType", "write rawType: success or failure, and no good, bad")
        elif self.total is None or (self.good is None) == (self.bad is None):
            raise refused("is no ratio", "give total, and either good or bad; or raw and rawType")
        return self


class Sli(Part):
    """What is measured."""

    description: Text | None = None
    threshold_metric: Metric | None = Field(None, alias="thresholdMetric")
    ratio_metric: RatioMetric | None = Field(None, alias="ratioMetric")

    @model_validator(mode="after")
    def _one_metric(self) -> Self:
        if (self.threshold_metric is None) == (self.ratio_metric is None):
            raise refused("does not say what is measured", "give one of ratioMetric and thresholdMetric")
        return self


class Indicator(Named):
    """An SLI within an SLO."""

    spec: Sli


class Objective(Part):
    """How much must be good."""

    display_name: Text | None = Field(None, alias="displayName")
    op: Operator | None = None
    value: Number | None = None
    target: Share | None = None
    target_percent: Percent | None = Field(None, alias="targetPercent")
    time_slice_target: SliceShare | None = Field(None, alias="timeSliceTarget")
    time_slice_window: Shorthand | None = Field(None, alias="timeSliceWindow")
    ratio_metrics: RatioMetric | None = Field(None, alias="ratioMetrics")
    indicator: Indicator | None = None
    indicator_ref: Text | None = Field(None, alias="indicatorRef")
    composite_weight: Any = Field(None, alias="compositeWeight")

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.target is None) == (self.target_percent is None):
            raise refused("has no one target", "give target: 0.999, or targetPercent: 99.9")
        if self.composite_weight is not None:
            hint = "give each objective an SLO of its own: what burns one of them is not hidden by the others"
            raise refused("an objective composed of weighted ones cannot be kept", hint)
        return self

    @property
    def percent(self) -> float:
        """The target as a percentage: 0.999 is 99.9, and not 99.9000001."""
        if self.target_percent is not None:
            return self.target_percent
        return float(Decimal(str(self.target)) * 100)


class TimeWindow(Part):
    """Over which time; of `v1` a duration, of `v1alpha` a count of units."""

    duration: Shorthand | None = None
    unit: Unit | None = None
    count: Annotated[int, Field(gt=0, lt=10_000)] | None = None
    is_rolling: bool | None = Field(None, alias="isRolling")
    calendar: Any = None

    @model_validator(mode="after")
    def _rolling(self) -> Self:
        if self.calendar is not None or self.is_rolling is False:
            hint = "write isRolling: true and a duration such as 30d, without calendar: Prometheus looks back from now"
            raise refused("a window by the calendar cannot be kept", hint)
        if (self.duration is None) == (self.unit is None or self.count is None):
            raise refused("does not say how long", "write duration: 30d")
        return self

    @property
    def length(self) -> timedelta:
        """How long it is."""
        if self.duration is not None:
            return self.duration
        assert self.unit, "the model has one of the two"
        assert self.count, "and the number beside it"
        return self.count * UNITS[self.unit]


class Slo(Part):
    """An SLO's spec."""

    description: Text | None = None
    service: Text
    indicator: Any = None
    indicator_ref: Text | None = Field(None, alias="indicatorRef")
    budgeting_method: Method = Field("Occurrences", alias="budgetingMethod")
    time_window: list[Any] = Field(
        default_factory=list, validation_alias=AliasChoices("timeWindow", "timeWindows"), max_length=1
    )
    objectives: list[Any] = Field(min_length=1)
    alert_policies: list[Any] = Field(default_factory=list, alias="alertPolicies")


class AlertPolicy(Part):
    """When somebody is told."""

    description: Text | None = None
    alert_when_no_data: bool = Field(False, alias="alertWhenNoData")
    alert_when_resolved: bool = Field(False, alias="alertWhenResolved")
    alert_when_breaching: bool = Field(True, alias="alertWhenBreaching")
    conditions: list[Any] = Field(min_length=1, max_length=1)
    notification_targets: list[Any] = Field(default_factory=list, alias="notificationTargets")


class Condition(Part):
    """How fast a burn alerts."""

    kind: ConditionKind = "burnrate"
    op: AtLeast | None = None
    threshold: BurnRate
    lookback_window: Shorthand = Field(alias="lookbackWindow")
    alert_after: Hold = Field(timedelta(), alias="alertAfter")


class AlertCondition(Part):
    """How bad a burn is."""

    description: Text | None = None
    severity: Text
    condition: Condition
