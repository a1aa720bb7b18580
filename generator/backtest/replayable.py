"""One alert where it stands, and how it is evaluated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from generator.backtest.evaluations import evaluations, milliseconds
from generator.backtest.firings import Fired
from generator.backtest.outcome import Data, RuleOutcome
from generator.backtest.rhythm import Rhythm
from generator.inlining import Moments
from generator.rule import Group, Pack, Rule
from tocsin.model import Labels
from tocsin.problem import Problem
from tocsin.promql import Expression

KEPT_ON = 10  # times `keep_firing_for` that an alert may have lived on it before the start
NEVER = Fired((), 0)


@dataclass(frozen=True, slots=True)
class Replayable:
    """An alert of a group of a pack; `offset` is where in the interval its evaluations lie."""

    rule: Rule
    group: Group
    pack: Pack
    interval: timedelta
    offset: timedelta
    query_offset: timedelta

    @property
    def labels(self) -> Labels:
        """What it puts on its series."""
        return {**self.group.labels, **self.rule.labels}

    def times(self, start: datetime, end: datetime) -> range:
        """Its evaluations, so many before the start that what fires then is known.

        What is kept firing may have begun long ago, and been there since for too short a time to fire anew.
        """
        before = self.rule.hold + KEPT_ON * self.rule.keep_firing_for + self.interval
        return evaluations(start - before, end, self.interval, self.offset)

    @property
    def moments(self) -> Moments:
        """The times for which its evaluations ask."""
        return Moments(self.interval, (self.offset - self.query_offset) % self.interval)

    def queried(self, times: range) -> range:
        """The times for which these evaluations ask."""
        shift = milliseconds(self.query_offset)
        return range(times.start - shift, times.stop - shift, times.step)

    def outcome(
        self,
        seen: Fired = NEVER,
        data: Data | None = None,
        problems: Sequence[Problem] = (),
        asked: Expression | None = None,
    ) -> RuleOutcome:
        """What became of it."""
        return RuleOutcome(
            self.rule,
            self.group.name,
            self.pack.name,
            self.interval,
            seen.firings,
            seen.pending,
            data,
            tuple(problems),
            asked,
        )


def replayable(pack: Pack, rules: Callable[[Rule], bool], rhythm: Rhythm) -> Iterator[Replayable]:
    """The wanted alerts of a pack."""
    for group in pack.groups:
        interval = rhythm.interval(group)
        for rule in group.rules:
            if rule.kind == "alert" and rules(rule):
                offset = rhythm.offset(group, rule, interval)
                yield Replayable(rule, group, pack, interval, offset, rhythm.query_offset(group))
