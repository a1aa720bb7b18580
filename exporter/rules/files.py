"""Alert rules from Prometheus's rule files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from exporter.rules.alertrule import USUAL_INTERVAL, AlertRule, Rules
from tocsin import duration, yamltree
from tocsin.problem import Position, Problem, has_errors

Text = str | int | float | bool | None  # YAML takes a bare word for a number where it can


class _Rule(msgspec.Struct, frozen=True):
    alert: str = ""
    record: str = ""
    expr: Text = ""
    hold: Text = msgspec.field(name="for", default="0s")
    labels: dict[str, Text] = {}


class _Group(msgspec.Struct, frozen=True):
    name: str = ""
    interval: Text = ""
    labels: dict[str, Text] = {}
    rules: list[_Rule] = []


class _File(msgspec.Struct, frozen=True):
    groups: list[_Group] = []


def read(patterns: Sequence[str], usual: timedelta = USUAL_INTERVAL) -> tuple[Rules, list[Problem]]:
    """The rules in every file that a pattern names, and what cannot be read; `usual` is a group's default interval."""
    parts, problems = list[Rules](), list[Problem]()
    for pattern in patterns:
        files = sorted(_files(pattern))
        if not files:
            place = Position(pattern)
            problems.append(Problem("read", "names no file", place, hint="check the path, or take it out"))
        for file in files:
            found, wrong = _read(file, usual)
            parts.append(found)
            problems += wrong
    return Rules.together(parts), problems


def _files(pattern: str) -> Iterator[Path]:
    """The files of a pattern whose last part may hold `*` and `?`, as in prometheus.yml."""
    path = Path(pattern)
    yield from (file for file in path.parent.glob(path.name) if file.is_file())


def _read(file: Path, usual: timedelta) -> tuple[Rules, list[Problem]]:
    documents, problems = yamltree.read(file)
    if has_errors(problems):
        return Rules(), problems
    parts = []
    for document in documents:
        try:
            groups = msgspec.convert(_groups(document.data), _File, strict=False).groups
            parts += [_of_group(group, usual) for group in groups]
        except (msgspec.ValidationError, ValueError) as error:
            hint = "promtool check rules tells more"
            problems.append(Problem("value", f"is no rule file: {error}", document.at(), hint=hint))
    return Rules.together(parts), problems


def _groups(data: Any) -> Any:
    """A PrometheusRule holds its groups in `spec`."""
    return data["spec"] if isinstance(data, dict) and "groups" not in data and "spec" in data else data


def _of_group(group: _Group, usual: timedelta) -> Rules:
    interval = duration.parse(str(group.interval)) if group.interval else usual
    alerts = [
        AlertRule(
            rule.alert,
            group.name,
            str(rule.expr).strip(),
            duration.parse(str(rule.hold)),
            interval,
            str((group.labels | rule.labels).get("severity", "")),
        )
        for rule in group.rules
        if rule.alert
    ]
    return Rules(tuple(alerts), tuple((rule.record, str(rule.expr).strip()) for rule in group.rules if rule.record))
