"""Which rules rest on what Tocsin itself publishes: to forecast those would be to forecast forecasts."""

from __future__ import annotations

from collections.abc import Sequence

from promql_parser import MatchOp, VectorSelector

from tocsin import promql
from tocsin.promql import PromQLError

PREFIXES = ("tocsin_", "tocsin:")  # what the exporter publishes, and what generated rules record of it


def own_records(records: Sequence[tuple[str, str]]) -> frozenset[str]:
    """The recorded series that rest on Tocsin's, directly or through others."""
    own: set[str] = set()
    used = [(name, metrics(expr)) for name, expr in records]
    while found := {name for name, names in used if name not in own and rests_on_own(names, own)}:
        own |= found
    return frozenset(own)


def rests_on_own(names: Sequence[str], own: frozenset[str] | set[str]) -> bool:
    """Whether one of these metrics is Tocsin's, or is recorded from one."""
    return any(name.startswith(PREFIXES) or name in own for name in names)


def metrics(expr: str) -> tuple[str, ...]:
    """The metrics that an expression reads; nothing where it cannot be parsed."""
    try:
        selectors = promql.parse(expr).of(VectorSelector)
    except PromQLError:
        return ()
    return tuple(name for selector in selectors for name in (promql.metric(selector), *_patterns(selector)) if name)


def _patterns(selector: VectorSelector) -> list[str]:
    """Names given as a pattern; that they begin so is enough."""
    matchers = selector.matchers.matchers
    return [m.value.lstrip("^(") for m in matchers if m.name == "__name__" and m.op == MatchOp.Re]
