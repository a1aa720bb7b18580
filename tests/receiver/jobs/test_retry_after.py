"""What `Retry-After` says, in both of its forms."""

from __future__ import annotations

import pytest

from receiver.notify.retry_after import retry_after
from tests.receiver.bodies import START


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        (" 120 ", 120),
        ("0", 0),
        ("1.5", 1.5),
        ("99999999999999999999", 86_400),
        ("Sat, 21 Nov 2026 03:00:30 GMT", 30),
        ("Sat, 21 Nov 2026 02:00:00 GMT", 0),
        ("Saturday, 21-Nov-26 03:01:00 GMT", 60),
        ("Sat Nov 21 03:00:05 2026", 5),
        ("Fri, 21 Nov 2036 03:00:00 GMT", 86_400),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("٣", None),
        ("1.2.3", None),
        ("Sat, 99 Nov 2026 03:00:30 GMT", None),
    ],
)
def test_retry_after(text: str, seconds: float | None) -> None:
    """Seconds and HTTP's three forms of dates are read; the past is now, nonsense is nothing, a year is a day."""
    assert retry_after({"Retry-After": text}, START) == seconds
    assert retry_after({"retry-after": text}, START) == seconds
