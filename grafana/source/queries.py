"""What a dashboard asks Prometheus, as Grafana would ask it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# What Grafana puts in the place of its own variables, for an hour that a graph shows in steps of 15 seconds.
GRAFANAS: Mapping[str, str] = {"__rate_interval": "1m", "__interval": "15s", "__range": "5m"}


def queries(dashboard: Mapping[str, Any], grafanas: Mapping[str, str] = GRAFANAS) -> list[tuple[str, str]]:
    """Each panel's title and each of its expressions, ready to be asked."""
    known = {**values(dashboard), **grafanas}
    return [
        (panel["title"], substitute(target["expr"], known))
        for panel in panels(dashboard)
        for target in panel["targets"]
    ]


def marks(dashboard: Mapping[str, Any], grafanas: Mapping[str, str] = GRAFANAS) -> list[tuple[str, str]]:
    """What the annotations are called, and what they ask."""
    known = {**values(dashboard), **grafanas}
    found = dashboard["annotations"]["list"]
    return [(mark["name"], substitute(mark["target"]["expr"], known)) for mark in found]


def panels(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The panels that show something: all but the rows, whose own panels come in their place."""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panels(panel)
        else:
            yield panel


def values(dashboard: Mapping[str, Any]) -> dict[str, str]:
    """What the dashboard's variables stand for when it is opened for the first time."""
    return {variable["name"]: _value(variable) for variable in dashboard["templating"]["list"]}


def substitute(expr: str, values: Mapping[str, str]) -> str:
    """An expression with values in the place of variables, the longest names first."""
    for name in sorted(values, key=len, reverse=True):
        expr = expr.replace(f"${{{name}}}", values[name]).replace(f"${name}", values[name])
    return expr


def _value(variable: Mapping[str, Any]) -> str:
    if variable["type"] == "textbox":
        return str(variable["query"])
    value = (variable.get("current") or {}).get("value", "")
    return str(variable["allValue"] if value == "$__all" else value)
