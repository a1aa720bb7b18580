"""The comments of a YAML text: what stands behind `#` outside of every scalar."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

COMMENT = re.compile(r"(?:^|(?<=\s))#(?P<text>[^\n\r\x85\u2028\u2029]*)", re.MULTILINE)
BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")  # as YAML 1.1 counts lines


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment without its `#`; line and column count from 1. One that is not `alone` follows a key or a value.

    Behind the dash of a list's item it is alone, and stands where the dash does.
    """

    line: int
    column: int
    text: str
    alone: bool


def comments(text: str, scalars: Iterable[tuple[int, int]], first: int, end: int) -> Sequence[Comment]:
    """The comments between two offsets of a text; `scalars` are the offsets at which each begins and ends."""
    lines = [0, *(found.end() for found in BREAK.finditer(text))]
    found: list[Comment] = []
    at = first
    for start, stop in [*sorted(scalars), (end, end)]:
        if start > at:
            found += (_comment(match, text, lines) for match in COMMENT.finditer(text, at, start))
        at = max(at, stop)
    return found


def _comment(match: re.Match[str], text: str, lines: Sequence[int]) -> Comment:
    line = bisect_right(lines, match.start())
    before = text[lines[line - 1] : match.start()]
    dash = before.find("-") if not before.strip(" \t-") else -1
    column = len(before) if dash < 0 else dash
    return Comment(line, column + 1, match["text"], alone=dash >= 0 or not before.strip())
