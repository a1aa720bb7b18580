"""A difference as scripts read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from generator.delivery.difference import Change, Difference, GroupDifference, RuleDifference


def as_rows(difference: Difference) -> dict[str, Any]:
    """`{"groups": [{"kind", "file", "group", "changes", "reordered"}], "rules": [{"kind", "file", "group", …}]}`."""
    return {
        "groups": [_group(group) for group in difference.groups],
        "rules": [_rule(rule) for rule in difference.rules],
    }


def _group(group: GroupDifference) -> dict[str, Any]:
    return {
        "kind": group.kind,
        "file": group.file,
        "group": group.group,
        "changes": _changes(group.changes),
        "reordered": [{"record": record.name, "reader": reader.name} for record, reader in group.reordered],
    }


def _rule(found: RuleDifference) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "file": found.file,
        "group": found.group,
        "type": found.rule.kind,
        "rule": found.rule.name,
        "labels": dict(found.rule.labels),
        "changes": _changes(found.changes),
    }


def _changes(changes: Sequence[Change]) -> list[dict[str, str | None]]:
    return [{"field": change.field, "old": change.old, "new": change.new} for change in changes]
