"""What may stand under `tests` of an alert or a record: series, and what the rule is to make of them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Self

from promql_parser import MatchOp, VectorSelector
from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from generator.fields import Number
from generator.schema import Text, Value
from tocsin import duration, promql
from tocsin.config import Duration, Settings
from tocsin.model import Labels
from tocsin.promql import PromQLError

MOST_SAMPLES = 200_000  # of all series of one test: promtool keeps them in memory
MOST_SERIES = 1_000
LONGEST = timedelta(days=400)
MINUTE = timedelta(minutes=1)

UNSIGNED = r"(?:[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9]+)"
NUMBER = rf"[-+]?(?:{UNSIGNED}|Inf|NaN)"
# One item of promtool's notation (prometheus: promql/parser/generated_parser.y, series_item).
ITEM = re.compile(rf"_(?:x(?P<gaps>[0-9]+))?|stale|{NUMBER}(?:[-+]{UNSIGNED})?(?:x(?P<more>[0-9]+))?")
HISTOGRAM = re.compile(r"\{\{[^{}]*\}\}(?:[-+]\{\{[^{}]*\}\})?(?:x(?P<more>[0-9]+))?")
NOTATION = "write promtool's notation: 1 2 3, 0x9 (ten times 0), 0+5x9 (0, 5, …, 45), _ (no sample), stale"


def _series(name: str) -> str:
    tree = _selector(name, 'write a metric and its labels: up{job="api"}')
    if not promql.metric(tree):
        raise _refused(f"{name!r} names no metric", 'write a metric and its labels: up{job="api"}')
    return name


def labels_of(name: str) -> Labels:
    """The labels in `{job="api"}` or `up{job="api"}`, without the metric's name."""
    if name.strip() in ("", "{}"):
        return {}
    tree = _selector(name, 'write the labels of one series: {job="api"}, or {} for none')
    return {m.name: m.value for m in tree.matchers.matchers if m.name != "__name__"}


def _labels(name: str) -> str:
    labels_of(name)
    return name


def _selector(name: str, hint: str) -> VectorSelector:
    try:
        tree = promql.parse(name).tree
    except PromQLError as error:
        raise _refused(f"{name!r} is no series: {error}", hint) from None
    if not isinstance(tree, VectorSelector) or tree.offset is not None or tree.at is not None:
        raise _refused(f"{name!r} is no series", hint)
    if any(m.op != MatchOp.Equal for m in tree.matchers.matchers):
        raise _refused(f"{name!r} is no series: a label has one value", hint)
    return tree


def _values(values: object) -> str:
    if not isinstance(values, str):
        hint = "put it in quotes: '0x9', '7'; without them YAML takes 0x9 for the number 9"
        raise _refused(f"the values are no text: {values!r}", hint)
    samples(values)
    return values


def samples(text: str) -> int:
    """How many samples the notation stands for.

    Raises:
        PydanticCustomError: it is none.
    """
    count, at = 0, 0
    text = text.strip()
    while at < len(text):
        found = ITEM.match(text, at) or HISTOGRAM.match(text, at)
        end = found.end() if found else at
        if not found or (end < len(text) and not text[end].isspace()):
            raise _refused(f"the values cannot be read at {text[at : at + 20]!r}", NOTATION)
        parts = found.groupdict()
        more, gaps = (int((parts.get(key) or "0")[:9]) for key in ("more", "gaps"))
        count += gaps or more + 1
        at = end + len(text[end:]) - len(text[end:].lstrip())
    if not count:
        raise _refused("no values", NOTATION)
    return count


def _time(time: timedelta) -> timedelta:
    if time > LONGEST:
        raise _refused("is too late", "write a time within 400 days after the beginning")
    return time


def _interval(interval: timedelta) -> timedelta:
    if not interval:
        raise _refused("holds no time", "write how far apart the samples are: 15s, 1m")
    return interval


def _refused(message: str, hint: str) -> PydanticCustomError:
    return PydanticCustomError("tests", "{message}", {"message": message, "hint": hint})


Series = Annotated[str, AfterValidator(_series)]
Notation = Annotated[str, BeforeValidator(_values)]
Time = Annotated[Duration, AfterValidator(_time)]


class _Played(Settings):
    """Series that are played to a rule, one value each `interval`."""

    name: Text | None = None
    interval: Annotated[Duration, AfterValidator(_interval)] = MINUTE
    series: Annotated[dict[Series, Notation], Field(max_length=MOST_SERIES)]

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if sum(map(samples, self.series.values())) > MOST_SAMPLES:
            hint = "take a longer interval, or fewer series"
            raise _refused(f"the series hold more than {MOST_SAMPLES:,} samples", hint)
        return self


class Fired(Settings):
    """One alert that fires: the labels and annotations that it must have; others may be there."""

    labels: dict[str, Value] = Field(default_factory=dict)
    annotations: dict[str, Value] = Field(default_factory=dict)


class AlertTest(_Played):
    """When an alert fires, and with `alerts` what exactly fires then: one item for each."""

    fires: tuple[Time, ...] = ()
    silent: tuple[Time, ...] = ()
    alerts: tuple[Fired, ...] | None = None

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if not self.fires and not self.silent:
            raise _refused("asks nothing", "write when it fires and when it does not: fires: [10m], silent: [9m]")
        if both := set(self.fires) & set(self.silent):
            at = duration.show(min(both))
            raise _refused(f"says that it fires and that it is silent at {at}", "remove it from one of the two")
        if self.alerts is not None and not self.fires:
            raise _refused("says what fires, and not when", "add fires: [10m]")
        return self


class RecordTest(_Played):
    """What a record holds: by time, by the labels of each of its series, the value."""

    values: dict[Time, dict[Annotated[str, AfterValidator(_labels)], Number]]

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if not self.values:
            raise _refused("values is empty", "write what it holds when: values: {10m: {'{job=\"api\"}': 5}}")
        return self
