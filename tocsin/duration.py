"""Durations in Prometheus's grammar, both ways.

Source: prometheus/common model/time.go: `1y2w3d4h5m6s7ms`, units descending, each at most once.
"""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache

UNITS_MS = {
    "y": 365 * 86_400_000,
    "w": 7 * 86_400_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
GRAMMAR = re.compile("".join(rf"(?:(?P<{unit}>[0-9]{{1,12}}){unit})?" for unit in UNITS_MS))


@lru_cache(maxsize=1_000)
def parse(text: str) -> timedelta:
    """`1h30m` as a timedelta; `0` is allowed.

    Raises:
        ValueError: the text is not a duration; the message says what one looks like.
    """
    if text == "0":
        return timedelta()
    match = GRAMMAR.fullmatch(text)
    if not text or match is None:
        raise ValueError(f"{text!r} is not a duration; write it as 30s, 5m, 1h30m or 7d")
    try:
        return timedelta(milliseconds=sum(int(match[unit] or 0) * ms for unit, ms in UNITS_MS.items()))
    except OverflowError:
        raise ValueError(f"{text!r} is too long a duration") from None


@lru_cache(maxsize=1_000)
def show(duration: timedelta) -> str:
    """A timedelta as Prometheus prints it (`1h30m`); weeks and years only where they are exact.

    Raises:
        ValueError: the duration is negative.
    """
    rest = round(duration / timedelta(milliseconds=1))
    if rest < 0:
        raise ValueError(f"{duration} is negative; a duration cannot be")
    if rest == 0:
        return "0s"
    parts = []
    for unit, size in UNITS_MS.items():
        if unit in ("y", "w") and rest % size:
            continue
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)
