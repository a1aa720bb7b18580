"""Business hours: weekdays and a time of the day in a time zone, without its public holidays."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from receiver.engine.schedule import Span
from receiver.oncall.holiday_settings import HolidaySettings
from receiver.oncall.hours import Block, Hours
from receiver.oncall.localtime import ClockTime, Weekdays, ZoneName
from tocsin.config import Settings


class BusinessHours(Settings):
    """From a time of the day until another one, over midnight where `to` is not later than `from`.

    A weekday is that on which the hours begin; a holiday lasts from midnight to midnight.
    """

    timezone: ZoneName = "UTC"
    weekdays: Weekdays = frozenset(range(5))
    from_: ClockTime = Field(timedelta(hours=9), alias="from")
    to: ClockTime = timedelta(hours=17)
    holidays: HolidaySettings | None = None

    @model_validator(mode="after")
    def _some_time(self) -> Self:
        if self.from_ == self.to or self.from_ == timedelta(days=1):
            raise ValueError("'from' and 'to' cover nothing; write the whole day as 00:00 and 24:00")
        return self

    def covers(self, at: datetime) -> bool:
        """Whether a moment lies within them."""
        return self.hours().covers(at)

    def spans(self, start: datetime, end: datetime) -> list[Span]:
        """What they cover between two moments."""
        return self.hours().spans(start, end)

    def hours(self) -> Hours:
        """The same as spans."""
        days = self.holidays.days() if self.holidays else None
        return Hours(ZoneInfo(self.timezone), (Block(self.weekdays, self.from_, self.to),), days)
