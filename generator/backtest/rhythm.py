"""When rules are evaluated: how often, and at which moment of the interval, as far as the server says so.

Source: prometheus rules/group.go (EvalTimestamp): each group has its own offset within the interval, so that not
all are evaluated at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from generator.backtest.evaluations import EPOCH, milliseconds
from generator.rule import Group, Rule
from tocsin import promrules
from tocsin.promapi import Prometheus, QueryError
from tocsin.promrules import ServedGroup

LATE = timedelta(milliseconds=100)  # an evaluation begins at most, after its time


@dataclass(frozen=True, slots=True)
class Told:
    """What a server says: its own interval, and the interval and an evaluation of groups by (group, rule)."""

    interval: timedelta | None = None
    query_offset: timedelta = timedelta()
    seen: Mapping[tuple[str, str], tuple[timedelta, datetime]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When rules are evaluated; `step` takes the place of each interval, `default` of one that is not given."""

    told: Told
    default: timedelta
    step: timedelta | None = None

    def interval(self, group: Group) -> timedelta:
        """The time between two evaluations of an alert."""
        return self.step or group.interval or self.default

    def offset(self, group: Group, rule: Rule, interval: timedelta) -> timedelta:
        """At which moment of its interval the server evaluates the group; 0 where it has no such group."""
        found = self.told.seen.get((group.name, rule.name))
        if self.step or found is None or found[0] != interval or found[1] < EPOCH:
            return timedelta()
        return timedelta(milliseconds=milliseconds(found[1] - EPOCH)) % interval

    def query_offset(self, group: Group) -> timedelta:
        """How long before an evaluation what it sees is."""
        return self.told.query_offset if group.query_offset is None else group.query_offset

    def written(self, group: Group, rule: Rule, interval: timedelta) -> timedelta:
        """At which moment of its interval lie the samples of a record: at the time for which it asks."""
        return (self.offset(group, rule, interval) - self.query_offset(group)) % interval


async def of_server(server: Prometheus) -> Told:
    """What the server says; one that evaluates no rules, or does not tell, says nothing."""
    said = await promrules.config(server)
    try:
        groups = await promrules.rules_if_any(server)
    except QueryError:  # other servers have this page not so
        groups = []
    return Told(said.interval or None, said.query_offset, _seen(groups))


def _seen(groups: Sequence[ServedGroup]) -> Mapping[tuple[str, str], tuple[timedelta, datetime]]:
    return {
        (group.name, rule.name): (timedelta(seconds=group.interval), _evaluated(group, group.last))
        for group in groups
        if group.last and group.last.tzinfo and group.interval > 0
        for rule in group.rules or ()
    }


def _evaluated(group: ServedGroup, last: datetime) -> datetime:
    """An evaluation of the group: the last began a little after its time, which alerts since then have to the point."""
    alerts = (alert for rule in group.rules or () for alert in rule.alerts or ())
    times = [alert.active for alert in alerts if alert.active and alert.active.tzinfo]
    late = ((last - active) % timedelta(seconds=group.interval) for active in times)
    return last - min((some for some in late if some < LATE), default=timedelta())
