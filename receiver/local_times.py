"""Times as people write and read them at a terminal: in their own time zone."""

from __future__ import annotations

from datetime import datetime, timedelta

from tocsin.errors import UsageError


def now_here() -> datetime:
    """Now, in the machine's time zone."""
    from tocsin.clock import SystemClock

    return SystemClock().now().astimezone()


def past(text: str | None) -> str | None:
    """A time of a filter; a time of day is today's."""
    if text is None:
        return None
    now = now_here()
    at = datetime.fromisoformat(moment(text, now))
    return (at - timedelta(days=1) if len(text) <= len("06:00") and at > now else at).isoformat()


def moment(text: str, now: datetime) -> str:
    """`06:00` (the next time that it is), a date with a time, or RFC 3339; without an offset in the zone of `now`.

    Raises:
        UsageError: it is none.
    """
    try:
        if len(text) <= len("06:00"):
            at = datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007  # a time of day has no zone
            today = now.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
            return _iso(today if today > now else today + timedelta(days=1))
        return _iso(datetime.fromisoformat(text))
    except ValueError as error:
        raise UsageError(f"{text!r} is not a time; write it as 06:00 or 2026-12-01T06:00") from error


def _iso(at: datetime) -> str:
    """With the offset that the machine's zone has on that day."""
    return (at.replace(tzinfo=None).astimezone() if at.tzinfo is None else at).isoformat()


def local(text: str, now: datetime) -> str:
    """A time of the API in the zone of `now`: `06:00 CET`, on another day with its date."""
    at = datetime.fromisoformat(text).astimezone(now.tzinfo)
    return at.strftime("%H:%M %Z" if at.date() == now.date() else "%Y-%m-%d %H:%M %Z")
