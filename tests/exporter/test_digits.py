"""Numbers out of an answer's bytes: what `float()` makes of them, whatever they look like."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter import digits
from exporter.frame import Floats

TIMES = st.integers(10**9, 10**10 - 1)
SHORT = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9).map(
    lambda number: f"{number.normalize():f}"
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False).map(repr)
FIXED = st.floats(-1e18, 1e18).map(lambda number: f"{number:.12f}".rstrip("0").rstrip("."))
SPECIAL = st.sampled_from(
    [
        "NaN",
        "+Inf",
        "-Inf",
        "0",
        "-0",
        "1e-7",
        "123456789012345678901234567890",
        "5.",
        "9999999999999999999999",
        "20000000000000000000",
    ]
)


def written(points: list[tuple[object, str]]) -> bytes:
    return ("[" + ",".join(f'[{when},"{text}"]' for when, text in points) + "]").encode()


def parse(text: bytes) -> tuple[Floats, ...]:
    """Places, times and values of all parts together."""
    nothing = (np.empty(0),) * 3
    return tuple(np.concatenate(part) for part in zip(nothing, *digits.parse(text), strict=True))


def alike(found: float, meant: float) -> bool:
    """Equal, or one unit in the last place apart."""
    if math.isnan(meant) or math.isinf(meant):
        return repr(found) == repr(meant)
    return abs(found - meant) <= math.ulp(meant)


@given(st.lists(st.tuples(TIMES, SHORT | FLOATS | FIXED | SPECIAL), max_size=20))
def test_numbers_are_read(points: list[tuple[int, str]]) -> None:
    """Times exactly; values as float() reads them, to one unit in the last place, and `at` tells where each stands."""
    text = written(points)  # type: ignore[arg-type]
    at, times, values = parse(text)
    assert times.tolist() == [when for when, _ in points]
    assert all(alike(found, float(meant)) for found, (_, meant) in zip(values.tolist(), points, strict=True))
    assert [
        text[place:].startswith(shown.encode() + b'"')
        for place, (_, shown) in zip(at.astype(int).tolist(), points, strict=True)
    ] == [True] * len(points)


@given(st.lists(SHORT.filter(lambda text: len(text.strip("-").replace(".", "")) <= 15), min_size=1, max_size=20))
def test_usual_numbers_are_exact(values: list[str]) -> None:
    """Up to 15 digits a value is exactly what float() reads."""
    found = parse(written([(1700000000, value) for value in values]))[2]
    assert found.tolist() == [float(value) for value in values]


def test_long_texts_go_by_parts() -> None:
    """A text longer than what is worked on at once is read to its end, and places count from its beginning."""
    count = 2 * digits.CHUNK // 20
    text = written([(1700000000 + row, str(row)) for row in range(count)]) * 2
    at, times, values = parse(text)
    assert values.tolist() == [*range(count)] * 2
    assert times.tolist() == [1700000000.0 + row for row in range(count)] * 2
    assert np.all(np.diff(at) > 0)
    assert (at >= len(text) // 2).sum() == count


@pytest.mark.parametrize("when", ["1700000000.5", "1.7e9", "999999999", "17000000000", "0", "-5"])
def test_other_times(when: str) -> None:
    """Times that are no whole seconds of ten digits are read, too, more slowly."""
    points = parse(written([(1700000000, "1"), (when, "2.5")]))
    assert (points[1].tolist(), points[2].tolist()) == ([1700000000.0, float(when)], [1.0, 2.5])


@pytest.mark.parametrize(
    "text", [b'[[1700000000,"x"]]', b"[[1700000000,5]]", b'["1","2"]', b'[[1700000000,""]]', b"[3]"]
)
def test_what_is_no_point(text: bytes) -> None:
    """Anything else is refused instead of being guessed at."""
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def test_nothing() -> None:
    """No text and an empty list have no points."""
    assert [len(part) for part in (*parse(b""), *parse(b"[]"))] == [0] * 6
