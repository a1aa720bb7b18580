"""Two texts word by word: what stayed, what went and what came. Words of PromQL are names, numbers and signs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Literal

WORD = re.compile(r'"(?:\\.|[^"\\])*"|[\w.:]+|\s+|[^\w\s]')
MOST_WORDS = 4_000  # of both texts; beyond, the whole is told
AROUND = 20  # words beside a change that are shown

Part = tuple[Literal[" ", "-", "+", "…"], str]


def parts(old: str, new: str) -> list[Part]:
    """Both texts in one row; long stretches that stayed are left out, which `…` tells."""
    before, after = WORD.findall(old), WORD.findall(new)
    if len(before) + len(after) > MOST_WORDS:
        return [("-", old), ("+", new)]
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    return list(_parts(before, after, matcher))


def _parts(before: list[str], after: list[str], matcher: SequenceMatcher[str]) -> Iterator[Part]:
    for what, start, end, first, last in matcher.get_opcodes():
        if what == "equal":
            yield from _stayed(before[start:end], at_start=start == 0, at_end=end == len(before) and last == len(after))
            continue
        if start < end:
            yield "-", "".join(before[start:end])
        if first < last:
            yield "+", "".join(after[first:last])


def _stayed(words: list[str], *, at_start: bool, at_end: bool) -> Iterator[Part]:
    if len(words) <= 2 * AROUND + 10:
        yield " ", "".join(words)
        return
    if not at_start:
        yield " ", "".join(words[:AROUND])
    yield "…", ""
    if not at_end:
        yield " ", "".join(words[-AROUND:])
