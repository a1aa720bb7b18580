"""`schedules.NAME.layers[]` in the receiver's configuration: people who take turns, or a calendar."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, StringConstraints, ValidationInfo, field_validator, model_validator

from receiver.engine.schedule import NEVER
from receiver.oncall import calendar_in
from receiver.oncall.holiday_settings import HolidaySettings
from receiver.oncall.hours import Block, Hours
from receiver.oncall.localtime import (
    EVERY_DAY,
    WEEK,
    ClockTime,
    LocalMoment,
    Weekdays,
    clock_time,
    instant,
    midnight,
)
from receiver.oncall.rotation import Turns
from receiver.oncall.schedule import Layer, Rotation
from receiver.oncall.shift import USER
from tocsin.config import Duration, Settings

User = Annotated[str, StringConstraints(pattern=f"^{USER.pattern}$")]
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LONGEST_TURN = timedelta(days=371)
PERIODS = {"daily": DAY, "weekly": WEEK, "weekdays": WEEK}


def _blocks(said: object) -> object:
    """`09:00-17:00`, or a list of such, as pairs."""
    parts = said if isinstance(said, list | tuple) else [said]
    return tuple(part if isinstance(part, tuple) else _block(str(part)) for part in parts)


def _block(said: str) -> tuple[timedelta, timedelta]:
    begins, dash, ends = said.partition("-")
    if not dash:
        raise ValueError(f"{said!r} is not a part of the day; write it as 09:00-17:00, over midnight as 22:00-06:00")
    pair = clock_time(begins), clock_time(ends)
    if pair[0] == DAY or pair[0] == pair[1]:
        raise ValueError(f"{said!r} covers nothing; write the whole day as 00:00-24:00")
    return pair


HourBlocks = Annotated[
    tuple[tuple[timedelta, timedelta], ...], BeforeValidator(_blocks, json_schema_input_type=str | list[str])
]


class RestrictSettings(Settings):
    """On these weekdays, at these hours of the day."""

    weekdays: Weekdays = EVERY_DAY
    hours: HourBlocks = ((timedelta(), DAY),)

    def blocks(self) -> tuple[Block, ...]:
        return tuple(Block(self.weekdays, begins, ends) for begins, ends in self.hours)


class Handover(Settings):
    """When a turn passes on: a time of the day, weekdays, or both; what is not said is as at the start."""

    weekdays: Weekdays | None = None
    time: ClockTime | None = None

    @model_validator(mode="before")
    @classmethod
    def _text(cls, said: object) -> object:
        if isinstance(said, dict):
            return said
        if isinstance(said, int):
            return {"time": said}
        words = str(said).rsplit(maxsplit=1)
        time = words.pop() if words and ":" in words[-1] else None
        return {"weekdays": " ".join(words) or None, "time": time}


class IcalSettings(Settings):
    """A calendar whose events are shifts."""

    file: Path
    users: dict[str, User] = Field({}, description="What the calendar says, and which user is meant.")

    @field_validator("file")
    @classmethod
    def _beside_the_configuration(cls, file: Path, info: ValidationInfo) -> Path:
        folder: Path = (info.context or {}).get("folder", Path())
        return folder / file


class LayerSettings(Settings):
    """People who take turns, or a calendar."""

    name: User | None = None
    rotation: Literal["daily", "weekly", "weekdays", "hours"] | None = None
    users: tuple[User, ...] = Field((), max_length=1000)
    start: LocalMoment | None = None
    until: LocalMoment | None = None
    handover: Handover = Handover()
    every: Duration | None = None
    restrict: tuple[RestrictSettings, ...] = Field((), max_length=50)
    skip_holidays: bool = False
    only_holidays: bool = False
    ical: IcalSettings | None = None

    @field_validator("restrict", mode="before")
    @classmethod
    def _one_is_a_list(cls, said: object) -> object:
        return [said] if isinstance(said, dict) else said

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if (self.rotation is None) == (self.ical is None):
            raise ValueError("a layer needs either 'rotation' (daily, weekly, weekdays, hours) or 'ical'")
        if self.skip_holidays and self.only_holidays:
            raise ValueError("skip_holidays and only_holidays exclude each other: make it two layers")
        if self.ical is not None:
            self._refuse_beside_ical()
            return self
        if not self.users:
            raise ValueError("a rotation needs 'users', in the order of their turns")
        if self.start is None:
            raise ValueError(
                "a rotation needs 'start', the local date (and time) at which the first of its users begins"
            )
        if self.until is not None and self.until <= self.start:
            raise ValueError("the layer ends before it begins: 'until' must be later than 'start'")
        self._check_turns()
        return self

    def _refuse_beside_ical(self) -> None:
        said = self.model_fields_set - {"name", "ical", "rotation"}
        if said:
            raise ValueError(f"{min(said)!r} does not go with 'ical': the calendar says who, and when")

    def _check_turns(self) -> None:
        days = self.handover.weekdays
        if self.rotation == "hours":
            if self.every is None or not HOUR <= self.every <= LONGEST_TURN:
                raise ValueError("a rotation by hours needs 'every', from 1h on: 8h, 12h")
        elif self.rotation == "weekdays":
            if days is None or self.every is not None:
                raise ValueError("a rotation by weekdays needs 'handover: Mon, Fri 09:00', and takes no 'every'")
            return
        else:
            assert self.rotation is not None
            period = PERIODS[self.rotation]
            if self.every is not None and (self.every % period or not period <= self.every <= LONGEST_TURN):
                whole = "days: 1d, 3d" if self.rotation == "daily" else "weeks: 1w, 2w"
                raise ValueError(f"'every' of a {self.rotation} rotation must be whole {whole}")
        if days is not None and (self.rotation != "weekly" or len(days) != 1):
            raise ValueError("a handover names one weekday in a weekly rotation, several in one by weekdays, else none")

    def layer(self, default_name: str, zone: ZoneInfo, holidays: HolidaySettings | None) -> Layer:
        """The layer as the schedule wants it.

        Raises:
            InputError: its calendar cannot be used.
        """
        name = self.name or default_name
        if self.ical is not None:
            return calendar_in.read(self.ical.file, name, zone, self.ical.users)
        first = self._first()
        last = instant(self.until, zone) if self.until else NEVER
        return Rotation(
            name, self._turns(zone, first), self.users, self._hours(zone, holidays), instant(first, zone), last
        )

    def _first(self) -> datetime:
        """The local time at which the first turn begins; of a date alone at the handover's time."""
        assert self.start is not None
        if self.handover.time is not None and self.start == midnight(self.start):
            return self.start + self.handover.time
        return self.start

    def _turns(self, zone: ZoneInfo, first: datetime) -> Turns:
        """The turns, anchored at the last handover that is not after the first one's beginning."""
        assert self.rotation is not None
        time = first - midnight(first) if self.handover.time is None else self.handover.time
        anchor = midnight(first) + time
        if self.rotation == "hours":
            assert self.every is not None
            return Turns(zone, anchor - (DAY if anchor > first else timedelta()), self.every)
        days = sorted(self.handover.weekdays or ()) or ([first.weekday()] if self.rotation == "weekly" else range(7))
        while anchor > first or anchor.weekday() not in days:
            anchor -= DAY
        if self.rotation != "weekdays":
            return Turns(zone, anchor, self.every or PERIODS[self.rotation])
        return Turns(zone, anchor, WEEK, tuple(sorted((day - anchor.weekday()) % 7 * DAY for day in days)))

    def _hours(self, zone: ZoneInfo, holidays: HolidaySettings | None) -> Hours | None:
        days = holidays.days() if holidays and (self.skip_holidays or self.only_holidays) else None
        blocks = tuple(block for one in self.restrict for block in one.blocks())
        if not blocks and days is None:
            return None
        return Hours(zone, blocks, days if self.skip_holidays else None, days if self.only_holidays else None)
