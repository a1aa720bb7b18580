"""Durations are read and written as Prometheus does it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin import duration

WHOLE_MILLISECONDS = st.integers(0, 10**15).map(lambda count: timedelta(milliseconds=count))


@given(WHOLE_MILLISECONDS)
def test_round_trip(value: timedelta) -> None:
    """What is shown is read as the same duration."""
    assert duration.parse(duration.show(value)) == value


@given(WHOLE_MILLISECONDS)
def test_showing_is_canonical(value: timedelta) -> None:
    """Reading and showing again changes nothing."""
    shown = duration.show(value)
    assert duration.show(duration.parse(shown)) == shown


@pytest.mark.parametrize(
    ("text", "seconds", "shown"),
    [
        ("0", 0, "0s"),
        ("0s", 0, "0s"),
        ("1500ms", 1.5, "1s500ms"),
        ("90s", 90, "1m30s"),
        ("1h30m", 5_400, "1h30m"),
        ("24h", 86_400, "1d"),
        ("7d", 604_800, "1w"),
        ("8d", 691_200, "8d"),
        ("1y2w3d4h5m6s7ms", 33_019_506.007, "382d4h5m6s7ms"),
    ],
)
def test_examples(text: str, seconds: float, shown: str) -> None:
    """Weeks and years are written only where they are exact."""
    assert duration.parse(text) == timedelta(seconds=seconds)
    assert duration.show(timedelta(seconds=seconds)) == shown


@pytest.mark.parametrize(
    "text", ["", "5", "m", "5 m", "1m1h", "1m1m", "-5m", "1.5h", "5M", "٣m", "5m\n", "999999999999y"]
)
def test_what_is_no_duration(text: str) -> None:
    """Anything else is refused, with an example of what is wanted."""
    with pytest.raises(ValueError, match=r"is not a duration; write it as 30s|is too long a duration"):
        duration.parse(text)


def test_negative_durations_cannot_be_shown() -> None:
    """Prometheus has none."""
    with pytest.raises(ValueError, match="is negative"):
        duration.show(timedelta(seconds=-1))
