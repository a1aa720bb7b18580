"""Alert rules as queries of their own, which are watched like any other; rules on one expression share one."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from exporter.config import QuerySettings, RuleSettings
from exporter.publishing.breach import Asked
from exporter.rules.alertrule import AlertRule, Rules
from exporter.rules.own import metrics, own_records, rests_on_own
from exporter.rules.parsing import NotSimulated, Part, parts

AlertLabels = tuple[tuple[str, str], ...]

LEAST_STEP = timedelta(minutes=1)  # a group that is evaluated more often is read this often, unless a step is set
NAME = re.compile(r"[^A-Za-z0-9_.:-]")
LONGEST_NAME = 40


class RuleQuery(QuerySettings):
    """A query that was derived from alert rules on one expression."""

    rules: tuple[Asked, ...]
    within: tuple[timedelta, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A rule that is not simulated, and why: a word, and a sentence."""

    rule: AlertRule
    reason: str
    why: str


@dataclass(frozen=True, slots=True)
class Derived:
    """What was made of the rules: queries, the rules that are simulated with their parts, and the others."""

    queries: tuple[RuleQuery, ...] = ()
    simulated: tuple[tuple[AlertRule, tuple[Part, ...]], ...] = ()
    left_out: tuple[LeftOut, ...] = ()


def derive(rules: Rules, settings: RuleSettings) -> Derived:
    """Queries of the rules that can be simulated, and the others with their reasons, in the rules' order."""
    own = own_records(rules.records)
    simulated, left_out = list[tuple[AlertRule, tuple[Part, ...]]](), list[LeftOut]()
    for rule in rules.alerts:
        try:
            if rests_on_own(metrics(rule.expr), own):
                raise NotSimulated("own")
            simulated.append((rule, parts(rule.expr)))
        except NotSimulated as error:
            left_out.append(LeftOut(rule, error.reason, str(error)))
    return Derived(tuple(_queries(simulated, settings)), tuple(simulated), tuple(left_out))


def _queries(simulated: Sequence[tuple[AlertRule, Sequence[Part]]], settings: RuleSettings) -> Iterator[RuleQuery]:
    """One query for all rules on an expression at a step; rules that carry the same labels stand in different ones."""
    shared: dict[tuple[str, timedelta, int], list[Asked]] = {}
    often = Counter[tuple[str, timedelta, AlertLabels]]()
    for rule, found in simulated:
        step, labels = settings.step or max(rule.interval, LEAST_STEP), tuple(rule.labels.items())
        for part in found:
            which = (part.expr, step)
            shared.setdefault((*which, often[*which, labels]), []).append(Asked(part.condition, rule.hold, labels))
            often[*which, labels] += 1
    for (expr, step, number), asked in shared.items():
        yield RuleQuery(
            name=_name(expr, step) + (f".{number + 1}" if number else ""),
            expr=expr,
            step=step,
            history=settings.history,
            delay=settings.delay,
            time_zone=settings.time_zone,
            max_series=settings.max_series,
            rules=tuple(asked),
            within=settings.horizons,
        )


def _name(expr: str, step: timedelta) -> str:
    """The same for an expression however often rules are read: a metric's name, and a digest."""
    digest = hashlib.sha256(f"{expr}\0{step}".encode()).hexdigest()[:8]
    metric = next(iter(metrics(expr)), "")
    return f"rule:{NAME.sub('_', metric)[:LONGEST_NAME]}:{digest}"
