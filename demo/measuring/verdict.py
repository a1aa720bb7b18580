"""What firings say of the promise: which were false, and how soon each fault was told of."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from demo.measuring.judging import Firing, Judged
from demo.measuring.plan import Episode, Plan


@dataclass(frozen=True, slots=True)
class Finding:
    """The alerts that a fault made fire while it lasted, the soonest first; each alert once."""

    episode: Episode
    firings: Sequence[Firing]

    def after(self, firing: Firing) -> timedelta:
        """How long after the fault's beginning."""
        return firing.start - self.episode.begin

    @property
    def first(self) -> Firing | None:
        return self.firings[0] if self.firings else None

    @property
    def lead(self) -> timedelta | None:
        """How long before what the fault eats is used up; None for a fault that eats nothing, or is not found."""
        if self.first is None or self.episode.exhausted is None:
            return None
        return self.episode.exhausted - self.first.start


@dataclass(frozen=True, slots=True)
class Verdict:
    """By one engine: `false` are the firings that began in so much `normal` time.

    `own` is how much of it those alerts were watched that are others by this engine.
    """

    engine: str
    normal: timedelta
    own: timedelta
    judged: Judged
    false: Sequence[Firing]
    findings: Sequence[Finding]

    @property
    def missed(self) -> list[str]:
        return [finding.episode.fault for finding in self.findings if finding.first is None]

    @property
    def median(self) -> timedelta | None:
        """From a fault to the first alert, over all faults; None where one was not found."""
        if self.missed or not self.findings:
            return None
        seconds = [finding.after(finding.first).total_seconds() for finding in self.findings if finding.first]
        return timedelta(seconds=statistics.median(seconds))


def verdict(plan: Plan, judged: Judged, engine: str, own: timedelta | None = None) -> Verdict:
    """What began in the normal weeks is false; what began during a fault, and was quiet before it, tells of it."""
    false = [one for one in judged.firings if one.start < plan.normal_end]
    weeks = plan.normal_end - plan.normal_begin
    findings = [_finding(episode, judged.firings) for episode in plan.episodes]
    return Verdict(engine, weeks, own or weeks, judged, false, findings)


def _finding(episode: Episode, firings: Sequence[Firing]) -> Finding:
    during = sorted((one for one in firings if episode.begin <= one.start < episode.end), key=lambda one: one.start)
    soonest: dict[str, Firing] = {}
    for firing in during:
        soonest.setdefault(firing.alert, firing)
    return Finding(episode, list(soonest.values()))
