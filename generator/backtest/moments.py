"""Times as people write and read them: read from options and lists, shown in a time zone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import time as time_of_day
from zoneinfo import ZoneInfo

from tocsin import duration

LATEST = 253_402_300_799  # Unix seconds of the year 9999
MINUTE, HOUR, DAY, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)


def read(value: object) -> datetime:
    """A time in RFC 3339, or `2026-11-22 10:00` and a mere date, both in UTC, or Unix seconds; aware, in UTC.

    Raises:
        ValueError: it is none; the message is one sentence.
    """
    match value:
        case datetime():
            return _utc(value)
        case date():
            return datetime.combine(value, time_of_day(), UTC)
        case bool() | None:
            raise ValueError(f"{value} is no time")
        case int() | float():
            return _of_seconds(value)
    text = str(value).strip()
    try:
        return _of_seconds(float(text)) if text.replace(".", "", 1).isdigit() else _utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time; write it as 2026-11-22T10:00:00Z") from None


def _of_seconds(seconds: float) -> datetime:
    if not 0 <= seconds <= LATEST:
        raise ValueError(f"{seconds} is no time in seconds since 1970")
    return datetime.fromtimestamp(seconds, UTC)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def before(text: str, now: datetime) -> datetime:
    """A time, or a duration before `now`.

    Raises:
        ValueError: it is neither.
    """
    try:
        return now - duration.parse(text)
    except (ValueError, OverflowError):
        pass
    try:
        return read(text)
    except ValueError:
        raise ValueError(f"{text!r} is neither a time nor a duration; write 2026-11-22T10:00:00Z, or 2h") from None


def zone(name: str) -> ZoneInfo:
    """A time zone.

    Raises:
        ValueError: there is none of this name.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name!r}; write it as UTC or Europe/Berlin") from None


def as_json(moment: datetime | None) -> str | None:
    """RFC 3339."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def minute(moment: datetime, where: tzinfo) -> str:
    """`2026-11-22 10:00`."""
    return f"{moment.astimezone(where):%Y-%m-%d %H:%M}"


def lasted(length: timedelta) -> str:
    """`0 s`, `45 s`, `12 min`, `3 h 05`, `2 d 4 h`: two figures are enough."""
    seconds = round(length.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02d}"
    days, hours = divmod(round(seconds / 3600), 24)
    return f"{days} d {hours} h"


STRIDES = (
    *(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 30)),
    *(timedelta(hours=hours) for hours in (1, 2, 3, 6, 12)),
    *(timedelta(days=days) for days in (1, 2, 3, 5, 7, 14, 28, 91, 364)),
)


def ticks(start: datetime, end: datetime, where: tzinfo, most: int) -> Iterator[tuple[datetime, str]]:
    """At most so many round times in a range, by the clock of the zone, and how each is written."""
    stride = next((one for one in STRIDES if (end - start) / one <= most), max((end - start) / most, STRIDES[-1]))
    midnight = start.astimezone(where).replace(hour=0, minute=0, second=0, microsecond=0)
    form = "%H:%M" if stride < DAY else "%d %b"
    for step in range(int((end - start + DAY) / stride) + 2):
        # By the wall's clock: a day on which it is changed has its own length.
        moment = (midnight + step * stride).astimezone(UTC)
        if start <= moment <= end:
            local = moment.astimezone(where)
            yield moment, local.strftime("%d %b" if stride < DAY and (local.hour, local.minute) == (0, 0) else form)
