"""Times and values out of a Prometheus answer's bytes, all at once and without an object for each point.

The text is what stands in `values`, of one series after another: `[[1700000000,"28.4"],[1700000060,"29"]]`. Eight
digits are read at a time as one number of 64 bits (D. Lemire, "Quickly parsing eight digits", 2018). A value differs
from `float()` of its text by one unit in the last place at most, where it has more than 15 digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from exporter.frame import Floats

Positions = NDArray[np.int64]
Words = NDArray[np.uint64]

QUOTE, DOT, COMMA, MINUS, OPEN = b'".,-['
ROOM = b"0" * 24  # before the text, so that the words before its first digits exist
CHUNK = 1 << 18  # bytes; what is worked on stays in the processor's cache
TIMES = 10**8
EIGHT = np.full(1, 8)
BEFORE = np.array([[16], [8], [0]])  # digits that stand behind each of three words
WEIGHTS = np.array([TIMES * TIMES, TIMES, 1])
POINT = re.compile(rb'\[\s*([-+.\deE]+)\s*,\s*"([^"]*)"\s*\]')

ZEROS, NIBBLES, HIGH = np.uint64(0x3030303030303030), np.uint64(0x7676767676767676), np.uint64(0x8080808080808080)
PAIRS, FOURS = np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0000FFFF0000FFFF)
KEPT = np.array([(~0 << 8 * (8 - count)) & (2**64 - 1) if count else 0 for count in range(9)], dtype=np.uint64)
TENS = 10.0 ** np.arange(23)
MOST_DIGITS, MOST_TOP = 22, 900  # TENS is exact so far; more than that in front of 16 digits does not fit 64 bits


def parse(text: bytes) -> Iterator[tuple[Positions, Floats, Floats]]:
    """Where each point stands in the text, its time in Unix seconds and its value; some thousands at a time.

    Raises:
        ValueError: this is not a list of points.
    """
    for first, last in _chunks(text):
        yield _quick(text[first:last], first) or _plain(text[first:last], first)


def _chunks(text: bytes) -> Iterator[tuple[int, int]]:
    """The text in parts, each of which ends after a point."""
    first = 0
    while first < len(text):
        last = text.find(b'"]', first + CHUNK)
        last = len(text) if last < 0 else last + 2
        yield first, last
        first = last


def _quick(text: bytes, offset: int) -> tuple[Positions, Floats, Floats] | None:
    """What `parse` promises, or None where times have fractions or something else stands there."""
    padded = ROOM + text
    marks, kinds = _marks(padded)
    quotes = np.flatnonzero(kinds == QUOTE)
    opening, closing = quotes[0::2], quotes[1::2]
    if not len(quotes) or len(quotes) % 2 or quotes[0] != 0 or quotes[-1] != len(marks) - 1:
        return None
    dotted = closing - opening - 1
    if np.any(dotted > 1) or np.any(opening[1:] - closing[:-1] != 1):
        return None
    begins, ends = marks[opening] + 1, marks[closing]
    fraction = np.where(dotted == 1, ends - marks[closing - 1] - 1, 0)
    digits = np.frombuffer(padded.replace(b".", b""), dtype=np.uint8)
    gone = np.cumsum(dotted)
    ends_there, begins_there = ends - gone, begins - gone + dotted
    times = _times(digits, begins_there - 2)
    values, odd = _values(digits, begins_there, ends_there, fraction)
    if times is None:
        return None
    for index in np.flatnonzero(odd).tolist():
        values[index] = float(padded[begins[index] : ends[index]])
    return begins + (offset - len(ROOM)), times, values


def _marks(padded: bytes) -> tuple[Positions, NDArray[np.uint8]]:
    """Where quotes and dots stand, and which it is."""
    letters = np.frombuffer(padded, dtype=np.uint8)
    marks = np.flatnonzero((letters == QUOTE) | (letters == DOT))
    return marks, letters[marks]


def _words(letters: NDArray[np.uint8], ends: Positions, count: int) -> Words:
    """The letters before each position, eight to a little-endian number, shape (count, positions)."""
    size = 8 * count
    windows = np.ndarray((len(letters) - size + 1,), dtype=f"V{size}", buffer=letters, strides=(1,))
    return windows[ends - size].view("<u8").reshape(-1, count).T.copy()


def _eight(words: Words, count: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The number that the last `count` (0 to 8) digits of each word say, and where there is something else."""
    digits = (words ^ ZEROS) & KEPT[count]
    odd = ((digits + NIBBLES) | digits) & HIGH != 0
    digits = (digits * np.uint64(2561)) >> np.uint64(8) & PAIRS
    digits = (digits * np.uint64(6553601)) >> np.uint64(16) & FOURS
    return ((digits * np.uint64(42949672960001)) >> np.uint64(32)).astype(np.int64), odd


def _times(letters: NDArray[np.uint8], commas: Positions) -> Floats | None:
    """The times before each comma, whole seconds of ten digits; None where they are written otherwise."""
    low, odd = _eight(_words(letters, commas, 1)[0], EIGHT)
    top = letters[commas - 9].astype(np.int64) + 10 * letters[commas - 10].astype(np.int64) - 11 * 48
    framed = (letters[commas] == COMMA) & (letters[commas - 11] == OPEN)
    if odd.any() or not framed.all() or np.any((top < 10) | (top > 99)):
        return None
    return (low + TIMES * top).astype(np.float64)


def _values(
    letters: NDArray[np.uint8], begins: Positions, ends: Positions, fraction: Positions
) -> tuple[Floats, NDArray[np.bool_]]:
    """The values, and which of them are written in another way than `-12.34`."""
    minus = letters[begins] == MINUS
    count = ends - begins - minus
    parts, wrong = _eight(_words(letters, ends, 3), np.clip(count - BEFORE, 0, 8))
    odd = wrong.any(axis=0) | (count < 1) | (count > MOST_DIGITS) | (parts[0] > MOST_TOP)
    values = (WEIGHTS @ parts) / TENS[np.minimum(fraction, MOST_DIGITS)]
    return np.where(minus, -values, values), odd


def _plain(text: bytes, offset: int) -> tuple[Positions, Floats, Floats]:
    """The same, point by point, however numbers are written."""
    found = list(POINT.finditer(text))
    if re.sub(rb"[\[\],\s]", b"", POINT.sub(b"", text)):
        raise ValueError("a point is not a time and a number in quotes")
    at = np.array([match.start(2) + offset for match in found], dtype=np.int64)
    times = np.array([float(match[1]) for match in found], dtype=np.float64)
    return at, times, np.array([float(match[2]) for match in found], dtype=np.float64)
