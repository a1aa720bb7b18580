"""`anomaly`: a value is not as it usually is."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from generator import promql
from generator.bands import METHODS, Band, Direction
from generator.matchers import Matchers, selector
from generator.promql import Number, PromQL
from generator.template import Plan, Template
from tocsin import duration
from tocsin.config import Duration

Engine = Literal["exporter", "promql"]

# The facts that each engine knows, and the one that it cannot do without.
FACTS: dict[Engine, tuple[str, ...]] = {
    "exporter": ("query", "matchers", "above"),
    "promql": ("expr", "method", "window", "season", "periods", "deviations", "minimum_deviation", "direction"),
}
REQUIRED: dict[Engine, tuple[str, str]] = {
    "exporter": ("query", "the name of a query in exporter.yml; or take engine: promql and expr"),
    "promql": ("expr", "the PromQL whose value is judged"),
}
WITHOUT_DIRECTION = "the exporter's score says how far a value is from what was expected, and not on which side"

# Heavy tails widen a standard deviation by themselves, and leave a MAD as it is.
DEVIATIONS = {"mad": 4.0, "deviation": 3.0}

SEASONS = (timedelta(days=1), timedelta(weeks=1))
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


def _season(season: timedelta) -> timedelta:
    if season not in SEASONS:
        hint = "write 1d or 1w; leave season out if no time of day or week is like another"
        what = {"season": duration.show(season), "hint": hint}
        raise PydanticCustomError("anomaly", "{season} is not a season", what)
    return season


def _periods(periods: float) -> float:
    if periods not in range(1, MOST_PERIODS + 1):
        what = {"periods": promql.number(periods), "hint": f"write a whole number, 1 to {MOST_PERIODS}"}
        raise PydanticCustomError("anomaly", "{periods} is no number of earlier seasons", what)
    return periods


AboveZero = Annotated[Number, AfterValidator(_above_zero)]


class Anomaly(Template):
    """The exporter's score of a query above a limit, or a value outside of a band that Prometheus records itself."""

    engine: Engine = "exporter"  # first, so that it is known when the others are looked at

    query: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")] | None = None
    matchers: Matchers = Field(default_factory=dict)
    above: AboveZero = 1

    expr: PromQL | None = None
    method: Literal["mad", "deviation"] = "mad"
    window: Annotated[Duration, AfterValidator(_window)] = timedelta(days=1)
    season: Annotated[Duration, AfterValidator(_season)] | None = None
    periods: Annotated[Number, AfterValidator(_periods)] = 3
    deviations: AboveZero | None = None
    minimum_deviation: AboveZero | None = None
    direction: Direction = "both"

    @field_validator("*", mode="before")
    @classmethod
    def _belongs_to_the_engine(cls, value: Any, info: ValidationInfo) -> Any:
        engine, fact = info.data.get("engine"), info.field_name
        other = next((name for name, facts in FACTS.items() if fact in facts), engine)
        if engine and other != engine:
            why = f": {WITHOUT_DIRECTION}" if fact == "direction" else f", and the alert has engine {engine}"
            hint = f"write engine: {other}, or remove it; engine {engine} knows {', '.join(FACTS[engine])}"
            raise PydanticCustomError(
                "anomaly", "belongs to engine {other}{why}", {"other": other, "why": why, "hint": hint}
            )
        return value

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
