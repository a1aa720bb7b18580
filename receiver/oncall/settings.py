"""`schedules.NAME` in the receiver's configuration: who is on call, as it stands in Git."""

from __future__ import annotations

from typing import Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from receiver.engine.occurrence import new_id
from receiver.oncall import calendar_in
from receiver.oncall.holiday_settings import HolidaySettings
from receiver.oncall.layer_settings import LayerSettings, User
from receiver.oncall.localtime import LocalMoment, ZoneName, instant
from receiver.oncall.schedule import Schedule
from receiver.oncall.shift import Override
from tocsin.config import OneOrMore, Settings

BY = "the configuration"


class OverrideSettings(Settings):
    """Somebody else for a time; with `swap_with` the two change places."""

    from_: LocalMoment = Field(alias="from")
    to: LocalMoment
    user: User
    swap_with: User | None = None

    @model_validator(mode="after")
    def _some_time(self) -> Self:
        if self.to <= self.from_:
            raise ValueError("the override ends before it begins: 'to' must be later than 'from'")
        if self.user == self.swap_with:
            raise ValueError(f"{self.user!r} cannot swap with themself; name two people")
        return self

    def override(self, zone: ZoneInfo) -> Override:
        start, end, other = instant(self.from_, zone), instant(self.to, zone), self.swap_with or ""
        return Override(start, end, self.user, BY, new_id("configured override", start, end, self.user, other), other)


class ScheduleSettings(Settings):
    """One schedule. A later layer counts before an earlier one, overrides count before all layers."""

    timezone: ZoneName = "UTC"
    layers: OneOrMore[LayerSettings]
    overrides: tuple[OverrideSettings, ...] = Field((), max_length=10_000)
    holidays: HolidaySettings | None = None

    @model_validator(mode="after")
    def _holidays_are_known(self) -> Self:
        if self.holidays is None and any(layer.skip_holidays or layer.only_holidays for layer in self.layers):
            raise ValueError("a layer asks for holidays; say whose: holidays: {country: DE, subdivision: BE}")
        names = [layer.name for layer in self.layers if layer.name]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two layers are named {twice!r}; a name tells people which one says who is on call")
        return self

    def people(self) -> set[str]:
        """Everybody whom it names.

        Raises:
            InputError: a calendar cannot be used.
        """
        found = {user for layer in self.layers for user in layer.users}
        found |= {user for one in self.overrides for user in (one.user, one.swap_with) if user}
        for layer in self.schedule("").layers:
            if isinstance(layer, calendar_in.Calendar):
                found |= calendar_in.people(layer)
        return found

    def schedule(self, name: str) -> Schedule:
        """The schedule that it describes.

        Raises:
            InputError: a calendar cannot be used.
            MissingExtra: a package for calendars is not installed.
        """
        zone = ZoneInfo(self.timezone)
        layers = tuple(layer.layer(str(at), zone, self.holidays) for at, layer in enumerate(self.layers, 1))
        return Schedule(name, zone, layers, tuple(one.override(zone) for one in self.overrides))
