"""The tests that a pack gives of its own rules: looked at when the pack is compiled, played when it is tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from pydantic import ValidationError

from generator.proof.case import Case
from generator.proof.schema import AlertTest, Fired, RecordTest, labels_of
from generator.reading import Reading
from generator.rule import Rule
from tocsin.problem import Position
from tocsin.yamltree import YamlPath

Series = frozenset[tuple[str, str]]  # a label set, without the metric's name

MODELS: Mapping[str, type[AlertTest | RecordTest]] = {"alert": AlertTest, "record": RecordTest}


@dataclass(frozen=True, slots=True)
class Trial:
    """A case and what is expected of it beyond firing: the alerts, for a record the values by time.

    `at` is where it was given; None where it was found from the rule.
    """

    case: Case
    alerts: tuple[Fired, ...] | None = None
    values: Mapping[timedelta, Mapping[Series, float]] | None = None
    at: Position | None = None

    @property
    def times(self) -> list[timedelta]:
        """When it is looked at."""
        return sorted({*self.case.fires, *self.case.silent, *(self.values or ())})


def look(tests: Sequence[Any], kind: Literal["alert", "record"], path: YamlPath, reading: Reading, name: str) -> None:
    """Notes what is wrong with the tests of a rule at the path, one by one."""
    for index, test in enumerate(tests):
        reading.model(MODELS[kind], test, (*path, "tests", index), name)


def given(rule: Rule) -> tuple[Trial, ...]:
    """What the pack says of a rule that it holds itself; nothing of what a template or an SLO brought along."""
    item = _item(rule)
    tests = item.get("tests") if isinstance(item, dict) and item.get(rule.kind) == rule.name else None
    trials: list[Trial] = []
    for index, test in enumerate(tests if isinstance(tests, list) else ()):
        try:
            read = MODELS[rule.kind].model_validate(test)
        except ValidationError:
            continue  # was told when the pack was compiled
        trials.append(_trial(read, index, rule.origin.at("tests", index)))
    return tuple(trials)


def _item(rule: Rule) -> Any:
    data = rule.origin.document.data
    for step in rule.origin.path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _trial(test: AlertTest | RecordTest, index: int, at: Position) -> Trial:
    name = test.name or f"test {index + 1}"
    if isinstance(test, AlertTest):
        case = Case(name, test.series, test.interval, tuple(sorted(test.fires)), tuple(sorted(test.silent)), "pack")
        return Trial(case, alerts=test.alerts, at=at)
    values = {
        time: {frozenset(labels_of(name).items()): value for name, value in series.items()}
        for time, series in test.values.items()
    }
    return Trial(Case(name, test.series, test.interval, (), (), "pack"), values=values, at=at)
