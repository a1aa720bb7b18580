"""Flapping: an alert that comes and goes again and again keeps its incident open instead of paging each time.

Hysteresis: it begins with more than so many changes within a time, and ends only when nothing has changed for another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import Field

from receiver.engine.held import History
from receiver.engine.occurrence import Occurrence
from tocsin import duration
from tocsin.config import Duration, Settings

MOST_KEPT = 200  # changes of one alert


class FlappingSettings(Settings):
    """When an alert flaps, and when it no longer does."""

    changes: int = Field(6, ge=2, le=MOST_KEPT, description="More changes than that are flapping.")
    within: Duration = Field(timedelta(minutes=30), description="The time in which changes are counted.")
    calm: Duration = Field(timedelta(minutes=15), description="Without a change for so long it flaps no more.")

    def rules(self) -> Flapping:
        return Flapping(self.changes, self.within, self.calm)


@dataclass(frozen=True, slots=True)
class Flapping:
    """More `changes` than that `within` a time; over after `calm` without one."""

    changes: int = 6
    within: timedelta = timedelta(minutes=30)
    calm: timedelta = timedelta(minutes=15)

    def begins(self, history: History, now: datetime) -> bool:
        return self.count(history, now) > self.changes

    def count(self, history: History, now: datetime) -> int:
        return sum(at > now - self.within for at in (*history.fired, *history.ended))

    def reason(self, history: History, now: datetime) -> str:
        """Said once, on the incident."""
        return (
            f"{self.count(history, now)} changes within {duration.show(self.within)}; the incident stays open, and "
            f"what this alert does is held together, until it has been calm for {duration.show(self.calm)}"
        )


def fired_again(history: History | None, previous: Occurrence, new: Occurrence, keep_from: datetime) -> History:
    """The history with one more firing, and the end before it."""
    known = history or History(new.identity, (previous.starts_at,))
    ended = (*known.ended, *((previous.ends_at,) if previous.ends_at else ()))
    return replace(known, fired=_recent((*known.fired, new.starts_at), keep_from), ended=_recent(ended, keep_from))


def ended_again(history: History, occurrence: Occurrence, keep_from: datetime) -> History:
    """The history with one more end."""
    ended = (*history.ended, *((occurrence.ends_at,) if occurrence.ends_at else ()))
    return replace(history, ended=_recent(ended, keep_from))


def _recent(times: tuple[datetime, ...], keep_from: datetime) -> tuple[datetime, ...]:
    return tuple(sorted({at for at in times if at > keep_from})[-MOST_KEPT:])
