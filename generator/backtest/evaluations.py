"""The times at which a rule is evaluated, in Unix milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def evaluations(start: datetime, end: datetime, interval: timedelta, offset: timedelta) -> range:
    """Every time from start to end, both included, that lies `offset` after a multiple of the interval.

    Without an offset subqueries, whose steps are multiples too, see what a recording rule would have recorded.
    """
    step, shift = milliseconds(interval), milliseconds(offset)
    first = -(-(milliseconds(start - EPOCH) - shift) // step) * step + shift
    return range(first, milliseconds(end - EPOCH) + 1, step)


def milliseconds(length: timedelta) -> int:
    return length // timedelta(milliseconds=1)


def moment(time: int) -> datetime:
    """The moment of a Unix time in milliseconds."""
    return EPOCH + timedelta(milliseconds=time)
