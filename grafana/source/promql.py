"""Shapes of PromQL that panels share."""

from __future__ import annotations

from collections.abc import Iterable

from tocsin.model import SEVERITY_SYNONYMS, Severity

WINDOW = "[$__rate_interval]"  # what a rate is counted over
RANGE = "[$__range]"  # all that is on the screen
TENANTS = 'tenant=~"$tenant"'
PLACES = f'{TENANTS}, cluster=~"$cluster"'  # of what no service has alone: machines, clusters
SERVICES = f'{PLACES}, service=~"$service"'


def of(metric: str, *matchers: str, within: str = SERVICES) -> str:
    """A metric's series of the tenants, clusters and services that are chosen."""
    return f"{metric}{{{', '.join(one for one in (within, *matchers) if one)}}}"


def or_zero(expr: str) -> str:
    """The expression's one value without labels, or 0 where nothing has happened yet."""
    return f"{expr} or vector(0)"


def or_none(expr: str, label: str, name: str = "none") -> str:
    """The expression's series, or one of value 0 that bears `name`, where there are none.

    `on ()` takes every left series for a match; without it the 0 would stand beside them.
    """
    return f'{expr} or on () label_replace(vector(0), "{label}", "{name}", "", "")'


def per_second(counter: str, *by: str) -> str:
    """How fast a counter grows, over all its series or by labels."""
    return f"{_sum(by)}(rate({counter}{WINDOW}))"


def share(part: str, whole: str) -> str:
    """A share between 0 and 1; nothing where there is no whole. Both are grouped by the same labels."""
    return f"(({part}) or 0 * ({whole})) / (({whole}) > 0)"


def happened(counter: str, *by: str, window: str = RANGE) -> str:
    """How often something happened in the time shown, or before each moment of a graph.

    A series that began in it is counted from 0: counters of labels that are not known before begin with the first
    event, which `increase` alone would miss.
    """
    return f"{_sum(by)}((increase({counter}{window}) and {counter} offset {window[1:-1]}) or {counter})"


def quantile(share: float, histogram: str, window: str, *by: str) -> str:
    """The value that this share of a histogram's observations keeps; no number where nothing was observed."""
    function = "increase" if window == RANGE else "rate"
    return f"histogram_quantile({share}, sum by ({', '.join(('le', *by))}) ({function}({histogram}{window})))"


def severities(meant: Severity) -> str:
    """Every word that rule sets write for this severity, as a pattern."""
    return "|".join(sorted(_words(meant)))


def _sum(by: Iterable[str]) -> str:
    labels = ", ".join(by)
    return f"sum by ({labels}) " if labels else "sum"


def _words(meant: Severity) -> Iterable[str]:
    return {meant.value, *(word for word, severity in SEVERITY_SYNONYMS.items() if severity is meant)}
