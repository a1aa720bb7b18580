"""`anomaly`: a value is not as it usually is."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, StringConstraints, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from generator.bands import METHODS, Band, Direction
from generator.facts import Engines, fact, season
from generator.fields import Number, PromQL
from generator.matchers import Matchers, selector
from generator.template import Plan, Template
from tocsin import duration, promql
from tocsin.config import Duration

Engine = Literal["exporter", "promql"]

ENGINES = Engines(
    "anomaly",
    {
        "exporter": ("query", "matchers", "above"),
        "promql": ("expr", "method", "window", "season", "periods", "deviations", "minimum_deviation", "direction"),
    },
    asks={"exporter": ("query",), "promql": ("expr",)},
)

# The fact that each engine cannot do without.
REQUIRED: dict[Engine, tuple[str, str]] = {
    "exporter": ("query", "the name of a query in exporter.yml; or take engine: promql and expr"),
    "promql": ("expr", "the PromQL whose value is judged"),
}
WITHOUT_DIRECTION = "the exporter's score says how far a value is from what was expected, and not on which side"

# Heavy tails widen a standard deviation by themselves, and leave a MAD as it is.
DEVIATIONS = {"mad": 4.0, "deviation": 3.0}

SHORTEST_WINDOW = timedelta(minutes=10)
MOST_PERIODS = 8


def _above_zero(value: float) -> float:
    if not 0 < value < math.inf:
        what = {"value": promql.number(value), "hint": "write a number above 0"}
        raise PydanticCustomError("anomaly", "{value} leaves nothing to compare with", what)
    return value


def _window(window: timedelta) -> timedelta:
    if window < SHORTEST_WINDOW:
        what = {"window": duration.show(window), "hint": "write 10m or more; 1d sees a whole day"}
        raise PydanticCustomError("anomaly", "{window} is too short to show what is usual", what)
    return window


def _periods(periods: float) -> float:
    if periods not in range(1, MOST_PERIODS + 1):
        what = {"periods": promql.number(periods), "hint": f"write a whole number, 1 to {MOST_PERIODS}"}
        raise PydanticCustomError("anomaly", "{periods} is no number of earlier seasons", what)
    return periods


AboveZero = Annotated[Number, AfterValidator(_above_zero)]
Season = Annotated[Duration, season("anomaly")]


class Anomaly(Template):
    """The exporter's score of a query above a limit, or a value outside of a band that Prometheus records itself."""

    example: ClassVar[str] = """\
- alert: PlayerLatencyAnomalous
  anomaly:
    query: player_latency
    matchers: {region: "=~eu-.*"}
  for: 10m
  severity: warning
  summary: Latency in {{ $labels.region }} is not as it usually is
  runbook: https://example.org/runbooks/player-latency
"""

    engine: Engine = fact("exporter", doc="who judges")  # first, so that it is known when the others are looked at

    query: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")] | None = fact(
        None, doc="exporter: the name of a query in exporter.yml"
    )
    matchers: Matchers = fact({}, doc="exporter: which series: a label and its value, or =~, != or !~ and a value")
    above: AboveZero = fact(1, doc="exporter: the score that is too much; above 1 is anomalous")

    expr: PromQL | None = fact(None, doc="promql: what is judged: one value a series")
    method: Literal["mad", "deviation"] = fact(
        "mad", doc="promql: median and median absolute deviation, or mean and standard one"
    )
    window: Annotated[Duration, AfterValidator(_window)] = fact(
        timedelta(days=1), doc="promql: the time whose values say what is usual, at least 10m"
    )
    season: Season | None = fact(
        None, doc="promql: 1d or 1w: the centre is that of the same time of earlier days or weeks"
    )
    periods: Annotated[Number, AfterValidator(_periods)] = fact(3, doc="promql: how many earlier seasons, 1 to 8")
    deviations: AboveZero | None = fact(
        None, doc="promql: how far the band reaches; 4 with mad, 3 with deviation", unit="standard deviations"
    )
    minimum_deviation: AboveZero | None = fact(None, doc="promql: the least distance that matters", unit="of expr")
    direction: Direction = fact("both", doc="promql: on which side of the band the alert fires")

    @model_validator(mode="before")
    @classmethod
    def _serves_the_engine(cls, given: Any) -> Any:
        return ENGINES.chosen(given)

    @field_validator("*", mode="before")
    @classmethod
    def _belongs_to_the_engine(cls, value: Any, info: ValidationInfo) -> Any:
        return ENGINES.belongs(value, info, WITHOUT_DIRECTION if info.field_name == "direction" else "")

    @field_validator("matchers")
    @classmethod
    def _query_stands_apart(cls, matchers: Matchers) -> Matchers:
        if "query" in matchers:
            hint = "write query: <name> beside matchers"
            raise PydanticCustomError("anomaly", "the query is a fact of its own", {"hint": hint})
        return matchers

    @field_validator("periods")
    @classmethod
    def _periods_are_of_a_season(cls, periods: float, info: ValidationInfo) -> float:
        if "season" in info.data and info.data["season"] is None:
            hint = "add season: 1d or season: 1w, or remove periods"
            raise PydanticCustomError("anomaly", "counts earlier seasons, and there is no season", {"hint": hint})
        return periods

    @model_validator(mode="after")
    def _has_what_the_engine_needs(self) -> Self:
        fact, meaning = REQUIRED[self.engine]
        if getattr(self, fact) is None:
            what = {"engine": self.engine, "fact": repr(fact), "hint": f"add {fact}: {meaning}"}
            raise PydanticCustomError("missing-key", "engine {engine} needs the key {fact}", what)
        return self

    def plan(self, prefix: str) -> Plan:
        if self.expr is None:
            score = selector("tocsin_anomaly_score", {"query": str(self.query), **self.matchers})
            return Plan(promql.binary(score.term, ">", promql.literal(self.above)).parsed())
        return self._band().plan(self.expr, prefix)

    def _band(self) -> Band:
        return Band(
            method=METHODS[self.method],
            window=self.window,
            season=self.season,
            periods=int(self.periods),
            deviations=self.deviations or DEVIATIONS[self.method],
            minimum_deviation=self.minimum_deviation,
            direction=self.direction,
        )
