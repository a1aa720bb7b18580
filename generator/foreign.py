"""Rule files and PrometheusRules that Tocsin did not write, as packs of compiled rules.

Source of the form: prometheus model/rulefmt; the operator's PrometheusRule has the same below `spec`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from promql_parser import Expr

from generator import promql
from generator.promql import Expression, PromQLError
from generator.rule import Group, Origin, Pack, Rule
from tocsin import duration
from tocsin.model import Severity
from tocsin.problem import Level, Problem
from tocsin.yamltree import Document, YamlPath

# Each a wrapper of a rule file's groups; VMRule is VictoriaMetrics's, the others GCP's managed Prometheus.
KINDS = frozenset({"PrometheusRule", "VMRule", "Rules", "ClusterRules", "GlobalRules"})

RULE_KEYS = frozenset({"record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"})
GROUP_KEYS = frozenset({"name", "interval", "query_offset", "limit", "labels", "rules"})
# Known to somebody: Thanos, Mimir and Cortex, VictoriaMetrics's vmalert.
OTHERS_KEYS = frozenset(
    {"partial_response_strategy", "source_tenants", "evaluation_delay", "align_evaluation_time_on_interval"}
    | {"remote_write", "concurrency", "type", "params", "headers", "notifier_headers", "eval_offset", "eval_delay"}
    | {"eval_alignment", "tenant", "extra_filter_labels", "debug", "update_entries_limit", "id"}
)
TOP_KEYS = frozenset({"groups", "namespace"})

SEVERITIES = {
    **dict.fromkeys(("critical", "crit", "page", "fatal", "emergency", "disaster", "p1", "sev1"), Severity.CRITICAL),
    **dict.fromkeys(("warning", "warn", "ticket", "major", "p2", "sev2"), Severity.WARNING),
    **dict.fromkeys(("info", "information", "none", "notice"), Severity.INFO),
}
LOGQL = re.compile(r"\|=|\|~|\|\s*(json|logfmt|regexp|pattern|unpack|line_format|label_format|unwrap)\b|!=\s*`")
# Valid before Prometheus 3.0, and unknown to the parser: its younger name has the same form.
OLD_NAME = re.compile(r"\bholt_winters(?=\s*\()")
OPERATOR = re.compile(r"[(+\-*/%^=<>]|\b(?:and|or|unless)\b")
MOST_OPERATORS = 2000
DEEPEST = 200  # levels of operators and calls; the checks go down by recursion
NO_RULE_FILE = "a rule file begins with groups:, a list of {name, rules}"


def groups_of(document: Document) -> Iterator[tuple[YamlPath, dict[str, Any]]]:
    """Where rule files stand in a document: the whole of it, a resource's spec, each item of a List."""
    data = document.data
    items = data.get("items") if isinstance(data, dict) and data.get("kind") == "List" else None
    resources = enumerate(items) if isinstance(items, list) else ()
    for path, part in [((), data), *((("items", index), item) for index, item in resources)]:
        if not isinstance(part, dict):
            continue
        if part.get("kind") in KINDS and isinstance(part.get("spec"), dict):
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
    logql: list[Problem] = field(default_factory=list)

    def told(self) -> Iterable[Problem]:
        """A file of LogQL is Loki's and gets one line; LogQL among PromQL is a mistake each time."""
        if self.logql and not any(problem.check == "promql-syntax" for problem in self.problems):
            first = self.logql[0]
            message = f"{len(self.logql)} expressions are LogQL: Loki's rules, which are not checked"
            hint = "check them by lokitool; Prometheus would refuse them"
            return [*self.problems, Problem("promql-syntax", message, first.at, hint, first.rule, "info")]
        return [*self.problems, *self.logql]

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
        name = _text(group.get("name"))
        if not name:
            self._note("missing-key", "the group has no name", path, "add name: <name>")
        elif name in names:
            hint = "name it otherwise, or move its rules to the first"
            self._note("duplicate-group", f"there are two groups {name!r}", (*path, "name"), hint)
        names.add(name)
        self._duration(group, "query_offset", path, name)
        rules = group.get("rules")
        if not isinstance(rules, list | None):
            self._note("value", "rules must be a list", (*path, "rules"), "write rules: and items that begin with '-'")
        items = enumerate(rules) if isinstance(rules, list) else ()
        read = [self._rule(item, (*path, "rules", index)) for index, item in items]
        interval = self._duration(group, "interval", path, name) or None
        return Group(name, tuple(rule for rule in read if rule), interval, keys=frozenset(group))

    def _rule(self, item: Any, path: YamlPath) -> Rule | None:
        if not isinstance(item, dict):
            self._note("value", "a rule must be a mapping", path, "write alert: or record:, and expr:")
            return None
        kinds = [key for key in ("alert", "record") if _text(item.get(key))]
        name = _text(item.get(kinds[0])) if kinds else ""
        if len(kinds) != 1:
            message = "a rule is an alert or a record, not both" if kinds else "the rule has no name"
            self._note("rule-kind", message, path, "write alert: <name> or record: <name>", name)
            return None
        self._keys(item, path, RULE_KEYS, "a rule", name)
        if kinds == ["record"]:
            for key in ("for", "keep_firing_for", "annotations"):
                if item.get(key):
                    hint = "remove it, or make the rule an alert"
                    self._note("unknown-key", f"a recording rule has no {key!r}", (*path, key), hint, name, key=True)
        hold, keep = (self._duration(item, key, path, name) for key in ("for", "keep_firing_for"))
        labels, annotations = (self._texts(item, key, path, name) for key in ("labels", "annotations"))
        expr = self._expr(item, path, name)
        if expr is None:
            return None
        severity = SEVERITIES.get(labels.get("severity", "").lower()) if kinds == ["alert"] else None
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
        text = _text(value)
        if not text.strip():
            self._note("missing-key", "the rule has no expr", path, "add expr: <PromQL>", name)
            return None
        try:
            too_much = len(OPERATOR.findall(text)) > MOST_OPERATORS  # the parser takes quadratic time
            expr = None if too_much else promql.parse(OLD_NAME.sub("double_exponential_smoothing", text))
        except (PromQLError, RecursionError) as error:
            self._refused(text, str(error), (*path, "expr"), name)
            return None
        if expr is None or _depth(expr.tree) > DEEPEST:
            message = "the expression is too long or nests too deep: it is not checked"
            self._note("value", message, (*path, "expr"), "divide it by recording rules", name, "warning")
            return None
        return expr

    def _refused(self, text: str, error: str, path: YamlPath, name: str) -> None:
        if LOGQL.search(text):
            hint = "PromQL has no pipes; move the rule to Loki's ruler"
            self.logql.append(
                Problem("promql-syntax", "this is LogQL, not PromQL", self.document.at(*path), hint, name)
            )
            return
        hint = "try the expression in Prometheus; check its brackets and quotes"
        if "{{" in text or "$__" in text or "${" in text:
            hint = "a rule knows no variables in expr: if this is a template, render it first"
        first = error.strip().splitlines()[0] if error.strip() else "cannot be parsed"
        self._note("promql-syntax", f"PromQL: {first}", path, hint, name)

    def _duration(self, item: dict[str, Any], key: str, path: YamlPath, name: str) -> timedelta:
        value = item.get(key)
        if value is None or value == "":
            return timedelta()
        try:
            return duration.parse(_text(value))
        except ValueError as error:
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
        return {label: _text(value) for label, value in values.items() if not isinstance(value, dict | list)}

    def _keys(self, part: dict[str, Any], path: YamlPath, known: frozenset[str], what: str, name: str = "") -> None:
        for key in part.keys() - known:
            near = get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(sorted(known))}"
            if key in OTHERS_KEYS:
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


def _text(value: Any) -> str:
    """A scalar as Prometheus takes it: any is text."""
    if value is None or isinstance(value, dict | list):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _depth(tree: Expr) -> int:
    """How many levels the tree has."""
    depth, level = 0, [tree]
    while level:
        depth += 1
        level = [child for node in level for child in promql.children(node)]
    return depth
