"""What a rule's firings come to: how often, how long, at which hours, which label sets most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Literal

from generator.backtest.moments import WEEK
from generator.backtest.outcome import Firing, RuleOutcome
from generator.rule import Rule
from tocsin.model import Labels
from tocsin.problem import has_errors

FLAP = timedelta(minutes=15)  # a label set that fires again within this time of its end has flapped
HOURS = 24
WHOLE = 0.99  # of the range: data that covers so much covers all of it, as far as a look at some points can tell

State = Literal["fired", "silent", "no data", "failed"]


@dataclass(frozen=True, slots=True)
class Span:
    """The range of a backtest."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Tally:
    """Firings counted; `pages` are those that began within the range, and `firing` is how long in all."""

    firings: int = 0
    pages: int = 0
    flaps: int = 0
    firing: timedelta = timedelta()
    longest: timedelta = timedelta()
    firing_now: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.firings + other.firings,
            self.pages + other.pages,
            self.flaps + other.flaps,
            self.firing + other.firing,
            max(self.longest, other.longest),
            self.firing_now + other.firing_now,
        )


@dataclass(frozen=True, slots=True)
class SetSummary:
    """One label set of an alert, its firings in order."""

    labels: Labels
    firings: tuple[Firing, ...]
    tally: Tally


@dataclass(frozen=True, slots=True)
class Summary:
    """One alert; `sets` with the longest time firing first.

    `observed` is how much of the range the rule had something to look at; `by_hour` are pages a week, by the hour of
    the day at which they came. Both rates are None where nothing was observed.
    """

    outcome: RuleOutcome
    sets: tuple[SetSummary, ...]
    tally: Tally
    observed: timedelta
    pages_a_week: float | None
    by_hour: tuple[float, ...] | None

    @property
    def rule(self) -> Rule:
        return self.outcome.rule

    @property
    def state(self) -> State:
        """Silence is only what was looked at: `no data` and `failed` say that nothing was."""
        if self.outcome.firings:
            return "fired"
        if has_errors(self.outcome.problems):
            return "failed"
        data = self.outcome.data
        return "no data" if data is not None and data.first is None else "silent"


def summarised(outcome: RuleOutcome, span: Span, zone: tzinfo) -> Summary:
    """The figures of one alert; hours are those of the zone."""
    grouped: dict[frozenset[tuple[str, str]], list[Firing]] = defaultdict(list)
    for firing in outcome.firings:
        grouped[frozenset(firing.labels.items())].append(firing)
    sets = [_of_set(firings, span) for firings in grouped.values()]
    sets.sort(key=lambda one: (-one.tally.firing, one.firings[0].start, sorted(one.labels.items())))
    tally = total(one.tally for one in sets)
    observed = _observed(outcome, span)
    hours = [firing.start.astimezone(zone).hour for firing in outcome.firings if not firing.began_before]
    weeks = observed / WEEK
    by_hour = tuple(hours.count(hour) / weeks for hour in range(HOURS)) if weeks else None
    return Summary(outcome, tuple(sets), tally, observed, tally.pages / weeks if weeks else None, by_hour)


def total(tallies: Iterable[Tally]) -> Tally:
    """Several as one."""
    return sum(tallies, Tally())


def added(rates: Iterable[float | None]) -> float | None:
    """Rates of several rules as one, without those of which nothing is known."""
    known = [rate for rate in rates if rate is not None]
    return sum(known) if known else None


def hours_added(summaries: Iterable[Summary]) -> tuple[float, ...] | None:
    """Pages a week by hour, of several rules."""
    known = [one.by_hour for one in summaries if one.by_hour is not None]
    return tuple(map(sum, zip(*known, strict=True))) if known else None


def end_of(firing: Firing, span: Span) -> datetime:
    """When it ended, or the range did."""
    return span.end if firing.end is None else firing.end


def _of_set(firings: Sequence[Firing], span: Span) -> SetSummary:
    ordered = tuple(sorted(firings, key=lambda firing: firing.start))
    lengths = [end_of(firing, span) - firing.start for firing in ordered]
    flaps = sum(later.start - end_of(earlier, span) <= FLAP for earlier, later in pairwise(ordered))
    tally = Tally(
        firings=len(ordered),
        pages=sum(not firing.began_before for firing in ordered),
        flaps=flaps,
        firing=sum(lengths, timedelta()),
        longest=max(lengths),
        firing_now=sum(firing.end is None for firing in ordered),
    )
    return SetSummary(ordered[0].labels, ordered, tally)


def _observed(outcome: RuleOutcome, span: Span) -> timedelta:
    """From the first time at which it had data, or fired, to the last."""
    moments = [moment for firing in outcome.firings for moment in (firing.start, end_of(firing, span))]
    data = outcome.data
    if not moments and has_errors(outcome.problems):
        return timedelta()
    if data is None:
        return span.length
    if data.first is not None and data.last is not None:
        moments += [data.first, data.last]
    if not moments:
        return timedelta()
    seen = min(max(moments), span.end) - max(min(moments), span.start)
    return span.length if seen >= WHOLE * span.length else max(seen, timedelta())
