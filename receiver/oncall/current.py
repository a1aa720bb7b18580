"""The schedules as they are now: those of the configuration, with what people have added at run time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from receiver.engine.occurrence import one_line
from receiver.oncall.schedule import Schedule
from receiver.oncall.settings import ScheduleSettings
from receiver.oncall.shift import Override
from tocsin.clock import Clock
from tocsin.errors import TocsinError

LOOK_BACK = timedelta(days=31)  # overrides that ended earlier no longer matter to whoever asks for now


class NoSuchSchedule(TocsinError):
    """There is no schedule of that name."""


class KeptOverrides(Protocol):
    """What people have added at run time."""

    async def ending_after(self, moment: datetime) -> Mapping[str, tuple[Override, ...]]: ...


class OnCall:
    """Who is on call, for whoever must be told."""

    def __init__(self, configured: Mapping[str, Schedule], kept: KeptOverrides, clock: Clock) -> None:
        self.knows: Callable[[str], bool] = lambda user: True  # whether there is such a user
        self._configured = configured
        self._kept = kept
        self._clock = clock

    def configure(self, configured: Mapping[str, Schedule]) -> None:
        """Takes over the schedules of another configuration. Overrides stay with the schedules of their names."""
        self._configured = configured

    @property
    def configured(self) -> Mapping[str, Schedule]:
        """The schedules of the configuration alone."""
        return self._configured

    async def current(self) -> Mapping[str, Schedule]:
        """Every schedule by its name, right for the present, all that is to come and the last month.

        Raises:
            StoreUnavailable: the store cannot answer just now.
        """
        return await self.since(self._clock.now() - LOOK_BACK)

    async def since(self, moment: datetime) -> Mapping[str, Schedule]:
        """Every schedule by its name, right from a moment on; raises as `current` does."""
        kept = await self._kept.ending_after(moment)
        return {name: schedule.overridden(kept.get(name, ())) for name, schedule in self._configured.items()}


def of_name(schedules: Mapping[str, Schedule], name: str) -> Schedule:
    """One of the schedules.

    Raises:
        NoSuchSchedule: there is none of that name.
    """
    if name not in schedules:
        known = ", ".join(sorted(schedules)) or "none is configured; see schedules in docs/reference/oncall.md"
        raise NoSuchSchedule(f"there is no schedule {one_line(name, 64)!r}; known: {known}")
    return schedules[name]


def schedules_of(settings: Mapping[str, ScheduleSettings]) -> Mapping[str, Schedule]:
    """The schedules of a configuration.

    Raises:
        InputError: a calendar cannot be used.
        MissingExtra: a package for calendars is not installed.
    """
    return {name: one.schedule(name) for name, one in settings.items()}
