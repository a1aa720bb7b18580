"""Each alert's `for`, from Prometheus rule files and PrometheusRule manifests.

Source: prometheus model/rulefmt/rulefmt.go; prometheus-operator's PrometheusRule holds the same groups in `spec`.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from receiver.engine.onset import Holds, Waiting
from tocsin import duration, yamltree
from tocsin.errors import InputError
from tocsin.problem import Position, Problem, has_errors
from tocsin.yamltree import Document, YamlPath

TEMPLATE = "{{"
NO_RULES = "name files that hold groups of rules; promtool check rules tells more"


def holds_in(patterns: Sequence[str]) -> Holds:
    """What every file that a pattern names tells.

    Raises:
        InputError: a file is missing, or is no rule file; with every problem.
    """
    rules, problems = read(patterns)
    if has_errors(problems):
        raise InputError(problems)
    return Holds.of(rules)


def read(patterns: Sequence[str]) -> tuple[list[Waiting], list[Problem]]:
    """The alert rules in every file that a pattern names, and what cannot be read."""
    rules: list[Waiting] = []
    problems: list[Problem] = []
    files: dict[str, None] = {}
    for pattern in patterns:
        found = sorted(name for name in glob.glob(pattern, recursive=True) if Path(name).is_file())
        if not found:
            hint = "check the path, which counts from the configuration file's folder, or take it out of rule_files"
            problems.append(Problem("read", "rule_files names no file", Position(pattern), hint))
        files |= dict.fromkeys(found)
    for file in files:
        documents, wrong = yamltree.read(Path(file))
        problems += wrong
        if not has_errors(wrong):
            for document in documents:
                rules += _of_document(document, problems)
    return rules, problems


def _of_document(document: Document, problems: list[Problem]) -> Iterator[Waiting]:
    """The alert rules of one document; an empty one has none, a `List` those of its items."""
    data = document.data
    if data is None:
        return
    if isinstance(data, dict) and data.get("kind") == "List" and isinstance(data.get("items"), list):
        for index, item in enumerate(data["items"]):
            yield from _of_manifest(item, ("items", index), document, problems)
    else:
        yield from _of_manifest(data, (), document, problems)


def _of_manifest(data: Any, path: YamlPath, document: Document, problems: list[Problem]) -> Iterator[Waiting]:
    if isinstance(data, dict) and "groups" not in data and isinstance(data.get("spec"), dict):
        data, path = data["spec"], (*path, "spec")
    groups = data.get("groups") if isinstance(data, dict) else None
    if not isinstance(groups, list):
        problems.append(Problem("value", "is no rule file: it has no list of groups", document.at(*path), NO_RULES))
        return
    for index, group in enumerate(groups):
        yield from _of_group(group, (*path, "groups", index), document, problems)


def _of_group(group: Any, path: YamlPath, document: Document, problems: list[Problem]) -> Iterator[Waiting]:
    rules = group.get("rules") if isinstance(group, dict) else None
    if not isinstance(rules or [], list) or not isinstance(group, dict):
        problems.append(Problem("value", "is no rule file: a group has no list of rules", document.at(*path), NO_RULES))
        return
    shared = _labels(group.get("labels"))
    for index, rule in enumerate(rules or []):
        if not isinstance(rule, dict):
            where = document.at(*path, "rules", index)
            problems.append(Problem("value", "is no rule file: a rule is no mapping", where, NO_RULES))
        elif rule.get("alert"):
            try:
                hold = _hold(rule.get("for"))
            except ValueError as error:
                where = document.at(*path, "rules", index, "for")
                problems.append(
                    Problem("value", f"for: {error}", where, "write it as 30s, 5m or 1h30m", str(rule["alert"]))
                )
            else:
                yield Waiting(str(rule["alert"]), hold, fixed(shared | _labels(rule.get("labels"))))


def _hold(value: Any) -> timedelta:
    """Nothing, or a bare 0, is no wait."""
    return duration.parse(str(value)) if value else timedelta()


def _labels(value: Any) -> dict[str, str]:
    return {str(name): _text(text) for name, text in value.items()} if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    """YAML takes a bare word for a truth value where it can; Prometheus takes the word."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def fixed(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The labels whose values are known beforehand; an empty one takes a label away."""
    return tuple(sorted((name, text) for name, text in labels.items() if TEMPLATE not in text))
