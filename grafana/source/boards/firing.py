"""Alerts that fire in Prometheus, the heartbeat left out."""

from __future__ import annotations

from grafana.source.look import Colour, Names
from grafana.source.promql import SERVICES, of, severities
from tocsin.model import Severity

STATES: Names = {  # of `worst`
    3: ("critical", Colour.BAD),
    2: ("warning", Colour.WATCH),
    1: ("info", Colour.PLAIN),
    0: ("nothing fires", Colour.QUIET),
}


def firing(*matchers: str, within: str = SERVICES) -> str:
    """Each alert that fires."""
    return of("ALERTS", 'alertstate="firing"', 'alertname!="Watchdog"', *matchers, within=within)


def worst(*by: str, within: str = SERVICES) -> str:
    """3, 2 or 1: whether the worst that fires is critical, a warning or for information; by labels.

    Words other than critical, warning and info are read as the receiver reads them.
    """
    critical, info = severities(Severity.CRITICAL), severities(Severity.INFO)
    each = (
        (3, firing(f'severity=~"{critical}"', within=within)),
        (2, firing(f'severity!~"{critical}|{info}"', within=within)),
        (1, firing(f'severity=~"{info}"', within=within)),
    )
    return " or ".join(f"max by ({', '.join(by)}) ({weight} * {alerts})" for weight, alerts in each)
