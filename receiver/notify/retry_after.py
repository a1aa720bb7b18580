"""When the far side wants to be asked again: `Retry-After` (RFC 9110, section 10.2.3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_SECONDS = 24 * 3600.0  # what is beyond is no answer to a page


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds from now, whether the header holds seconds or a date; None where there is none that can be read.

    `headers` as the HTTP client has them; a plain mapping is asked for `Retry-After` and `retry-after`.
    """
    text = (headers.get("Retry-After") or headers.get("retry-after") or "").strip()
    if text.isascii() and text.replace(".", "", 1).isdecimal():
        return min(float(text[:12]), LONGEST_SECONDS)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return min(max((at - now).total_seconds(), 0.0), LONGEST_SECONDS)
