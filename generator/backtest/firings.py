"""What a rule's answers mean: when each of its alerts fired within the range that was asked about."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from generator.backtest.evaluations import EPOCH, milliseconds, moment
from generator.backtest.labelling import Alerted
from generator.backtest.machine import Life, live
from generator.backtest.outcome import Firing
from generator.backtest.runs import Run, between, joined, within
from generator.rule import Rule


@dataclass(frozen=True, slots=True)
class Fired:
    """The firings in the order of their beginnings, and how often an alert was pending in vain."""

    firings: tuple[Firing, ...]
    pending: int


def fired(rule: Rule, alerts: Sequence[Alerted], times: range, start: datetime, failed: Sequence[Run]) -> Fired:
    """The firings from `start` on; `times` begin before, so that what fires then is known.

    `failed` are evaluations that change nothing: an alert is afterwards what it was before.
    """
    moments: Sequence[int] = times
    if failed:
        kept = between(joined(failed), len(times))
        moments = [times[index] for first, last in kept for index in range(first, last + 1)]
        alerts = [Alerted(alert.labels, tuple(within(alert.present, kept))) for alert in alerts]
    begin = bisect_left(moments, milliseconds(start - EPOCH))
    hold, keep = milliseconds(rule.hold), milliseconds(rule.keep_firing_for)
    lives = [(alert, live(moments, alert.present, hold, keep)) for alert in alerts]
    firings = [firing for alert, life in lives for firing in _firings(alert, life, moments, begin)]
    pending = sum(last >= begin for _, life in lives for _, last in life.in_vain)
    return Fired(tuple(sorted(firings, key=lambda one: (one.start, sorted(one.labels.items())))), pending)


def _firings(alert: Alerted, life: Life, moments: Sequence[int], begin: int) -> Iterator[Firing]:
    for stint in life.stints:
        if begin < len(moments) and (stint.end is None or stint.end > begin):
            end = None if stint.end is None else moment(moments[stint.end])
            start = moment(moments[max(stint.start, begin)])
            yield Firing(alert.labels, start, end, began_before=stint.start < begin)
