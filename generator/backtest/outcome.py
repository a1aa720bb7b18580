"""What a backtest found, rule by rule; times are aware and in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from generator.rule import Rule
from tocsin.model import Labels
from tocsin.problem import Problem
from tocsin.promql import Expression


@dataclass(frozen=True, slots=True)
class Firing:
    """One alert from when it began to fire to when it no longer did; its labels are those that Alertmanager gets.

    `start` is the evaluation at which it went from pending to firing, or the first one looked at if it fired before
    (`began_before`); `end` the first at which it no longer fired, None if it still does.
    """

    labels: Labels
    start: datetime
    end: datetime | None
    began_before: bool = False


@dataclass(frozen=True, slots=True)
class Data:
    """How much of the range the rule had anything to look at: from when, until when, and at which share of times."""

    first: datetime | None
    last: datetime | None
    share: float


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """One alert over the range; `pending` counts the times it was pending and never fired.

    `interval` lies between its evaluations; `asked` is its expression as the server was asked for it, without records.
    """

    rule: Rule
    group: str
    pack: str
    interval: timedelta
    firings: tuple[Firing, ...]
    pending: int
    data: Data | None
    problems: tuple[Problem, ...] = ()
    asked: Expression | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """A backtest: the range `[start, end]`, and what became of each alert. What could not be asked is a problem."""

    start: datetime
    end: datetime
    rules: tuple[RuleOutcome, ...]
    problems: tuple[Problem, ...] = ()
