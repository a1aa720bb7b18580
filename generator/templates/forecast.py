"""`forecast`: a value will be beyond a limit, as far as one can tell."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import StringConstraints, ValidationInfo, field_validator, model_validator

from generator import facts
from generator.facts import Engines, Window, duration_from, exactly_one, fact, number_where, refuse
from generator.fields import Number, PromQL
from generator.matchers import Matchers, selector
from generator.outlook import outlook
from generator.template import Plan, Template
from tocsin import duration, promql
from tocsin.config import Duration
from tocsin.promql import Term

CHECK = "forecast"
ENGINES = Engines(
    CHECK,
    {
        "exporter": ("query", "rule", "threshold", "matchers", "bound", "probability"),
        "promql": ("expr", "window", "season"),
    },
    asks={"exporter": ("query", "rule"), "promql": ("expr",)},
)
SERIES = {"expected": "tocsin_forecast", "lower": "tocsin_forecast_lower", "upper": "tocsin_forecast_upper"}
UNTIL = {
    "expected": "tocsin_time_to_threshold_seconds",
    "lower": "tocsin_time_to_threshold_lower_seconds",
    "upper": "tocsin_time_to_threshold_upper_seconds",
}
BREACH = "tocsin_breach_probability"
OWN_LABELS = ("query", "rule", "horizon", "threshold")
MOST_LIKELY = 0.8

Probability = Annotated[
    Number,
    number_where(CHECK, lambda value: 0 < value < 1, "is no probability to exceed", "write a share of 1: 0.8 for 80 %"),
]
Ahead = Annotated[Duration, duration_from(CHECK, timedelta(minutes=1), "is not ahead")]
QueryName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]


class Forecast(Template):
    """What a value will be after `horizon`, above or below a limit; or when it is beyond, or a rule likely to fire.

    `engine: exporter` reads what the exporter says of a query (its forecast, the time to a threshold) or of a rule (its
    breach probability). `engine: promql`
    records a forecast of its own: the line through `window`, or with `season` what followed this time then.
    """

    example: ClassVar[str] = """\
- alert: PlayersBeyondCapacityInAnHour
  forecast:
    query: players_online
    horizon: 1h
    above: 50000
  for: 10m
  severity: warning
  summary: '{{ $labels.region }} will have {{ $value | humanize }} players in an hour'
  runbook: https://example.org/runbooks/capacity
"""

    engine: Literal["exporter", "promql"] = fact(
        "exporter", doc="who forecasts"
    )  # first, so that it is known when the others are looked at
    horizon: Ahead = fact(
        doc="how far ahead, at least 1m; with engine exporter one that is published, with threshold any"
    )
    above: Number | None = fact(None, doc="the limit that will be exceeded", unit="of the value")
    below: Number | None = fact(None, doc="the limit that the value will fall below", unit="of the value")

    query: QueryName | None = fact(None, doc="exporter: the name of a query in exporter.yml")
    rule: Annotated[str, StringConstraints(min_length=1)] | None = fact(
        None, doc="exporter: the rule whose breach is forecast; takes probability in place of a limit"
    )
    threshold: QueryName | None = fact(
        None,
        doc="exporter: one of the query's thresholds, in place of a limit: reached within horizon",
    )
    matchers: Matchers = fact({}, doc="exporter: which series: a label and its value, or =~, != or !~ and a value")
    bound: Literal["expected", "lower", "upper"] = fact("expected", doc="exporter: which line is compared")
    probability: Probability = fact(MOST_LIKELY, doc="exporter: how likely the breach must be", unit="share of 1")

    expr: PromQL | None = fact(None, doc="promql: what is forecast: one value a series")
    window: Window = fact(timedelta(hours=6), doc="promql: the time that is continued, at least 1m")
    season: Annotated[Duration, facts.season(CHECK)] | None = fact(
        None, doc="promql: 1d or 1w, for what follows the time of day or week; no line is drawn then"
    )

    @model_validator(mode="before")
    @classmethod
    def _serves_the_engine(cls, given: Any) -> Any:
        return ENGINES.chosen(given)

    @field_validator("*", mode="before")
    @classmethod
    def _belongs_to_the_engine(cls, value: Any, info: ValidationInfo) -> Any:
        return ENGINES.belongs(value, info)

    @field_validator("matchers")
    @classmethod
    def _own_labels_stand_apart(cls, matchers: Matchers) -> Matchers:
        for label in OWN_LABELS:
            if label in matchers:
                refuse(CHECK, f"{label} is a fact of its own", f"write {label}: … beside matchers")
        return matchers

    @field_validator("season")
    @classmethod
    def _season_reaches_ahead(cls, season: timedelta | None, info: ValidationInfo) -> timedelta | None:
        horizon = info.data.get("horizon")
        if season and horizon and horizon >= season:
            shown = duration.show(season)
            refuse(CHECK, f"{shown} ago has not seen {duration.show(horizon)} ahead", f"keep horizon below {shown}")
        return season

    @model_validator(mode="after")
    def _has_what_the_engine_needs(self) -> Self:
        if self.engine == "promql" and self.expr is None:
            hint = "add expr: the PromQL whose value is forecast"
            raise facts.missing("engine promql needs the key 'expr'", hint)
        if self.engine == "exporter":
            exactly_one(CHECK, query=self.query, rule=self.rule)
        if self.rule is None:
            exactly_one(CHECK, above=self.above, below=self.below, threshold=self.threshold)
        return self

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        given = self.model_fields_set
        strange = (
            [key for key in ("above", "below", "bound", "threshold") if key in given] if self.rule else ["probability"]
        )
        for key in strange:
            if key in given:
                what, other = ("rule", "query") if self.rule else ("query", "rule")
                refuse(CHECK, f"{key} does not go with {what}", f"remove {key}, or write {other}: … for {what}")
        if "window" in given and self.season:
            refuse(CHECK, "has window and season", "give one: window continues a line, season repeats what followed")
        return self

    def plan(self, prefix: str) -> Plan:
        if self.expr is not None:
            recordings = outlook(self.expr, prefix, self.horizon, self.window, self.season)
            return Plan(self._beyond(promql.parse(recordings[-1].name).term).parsed(), recordings)
        own = {"horizon": _as_published(self.horizon), **self.matchers}
        if self.rule is not None:
            likely = selector(BREACH, {"rule": self.rule, **own})
            return Plan(promql.binary(likely.term, ">", promql.literal(self.probability)).parsed())
        if self.threshold is not None:
            when = {"query": str(self.query), "threshold": self.threshold, **self.matchers}
            soon = promql.literal(self.horizon.total_seconds())
            return Plan(promql.binary(selector(UNTIL[self.bound], when).term, "<", soon).parsed())
        return Plan(self._beyond(selector(SERIES[self.bound], {"query": str(self.query), **own}).term).parsed())

    def _beyond(self, value: Term) -> Term:
        if self.above is not None:
            return promql.binary(value, ">", promql.literal(self.above))
        assert self.below is not None  # exactly one of them is given
        return promql.binary(value, "<", promql.literal(self.below))


def _as_published(horizon: timedelta) -> str:
    """A horizon as the exporter's label shows it: Prometheus's way, but 7d and not 1w."""
    shown = duration.show(horizon)
    return f"{horizon.days}d" if shown.endswith("w") else shown
