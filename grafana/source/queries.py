"""What a dashboard asks Prometheus, as Grafana would ask it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# What Grafana puts in the place of its variables; an hour's dashboard, asked in a stack that is minutes old.
SUBSTITUTES: Mapping[str, str] = {
    "$__rate_interval": "1m",
    "$__interval": "15s",
    "$__range": "5m",
    "$query": ".+",
}


def queries(dashboard: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each panel's title and each of its expressions, ready to be asked."""
    return [(panel["title"], substitute(target["expr"])) for panel in panels(dashboard) for target in panel["targets"]]


def panels(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The panels that show something: all but the rows, whose own panels come in their place."""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panels(panel)
        else:
            yield panel


def substitute(expr: str, values: Mapping[str, str] = SUBSTITUTES) -> str:
    """An expression with values in the place of variables, the longest names first."""
    for name in sorted(values, key=len, reverse=True):
        expr = expr.replace(f"${{{name.removeprefix('$')}}}", values[name]).replace(name, values[name])
    return expr
