"""The alerts that series become: a rule's labels put on, and the evaluations that fail because two become one.

Source: prometheus rules/alerting.go (AlertingRule.Eval).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from generator.backtest.runs import Run, joined, shared
from generator.rule import Rule
from tocsin.model import Labels
from tocsin.promanswer import NotPrometheus

LABEL_OF = re.compile(r"\{\{-?\s*(?:\$labels|\.Labels)\.([a-zA-Z_][a-zA-Z0-9_]*)\s*-?\}\}")
_METRIC = msgspec.json.Decoder(dict[str, str])


@dataclass(frozen=True, slots=True)
class Alerted:
    """One alert of a rule by its labels, and the evaluations at which its series were there."""

    labels: Labels
    present: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Alerts:
    """A rule's alerts; `clashing` are evaluations at which two series have the same labels: Prometheus fails those."""

    found: tuple[Alerted, ...]
    clashing: tuple[Run, ...]


def alerts(rule: Rule, labels: Labels, series: Mapping[bytes, Sequence[Run]]) -> Alerts:
    """The alerts of series by their labels' JSON; `labels` are the rule's and its group's.

    Raises:
        NotPrometheus: labels cannot be read.
    """
    by_labels: dict[frozenset[tuple[str, str]], list[Sequence[Run]]] = {}
    for metric, runs in series.items():
        by_labels.setdefault(frozenset(_labelled(rule, labels, _decoded(metric)).items()), []).append(runs)
    found = tuple(
        Alerted(dict(sorted(key)), tuple(joined(run for runs in parts for run in runs)))
        for key, parts in by_labels.items()
    )
    clashing = [run for parts in by_labels.values() if len(parts) > 1 for run in shared(r for p in parts for r in p)]
    return Alerts(found, tuple(joined(clashing)))


def left_as_written(labels: Labels) -> list[str]:
    """The names of labels whose templates ask for more than a label of the series."""
    return [name for name, text in labels.items() if "{{" in LABEL_OF.sub("", text)]


def _labelled(rule: Rule, labels: Labels, metric: Labels) -> Labels:
    put_on = {name: LABEL_OF.sub(lambda found: metric.get(found[1], ""), text) for name, text in labels.items()}
    every = {**metric, **put_on, "alertname": rule.name}
    return {name: value for name, value in every.items() if value and name != "__name__"}


def _decoded(metric: bytes) -> dict[str, str]:
    try:
        return _METRIC.decode(metric)
    except msgspec.DecodeError as error:
        raise NotPrometheus(f"the query is answered with labels that cannot be read: {error}") from error
