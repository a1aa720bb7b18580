"""What somebody asks to see: which query, which of its series, which time; from a page's parameters or options."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from tocsin import duration
from tocsin.errors import UsageError
from tocsin.labels import Matchers, parse_all

LATEST = 253_402_300_800.0  # Unix seconds; the year 10000


@dataclass(frozen=True, slots=True)
class Ask:
    """`query` is a name, empty where there is only one; `until` in Unix seconds, None for the newest."""

    query: str
    matchers: Matchers
    since_seconds: float
    until: float | None

    @classmethod
    def of(cls, *, query: str = "", labels: Sequence[str] = (), since: str = "2d", until: str = "") -> Self:
        """What is asked for, from texts.

        Raises:
            UsageError: one of them cannot be read.
        """
        return cls(query, matchers(labels), seconds(since), when(until) if until else None)


def matchers(labels: Sequence[str]) -> Matchers:
    """The matchers in texts as `a="b", c=~"d|e"`.

    Raises:
        UsageError: one of them says something else.
    """
    try:
        return parse_all(labels)
    except ValueError as error:
        raise UsageError(f"labels: {error}") from error


def seconds(text: str, name: str = "since") -> float:
    """A duration as Prometheus writes it: `2d`, `1h30m`.

    Raises:
        UsageError: it is none, or none above zero.
    """
    try:
        length = duration.parse(text)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{name}: {text!r} is no duration; write it as 2d or 1h30m") from error
    if length <= timedelta(0):
        raise UsageError(f"{name} must be longer than nothing; write it as 2d or 1h30m")
    return length.total_seconds()


def when(text: str) -> float:
    """RFC 3339, `YYYY-MM-DD HH:MM:SS` as UTC, or Unix seconds.

    Raises:
        UsageError: it is none of these.
    """
    try:
        moment = float(text) if text[4:5] != "-" else _calendar(text)
    except (ValueError, OverflowError):
        moment = math.nan
    if not abs(moment) < LATEST:
        raise UsageError(f"{text!r} is no time; write it as 2026-01-31T13:00:00Z or in Unix seconds")
    return moment


def show_time(moment: float) -> str:
    """RFC 3339 in UTC, to the second."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _calendar(text: str) -> float:
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
