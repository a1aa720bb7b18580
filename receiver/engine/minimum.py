"""Minimum occurrences or age: an alert that comes once and goes soon opens no incident where a rule says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from pydantic import Field, model_validator

from receiver.engine.held import Hold, Kind
from receiver.engine.occurrence import Occurrence
from tocsin import duration
from tocsin.config import Duration, Settings
from tocsin.labels import Matchers, MatcherTexts, matches, parse_all

LONGEST_WAIT = timedelta(hours=1)


class MinimumSettings(Settings):
    """What an alert must reach before it opens an incident; either is enough."""

    matchers: MatcherTexts
    occurrences: int | None = Field(None, ge=2, le=100)
    within: Duration = LONGEST_WAIT
    age: Duration = LONGEST_WAIT

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.model_fields_set & {"occurrences", "age"}:
            raise ValueError("says neither 'occurrences' nor 'age'; give one, or both (either is then enough)")
        return self

    def rule(self) -> Minimum:
        return Minimum(parse_all(self.matchers), self.occurrences, self.within, self.age)


@dataclass(frozen=True, slots=True)
class Minimum:
    """So many firings within a time, or one that lasts so long. An alert that goes on firing always gets there."""

    matchers: Matchers
    occurrences: int | None
    within: timedelta
    age: timedelta


def below_minimum(
    occurrence: Occurrence, fired: Sequence[datetime], rules: Sequence[Minimum], now: datetime
) -> Hold | None:
    """Held by the first rule that matches; `fired` are the latest firings of the alert, this one included."""
    for number, rule in enumerate(rules):
        if matches(rule.matchers, occurrence.labels):
            return _below(occurrence, fired, rule, f"minimum/{number}", now)
    return None


def _below(occurrence: Occurrence, fired: Sequence[datetime], rule: Minimum, by: str, now: datetime) -> Hold | None:
    old_at = occurrence.starts_at + rule.age
    recent = len({at for at in fired if at > now - rule.within} | {occurrence.starts_at})
    if now >= old_at or (rule.occurrences is not None and recent >= rule.occurrences):
        return None
    wanted = f"once it has fired for {duration.show(rule.age)}"
    if rule.occurrences is not None:
        wanted += f", or {rule.occurrences} times within {duration.show(rule.within)} (now: {recent})"
    return Hold(Kind.MINIMUM, by, f"opens an incident {wanted}", old_at)
