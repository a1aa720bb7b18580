"""The exporter's configuration file: where to ask, and what."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import re2
from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from exporter.query_files import QueriesFrom, read, twice
from tocsin.config import Duration, Fault, OneOrMore, Settings
from tocsin.errors import InputError
from tocsin.problem import has_errors
from tocsin.promapi import MOST_BYTES
from tocsin.promconfig import Second, ServerSettings

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
LONGEST_HORIZON = timedelta(days=7)


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        hint = "write it as in Europe/Berlin, or UTC"
        raise PydanticCustomError("zone", "{value} is not a time zone", {"value": repr(value), "hint": hint}) from error
    return value


Zone = Annotated[str, AfterValidator(_zone)]


class PrometheusSettings(ServerSettings):
    """The servers that are asked, the next one when one does not answer; and how, as Prometheus writes it."""

    concurrency: int = Field(4, ge=1, description="Range queries that are on their way at once.")
    max_answer_bytes: int = Field(MOST_BYTES, ge=1_000_000, description="A larger answer is not taken.")


SHARD_PLACE = "$(shard)"  # in a divided query's expression
LAST_LETTERS = tuple(f".*{letter}" for letter in "0123456789abcdefghijklmnopqrstuvwxyz")


def _pattern(value: str) -> str:
    try:
        re2.compile(value)
    except re2.error as error:
        hint = "it is a regular expression as Prometheus has them: [a-m].*"
        raise PydanticCustomError("pattern", "{value} cannot be read", {"value": repr(value), "hint": hint}) from error
    return value


class ShardSettings(Settings):
    """How one very large query is divided among shards."""

    label: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")] = Field(
        description="Whose value says where a series belongs."
    )
    patterns: tuple[Annotated[str, AfterValidator(_pattern)], ...] = Field(
        LAST_LETTERS, description="Each is a part; what none of them matches is one more."
    )


Published = Literal["score", "band", "forecast"]


class ThresholdSettings(Settings):
    """A limit of a query's values."""

    name: Name = Field(description="Stands in the label `threshold`.")
    above: float | None = Field(None, description="Beyond is above this.")
    below: float | None = Field(None, description="Beyond is below this.")

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise PydanticCustomError(
                "threshold", "needs one of above and below", {"hint": "write {name: full, above: 0.9}"}
            )
        return self


class ModelSettings(Settings):
    """A forecaster or detector of sktime, or `default`."""

    sktime: str = Field("", description="Its name there; without one, the default model.")
    params: dict[str, Any] = Field({}, description="Its parameters.")
    window: Second = Field(timedelta(days=3), description="Of the newest values that a fit sees.")
    refit: Second = Field(timedelta(days=1), description="From fit to fit.")
    update: Second = Field(timedelta(hours=1), description="From update to update, between fits.")

    def __hash__(self) -> int:
        return hash(self.model_dump_json())

    @model_validator(mode="before")
    @classmethod
    def _default(cls, value: Any) -> Any:
        return {} if value == "default" else value

    @model_validator(mode="after")
    def _exists(self) -> Self:
        from exporter.models.sktime_names import Refused, estimator

        if not self.sktime and self.params:
            hint = "name one of sktime: `tocsin exporter models` lists them"
            raise PydanticCustomError("model", "the default model has no params", {"hint": hint})
        try:
            if self.sktime:
                estimator(self.sktime, self.params)
        except Refused as refused:
            told = {"message": str(refused), "hint": refused.hint}
            raise PydanticCustomError("model", "{message}", told) from refused
        return self


class GroupSettings(Settings):
    """Series that are judged together."""

    by: OneOrMore[Annotated[str, StringConstraints(min_length=1)]] = Field(description="Labels that make a group.")


class FitSettings(Settings):
    """Where models that are expensive to fit are fitted."""

    workers: int = Field(0, ge=0, description="Processes; 0: one for each core but one.")


class DaskSettings(Settings):
    """A cluster of dask.distributed."""

    scheduler: str = Field(pattern=r"^(tcp|tls)://", description="Its address.")


class QuerySettings(Settings):
    """One query and what is done with its series."""

    name: Name = Field(description="Stands in the label `query`.")
    expr: Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)] = Field(description="PromQL.")
    step: Second = Field(timedelta(minutes=1), description="From score to score.")
    history: Duration = Field(timedelta(days=14), description="Read once, at the start.")
    delay: Duration = Field(timedelta(seconds=30), description="Younger samples are left for the next step.")
    horizons: tuple[Second, ...] = Field((), description="How far ahead is forecast.")
    thresholds: tuple[ThresholdSettings, ...] = Field((), description="Limits; the time until each is told.")
    threshold_horizon: Second = Field(LONGEST_HORIZON, description="How far ahead thresholds are looked for.")
    publish: tuple[Published, ...] = Field((), description="Which of them; empty: what the other settings ask for.")
    time_zone: Zone = Field("UTC", description="Whose clocks the day and the week follow.")
    holidays: tuple[date, ...] = Field((), description="Days that are like Sundays.")
    direction: Literal["both", "up", "down"] = Field("both", description="Which deviations are of interest.")
    minimum: float = Field(-math.inf, description="No value lies below.")
    maximum: float = Field(math.inf, description="No value lies above.")
    least_deviation: float = Field(0.0, ge=0, description="Smaller deviations do not matter.")
    least_share: float = Field(0.0, ge=0, description="The same, as a share of the expected value.")
    false_alarms_per_month: float = Field(0.05, gt=0, description="Wanted, for each series, where all is well.")
    shard_by: ShardSettings | None = Field(None, description="How `--shard` divides this query's series.")
    max_series: int = Field(100_000, ge=1, description="What comes beyond is left out.")
    model: ModelSettings = Field(ModelSettings(), description="Which model: one of sktime, by name.")
    challenger: ModelSettings | None = Field(None, description="Another model, which takes over if it is better.")
    trial: Second = Field(timedelta(days=7), description="How long it has to be better.")
    group: GroupSettings | None = Field(None, description="Which series are judged together, too.")

    @model_validator(mode="after")
    def _bounds_fit(self) -> Self:
        if self.minimum >= self.maximum:
            raise PydanticCustomError("bounds", "minimum is not below maximum", {"hint": "leave one of them out"})
        return self

    @model_validator(mode="after")
    def _thresholds_fit(self) -> Self:
        _once([threshold.name for threshold in self.thresholds], "threshold", "give each threshold a name of its own")
        if not self.step <= self.threshold_horizon <= LONGEST_HORIZON:
            raise PydanticCustomError(
                "horizon", "threshold_horizon does not fit the step", {"hint": "from step up to 7d"}
            )
        return self

    @model_validator(mode="after")
    def _publishing_fits(self) -> Self:
        if "forecast" in self.publish and not self.horizons:
            hint = "add horizons: [1h], or write band for what is expected now"
            raise PydanticCustomError(
                "publish", "forecast is to be published, but there are no horizons", {"hint": hint}
            )
        return self

    @model_validator(mode="after")
    def _shards_fit(self) -> Self:
        if (self.shard_by is not None) != (SHARD_PLACE in self.expr):
            hint = f"shard_by and {SHARD_PLACE} belong together: write rate(requests{{{SHARD_PLACE}}}[5m])"
            raise PydanticCustomError("shard", "says only half of how it is divided", {"hint": hint})
        return self

    @model_validator(mode="after")
    def _horizons_fit(self) -> Self:
        for horizon in self.horizons:
            if not self.step <= horizon <= LONGEST_HORIZON or horizon % self.step:
                hint = "make each a multiple of step, up to 7d"
                raise PydanticCustomError("horizon", "a horizon does not fit the step", {"hint": hint})
        if len(set(self.horizons)) < len(self.horizons):
            raise PydanticCustomError("horizon", "a horizon stands there twice", {"hint": "name each once"})
        return self


def _distinct(queries: tuple[QuerySettings, ...]) -> tuple[QuerySettings, ...]:
    hint = "the name stands in the label `query`: give each query its own"
    _once([query.name for query in queries], "duplicate", hint)
    return queries


def _once(names: Sequence[str], check: str, hint: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise PydanticCustomError(check, "the name {name} stands there twice", {"name": name, "hint": hint})


class RuleSettings(Settings):
    """Other people's alert rules, and how likely each is to fire."""

    prometheus: bool = Field(True, description="Those that the server evaluates, from its rules API.")
    files: tuple[str, ...] = Field((), description="Those in rule files.")
    horizons: tuple[Second, ...] = Field(
        (timedelta(hours=1), timedelta(hours=4), timedelta(days=1)), description="Within which a rule may fire."
    )
    refresh: Second = Field(timedelta(minutes=1), description="Rules are read again so often.")
    step: Second | None = Field(None, description="From probability to probability.")
    history: Duration = Field(timedelta(days=14), description="As for queries.")
    delay: Duration = Field(timedelta(seconds=30), description="As for queries.")
    time_zone: Zone = Field("UTC", description="As for queries.")
    max_series: int = Field(10_000, ge=1, description="As for queries, for each rule.")

    @field_validator("files")
    @classmethod
    def _beside_the_file(cls, files: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        folder = (info.context or {}).get("folder", Path())
        return tuple(str(folder / file) for file in files)

    @model_validator(mode="after")
    def _some_rules(self) -> Self:
        if not self.prometheus and not self.files:
            raise PydanticCustomError("rules", "names no rules", {"hint": "name files, or leave prometheus: true"})
        longest = max(self.horizons, default=timedelta())
        if not timedelta() < longest <= LONGEST_HORIZON or len(set(self.horizons)) < len(self.horizons):
            raise PydanticCustomError("horizon", "horizons are not usable", {"hint": "name each once, up to 7d"})
        return self


class QueryFile(Settings):
    """A file of `query_files`: queries alone."""

    queries: Annotated[OneOrMore[QuerySettings], AfterValidator(_distinct)] = Field(description="What to ask.")


class ExporterConfig(Settings):
    """The whole file."""

    _files: list[QueriesFrom[QueryFile]] = PrivateAttr(default_factory=list)

    prometheus: PrometheusSettings = Field(description="Where to ask.")
    queries: Annotated[tuple[QuerySettings, ...], AfterValidator(_distinct)] = Field((), description="What to ask.")
    query_files: tuple[str, ...] = Field((), description="Files of more queries; globs.")
    rules: RuleSettings | None = Field(None, description="Alert rules whose firing is forecast.")
    fits: FitSettings = Field(FitSettings(), description="Where expensive models are fitted.")
    dask: DaskSettings | None = Field(None, description="A cluster that fits them instead.")

    @model_validator(mode="after")
    def _with_files(self, info: ValidationInfo) -> Self:
        if not self.queries and not self.query_files:
            hint = "name at least one under queries, or files of them under query_files"
            raise PydanticCustomError("queries", "there are no queries", {"hint": hint})
        self._files, problems = read(self.query_files, (info.context or {}).get("folder", Path()), QueryFile)
        if has_errors(problems):
            raise InputError(problems)
        return self

    @property
    def every_query(self) -> tuple[QuerySettings, ...]:
        """The file's own queries, then those of `query_files`."""
        return (*self.queries, *(query for one in self._files for query in one.settings.queries))

    def faults(self) -> Iterable[Fault]:
        """Names that stand in two files."""
        others = [(one.document, [query.name for query in one.settings.queries]) for one in self._files]
        return twice([query.name for query in self.queries], others)
