"""Shapes of PromQL that panels share."""

from __future__ import annotations

from collections.abc import Iterable

from tocsin.model import SEVERITY_SYNONYMS, Severity

WINDOW = "[$__rate_interval]"  # what a rate is counted over
RANGE = "[$__range]"  # all that is on the screen


def or_zero(expr: str) -> str:
    """The expression's one value without labels, or 0 where nothing has happened yet."""
    return f"{expr} or vector(0)"


def or_none(expr: str, label: str, name: str = "none") -> str:
    """The expression's series, or one of value 0 that bears `name`, where there are none.

    `on ()` takes every left series for a match; without it the 0 would stand beside them.
    """
    return f'{expr} or on () label_replace(vector(0), "{label}", "{name}", "", "")'


def per_second(counter: str) -> str:
    """How fast a counter grows, over all its series."""
    return f"sum(rate({counter}{WINDOW}))"


def quantile(share: float, histogram: str, window: str, *by: str) -> str:
    """The value that this share of a histogram's observations keeps; no number where nothing was observed."""
    function = "increase" if window == RANGE else "rate"
    return f"histogram_quantile({share}, sum by ({', '.join(('le', *by))}) ({function}({histogram}{window})))"


def severities(meant: Severity) -> str:
    """Every word that rule sets write for this severity, as a pattern."""
    return "|".join(sorted(_words(meant)))


def _words(meant: Severity) -> Iterable[str]:
    return {meant.value, *(word for word, severity in SEVERITY_SYNONYMS.items() if severity is meant)}
