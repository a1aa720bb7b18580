"""Rule files and PrometheusRules that Tocsin did not write, as packs of compiled rules.

Source of the form: prometheus model/rulefmt; the operator's PrometheusRule has the same below `spec`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from promql_parser import Expr

from generator.dialect import Language, as_parsed, language_of
from generator.rule import Group, Origin, Pack, Rule
from tocsin import duration, promql
from tocsin.model import Labels, Severity
from tocsin.problem import Level, Problem
from tocsin.promql import Expression, PromQLError
from tocsin.yamltree import Document, YamlPath

# Each a wrapper of a rule file's groups; VMRule is VictoriaMetrics's, the others GCP's managed Prometheus.
KINDS = frozenset({"PrometheusRule", "VMRule", "Rules", "ClusterRules", "GlobalRules"})

RULE_KEYS = frozenset({"record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"})
GROUP_KEYS = frozenset({"name", "interval", "query_offset", "limit", "labels", "rules"})
# Known to somebody: Thanos, Mimir and Cortex, VictoriaMetrics's vmalert.
OTHERS_KEYS = frozenset(
    {"partial_response_strategy", "source_tenants", "evaluation_delay", "align_evaluation_time_on_interval"}
    | {"remote_write", "concurrency", "type", "params", "headers", "notifier_headers", "eval_offset", "eval_delay"}
    | {"eval_alignment", "tenant", "extra_filter_labels", "debug", "update_entries_limit", "id", "namespace"}
)
TOP_KEYS = frozenset({"groups"})

SEVERITIES = {
    **dict.fromkeys(("critical", "crit", "page", "fatal", "emergency", "disaster", "p1", "sev1"), Severity.CRITICAL),
    **dict.fromkeys(("warning", "warn", "ticket", "major", "p2", "sev2"), Severity.WARNING),
    **dict.fromkeys(("info", "information", "none", "notice"), Severity.INFO),
}
SIGNS = ("(", "+", "-", "*", "/", "%", "^", "=", "<", ">", "and", "or", "unless", "AND", "OR", "UNLESS")
OPERATOR = re.compile(r"[(+\-*/%^=<>]|\b(?:and|or|unless)\b", re.IGNORECASE)
MOST_OPERATORS = 2000  # the parser takes quadratic time
DEEPEST = 200  # levels of operators and calls; the checks go down by recursion
LONGEST = timedelta(days=106_751)  # Go's durations end there
NO_DURATION = frozenset({"", "0", "0s", "0m", "0h", "0d"})
NO_RULE_FILE = "a rule file begins with groups:, a list of {name, rules}"


def groups_of(document: Document) -> Iterator[tuple[YamlPath, dict[str, Any]]]:
    """Where rule files stand in a document: the whole of it, a resource's spec, each item of a List."""
    data = document.data
    items = data.get("items") if isinstance(data, dict) and data.get("kind") == "List" else None
    resources = enumerate(items) if isinstance(items, list) else ()
    for path, part in [((), data), *((("items", index), item) for index, item in resources)]:
        if not isinstance(part, dict):
            continue
        if str(part.get("kind")) in KINDS and isinstance(part.get("spec"), dict):
            yield (*path, "spec"), part["spec"]
        elif not path and "groups" in part and not ("kind" in part or "apiVersion" in part):
            yield path, part


def looks_like_rules(document: Document) -> bool:
    """Whether somebody meant rules by this document; others that have groups are left in peace."""
    return any(_has_rules(part) for _, part in groups_of(document))


def _has_rules(part: dict[str, Any]) -> bool:
    groups = part.get("groups")
    rules = [group.get("rules") for group in groups if isinstance(group, dict)] if isinstance(groups, list) else []
    items = [item for found in rules if isinstance(found, list) for item in found]
    return any(isinstance(item, dict) and item.keys() & {"alert", "record", "expr"} for item in items)


def severity_of(labels: Labels) -> Severity | None:
    """The severity that a label of that name means, whatever somebody calls it."""
    return SEVERITIES.get(labels.get("severity", "").lower())


def compile_document(document: Document) -> tuple[list[Pack], list[Problem]]:
    """The packs in a document, each of the rules that can be read, and what is wrong with the others."""
    packs: list[Pack] = []
    problems: list[Problem] = []
    for path, part in groups_of(document):
        reading = _Reading(document)
        groups = tuple(reading.groups(part, path))
        packs.append(Pack(document.file, groups, document.file, Origin(document, path), foreign=True))
        problems += reading.told()
    return packs, problems


@dataclass(slots=True)
class _Reading:
    document: Document
    problems: list[Problem] = field(default_factory=list)
    others: list[tuple[Language, Problem]] = field(default_factory=list)
    expressions: int = 0

    def told(self) -> Iterable[Problem]:
        """A file half of which is in another language is another product's, and gets one line for all."""
        languages = {language for language, _ in self.others}
        mixed = any(problem.check == "promql-syntax" for problem in self.problems)
        if len(languages) != 1 or mixed or 2 * len(self.others) < self.expressions:
            return [*self.problems, *(problem for _, problem in self.others)]
        [language], first = languages, self.others[0][1]
        count = len(self.others)
        what = "1 expression is" if count == 1 else f"{count} expressions are"
        message = f"{what} {language.name}: {language.whose} rules, of which these are not checked"
        hint = f"{language.hint}; Prometheus would refuse them"
        return [*self.problems, Problem("promql-syntax", message, first.at, hint, first.rule, "info")]

    def groups(self, part: dict[str, Any], path: YamlPath) -> Iterator[Group]:
        if path == ():
            self._keys(part, path, TOP_KEYS, "a rule file")
        groups = part.get("groups")
        if groups is None:
            return
        if not isinstance(groups, list):
            self._note("value", "groups must be a list", (*path, "groups"), NO_RULE_FILE)
            return
        names: set[str] = set()
        for index, group in enumerate(groups):
            at = (*path, "groups", index)
            if not isinstance(group, dict):
                self._note("value", "a group must be a mapping", at, NO_RULE_FILE)
                continue
            yield self._group(group, at, names)

    def _group(self, group: dict[str, Any], path: YamlPath, names: set[str]) -> Group:
        self._keys(group, path, GROUP_KEYS, "a group")
        name = self._text(group, "name", path)
        if not name:
            self._note("missing-key", "the group has no name", path, "add name: <name>")
        elif name in names:
            hint = "name it otherwise, or move its rules to the first"
            self._note("duplicate-group", f"there are two groups {name!r}", (*path, "name"), hint)
        names.add(name)
        query_offset = self._duration(group, "query_offset", path, name)
        if not isinstance(group.get("limit"), int | float | None):
            self._note("value", "limit is not a whole number", (*path, "limit"), "write limit: 100", name)
        rules = group.get("rules")
        if not isinstance(rules, list | None):
            self._note("value", "rules must be a list", (*path, "rules"), "write rules: and items that begin with '-'")
        items = enumerate(rules) if isinstance(rules, list) else ()
        read = [self._rule(item, (*path, "rules", index)) for index, item in items]
        interval = self._duration(group, "interval", path, name) or None
        return Group(
            name,
            tuple(rule for rule in read if rule),
            interval,
            None if group.get("query_offset") is None else query_offset,  # 0s is not the server's
            _count(group.get("limit")),
            self._texts(group, "labels", path, name),
            Origin(self.document, path),
            frozenset(group),
        )

    def _rule(self, item: Any, path: YamlPath) -> Rule | None:
        if not isinstance(item, dict):
            self._note("value", "a rule must be a mapping", path, "write alert: or record:, and expr:")
            return None
        kinds = [key for key in ("alert", "record") if self._text(item, key, path)]
        name = self._text(item, kinds[0], path) if kinds else ""
        if len(kinds) != 1:
            message = "a rule is an alert or a record, not both" if kinds else "the rule has no name"
            self._note("rule-kind", message, path, "write alert: <name> or record: <name>", name)
            return None
        self._keys(item, path, RULE_KEYS, "a rule", name)
        if kinds == ["record"]:
            for key in ("for", "keep_firing_for", "annotations"):
                if self._text(item, key, path) not in NO_DURATION or (key == "annotations" and item.get(key)):
                    hint = "remove it, or make the rule an alert"
                    self._note("unknown-key", f"a recording rule has no {key!r}", (*path, key), hint, name, key=True)
        hold, keep = (self._duration(item, key, path, name) for key in ("for", "keep_firing_for"))
        labels, annotations = (self._texts(item, key, path, name) for key in ("labels", "annotations"))
        expr = self._expr(item, path, name)
        if expr is None:
            return None
        severity = severity_of(labels) if kinds == ["alert"] else None
        return Rule(
            kind="alert" if kinds == ["alert"] else "record",
            name=name,
            expr=expr,
            origin=Origin(self.document, path),
            expr_path=("expr",),
            labels=labels,
            annotations=annotations if kinds == ["alert"] else {},
            severity=severity,
            hold=hold,
            keep_firing_for=keep,
        )

    def _expr(self, item: dict[str, Any], path: YamlPath, name: str) -> Expression | None:
        value = item.get("expr")
        if isinstance(value, dict | list):
            hint = "write it as text; if {{ … }} stands there, this is a template: render it first"
            self._note("value", "expr is not a text", (*path, "expr"), hint, name)
            return None
        text = self._text(item, "expr", path)
        if not text.strip():
            self._note("missing-key", "the rule has no expr", path, "add expr: <PromQL>", name)
            return None
        self.expressions += 1
        try:
            operators = len(OPERATOR.findall(text)) if sum(map(text.count, SIGNS)) > DEEPEST // 3 else 0
            expr = None if operators > MOST_OPERATORS else promql.parse(as_parsed(text))
        except (PromQLError, RecursionError) as error:
            self._refused(text, str(error), (*path, "expr"), name)
            return None
        if expr is None or (operators > DEEPEST // 3 and _depth(expr.tree) > DEEPEST):  # three levels each at most
            message = "the expression is too long or nests too deep: it is not checked"
            self._note("value", message, (*path, "expr"), "divide it by recording rules", name, "warning")
            return None
        return expr

    def _refused(self, text: str, error: str, path: YamlPath, name: str) -> None:
        if language := language_of(text, self.document.data):
            what = f"this is {language.name}, not PromQL"
            problem = Problem("promql-syntax", what, self.document.at(*path), language.way_out, name)
            self.others.append((language, problem))
            return
        hint = "try the expression in Prometheus; check its brackets and quotes"
        if "{{" in text or "$__" in text or "${" in text:
            hint = "a rule knows no variables in expr: if this is a template, render it first"
        first = error.strip().splitlines()[0] if error.strip() else "cannot be parsed"
        self._note("promql-syntax", f"PromQL: {first}", path, hint, name)

    def _duration(self, item: dict[str, Any], key: str, path: YamlPath, name: str) -> timedelta:
        value = item.get(key)
        if value is None or (value == "" and path[:1] == ("spec",)):  # the operator leaves an empty one out
            return timedelta()
        try:
            length = duration.parse(self._text(item, key, path))
            if length <= LONGEST:
                return length
            error = "is longer than Prometheus can count"
        except (ValueError, OverflowError) as unread:
            error = str(unread)
        self._note("value", f"{key}: {error}", (*path, key), "write a number and its unit: 5m", name)
        return timedelta()

    def _texts(self, item: dict[str, Any], key: str, path: YamlPath, name: str) -> dict[str, str]:
        values = item.get(key)
        if values is None:
            return {}
        if not isinstance(values, dict):
            self._note("value", f"{key} must be a mapping", (*path, key), "write keys and values", name)
            return {}
        for label, value in values.items():
            if isinstance(value, dict | list):
                hint = "write a text; quote it if it begins with {"
                self._note("value", f"{label!r} is not a text", (*path, key, label), hint, name)
        kept = (label for label, value in values.items() if not isinstance(value, dict | list))
        return {label: self._text(values, label, (*path, key)) for label in kept}

    def _text(self, part: dict[str, Any], key: str, path: YamlPath) -> str:
        """A scalar as Prometheus takes it: any is text, as it was written (`1.10`, `on`)."""
        value = part.get(key)
        if value is None or isinstance(value, dict | list):
            return ""
        return value if isinstance(value, str) else self.document.written().scalars.get((*path, key), str(value))

    def _keys(self, part: dict[str, Any], path: YamlPath, known: frozenset[str], what: str, name: str = "") -> None:
        for key in part.keys() - known:
            near = get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(sorted(known))}"
            if key in OTHERS_KEYS:
                if _of_operator(self.document):
                    continue
                message = f"{key!r} is not Prometheus's: it would refuse the file"
                self._note(
                    "unknown-key", message, (*path, key), "fine for the server whose key it is", name, "info", True
                )
            else:
                self._note("unknown-key", f"{what} has no key {key!r}", (*path, key), hint, name, key=True)

    def _note(
        self,
        check: str,
        message: str,
        path: YamlPath,
        hint: str,
        name: str = "",
        level: Level = "error",
        key: bool = False,
    ) -> None:
        at = self.document.at_key(*path) if key else self.document.at(*path)
        self.problems.append(Problem(check, message, at, hint, name, level))


def _count(value: Any) -> int:
    """A group's limit; what is no number was noted, and is none."""
    return int(value) if isinstance(value, int | float) and math.isfinite(value) else 0


def _of_operator(document: Document) -> bool:
    """Whether an operator reads it, which knows the keys of its own server."""
    return isinstance(document.data, dict) and document.data.get("kind") in ("PrometheusRule", "VMRule")


def _depth(tree: Expr) -> int:
    """How many levels the tree has."""
    depth, level = 0, [tree]
    while level:
        depth += 1
        level = [child for node in level for child in promql.children(node)]
    return depth
