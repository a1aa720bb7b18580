"""Alert rules from Prometheus's rules API."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from exporter.rules.alertrule import AlertRule, Rules
from tocsin import promrules
from tocsin.promapi import Prometheus
from tocsin.promrules import ServedGroup


async def read(prometheus: Prometheus) -> Rules:
    """The rules that a server evaluates; recording rules too, for what rests on Tocsin's own series.

    Raises:
        QueryError: no server answers, or refuses, or what answers is no rules API.
    """
    return rules_of(await promrules.rules(prometheus))


def rules_of(groups: Iterable[ServedGroup]) -> Rules:
    """The rules of all groups."""
    return Rules.together(map(_of_group, groups))


def _of_group(group: ServedGroup) -> Rules:
    interval = timedelta(seconds=group.interval)
    rules = group.rules or ()
    alerts = [
        AlertRule(
            rule.name,
            group.name,
            rule.query,
            timedelta(seconds=rule.duration),
            interval,
            (rule.labels or {}).get("severity", ""),
        )
        for rule in rules
        if rule.type == "alerting"
    ]
    return Rules(tuple(alerts), tuple((rule.name, rule.query) for rule in rules if rule.type == "recording"))
