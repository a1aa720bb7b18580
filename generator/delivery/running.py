"""The rules that a server evaluates, as groups to compare with: what its API does not say is left out of both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import PurePath

from generator.delivery.reading import group_of
from generator.rule import Group
from tocsin import duration, promrules
from tocsin.promapi import Prometheus
from tocsin.promrules import ServedGroup, ServedRule


@dataclass(frozen=True, slots=True)
class Sick:
    """A rule that the server cannot evaluate, and its own words why."""

    file: str
    group: str
    rule: str
    error: str


@dataclass(frozen=True, slots=True)
class Running:
    """What runs: the groups of each file, the rules that fail, and the interval of groups that say none (if known)."""

    files: Mapping[str, Sequence[Group]]
    sick: tuple[Sick, ...] = ()
    interval: timedelta | None = None


async def running(prometheus: Prometheus) -> Running:
    """What the server runs just now.

    Raises:
        QueryError: it does not answer, or refuses, or is no Prometheus.
    """
    served = await promrules.rules(prometheus, "exclude_alerts=true")  # what does not know it leaves them in
    files: dict[str, list[Group]] = {}
    for group in served:
        files.setdefault(group.file, []).append(_group(group))
    sick = tuple(
        Sick(group.file, group.name, rule.name, rule.last_error)
        for group in served
        for rule in group.rules or ()
        if rule.health == "err" or rule.last_error
    )
    return Running(files, sick, (await promrules.config(prometheus)).interval)


def as_run(groups: Iterable[Group], interval: timedelta | None) -> tuple[Group, ...]:
    """Groups as a server would tell of them; `interval` is its own, for groups that have none."""
    return tuple(
        replace(
            group,
            interval=group.interval or interval,
            query_offset=None,
            labels={},
            rules=tuple(replace(rule, labels={**group.labels, **rule.labels}) for rule in group.rules),
        )
        for group in groups
    )


def stem(file: str) -> str:
    """A file's name without its folder and suffix: `node` of `/etc/prometheus/rules/node.yml`."""
    return PurePath(file).name.removesuffix(".yml").removesuffix(".yaml")


def _group(group: ServedGroup) -> Group:
    tree = {"name": group.name, "limit": group.limit, "rules": [_rule(rule) for rule in group.rules or ()]}
    return replace(group_of(tree, group.file), interval=timedelta(seconds=group.interval) or None)


def _rule(rule: ServedRule) -> dict[str, object]:
    return {
        "alert" if rule.type == "alerting" else "record": rule.name,
        "expr": rule.query,
        "for": _shown(rule.duration),
        "keep_firing_for": _shown(rule.keep_firing_for),
        "labels": rule.labels,
        "annotations": rule.annotations,
    }


def _shown(seconds: float) -> str:
    return duration.show(timedelta(seconds=seconds))
