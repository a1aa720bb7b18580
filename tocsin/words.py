"""Words of sentences that count something."""

from __future__ import annotations


def plural(count: int, noun: str) -> str:
    """`1 rule`, `2 rules`, `1,000 rules`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
