"""`azure`: Prometheus rule groups of Azure Monitor, as a template for `az deployment group create`.

Source: Microsoft.AlertsManagement/prometheusRuleGroups 2023-03-01 (intervals of 1 to 15 minutes, one workspace), and
Azure Monitor's service limits (20 rules a group). YAML, because it is reviewed; `yq -o json` makes the JSON that Azure
reads. A text from '[' to ']' would be an expression of the template, and is written '[['.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from generator import yamltext
from generator.emit import Part, Rendering
from generator.rule import Group, Pack, Rule
from generator.targets import groups
from generator.targets.dialect import Dialect, spoken
from generator.version import OLDEST, Version
from generator.yamltext import Tree
from tocsin import duration
from tocsin.model import Severity
from tocsin.problem import Problem

MOST_RULES = 20
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(minutes=15)  # of an interval, and of the time to resolve
SEVERITIES = {Severity.CRITICAL: 0, Severity.WARNING: 2, Severity.INFO: 3}
UNKNOWN = frozenset({"limit", "query_offset", "labels"})
SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"

PARAMETERS: Tree = {
    "workspace": {"type": "string", "metadata": {"description": "Resource id of the Azure Monitor workspace"}},
    "clusterName": {"type": "string", "defaultValue": "", "metadata": {"description": "Only data of this cluster"}},
    "location": {"type": "string", "defaultValue": "[resourceGroup().location]"},
    "actionGroups": {"type": "array", "defaultValue": [], "metadata": {"description": "{actionGroupId} of each"}},
}


def render(pack: Pack, version: Version = OLDEST) -> Rendering:
    """The pack as a template with one resource a group; groups that are too large become several."""
    said, problems = spoken(pack, Dialect("azure", version, UNKNOWN))
    fitting, torn = groups.cut([group for group in said.groups if group.rules], MOST_RULES, "azure")
    tree: dict[str, Tree] = {
        "$schema": SCHEMA,
        "contentVersion": "1.0.0.0",
        "parameters": PARAMETERS,
        "resources": [_resource(pack, group, problems) for group in fitting],
    }
    return Rendering((Part("", yamltext.dump(tree), len(pack.rules)),), (*problems, *torn))


def _resource(pack: Pack, group: Group, problems: list[Problem]) -> Tree:
    return {
        "type": "Microsoft.AlertsManagement/prometheusRuleGroups",
        "apiVersion": "2023-03-01",
        "name": _literal(f"{pack.name}-{group.name}"),
        "location": "[parameters('location')]",
        "properties": {
            "scopes": ["[parameters('workspace')]"],
            "clusterName": "[parameters('clusterName')]",
            "interval": _iso8601(_interval(group, problems)),
            "enabled": True,
            "rules": [_rule(rule, problems) for rule in group.rules],
        },
    }


def _interval(group: Group, problems: list[Problem]) -> timedelta:
    interval = group.interval or SHORTEST
    nearest = min(max(interval, SHORTEST), LONGEST)
    if nearest != interval and group.origin:
        message = f"an interval of {duration.show(interval)} becomes {duration.show(nearest)}: Azure takes 1m to 15m"
        at = group.origin.at("interval")
        problems.append(Problem("target", message, at, "write an interval of 1m to 15m", severity="warning"))
    return nearest


def _rule(rule: Rule, problems: list[Problem]) -> Tree:
    tree: dict[str, Tree] = {rule.kind: _literal(rule.name), "expression": _literal(rule.expr.text), "enabled": True}
    if rule.labels:
        tree["labels"] = _literals(rule.labels)
    if rule.kind == "record":
        return tree
    tree["for"] = _iso8601(rule.hold)
    tree["annotations"] = _literals(rule.annotations)
    tree["severity"] = SEVERITIES[rule.severity or Severity.WARNING]
    resolve: dict[str, Tree] = {"autoResolved": True}
    if rule.keep_firing_for:
        resolve["timeToResolve"] = _iso8601(_time_to_resolve(rule, problems))
    tree["resolveConfiguration"] = resolve
    tree["actions"] = "[parameters('actionGroups')]"
    return tree


def _time_to_resolve(rule: Rule, problems: list[Problem]) -> timedelta:
    """How long a rule must be well before the alert is over: what keep_firing_for says, in Azure's words."""
    nearest = min(max(rule.keep_firing_for, SHORTEST), LONGEST)
    if nearest != rule.keep_firing_for:
        given, taken = duration.show(rule.keep_firing_for), duration.show(nearest)
        message = f"keep_firing_for of {given} becomes {taken}: Azure's timeToResolve takes 1m to 15m"
        at = rule.origin.at("keep_firing_for")
        problems.append(rule.problem("target", message, at, "write 1m to 15m", severity="warning"))
    return nearest


def _literals(texts: Mapping[str, str]) -> Tree:
    return {_literal(name): _literal(text) for name, text in texts.items()}


def _literal(text: str) -> str:
    return f"[{text}" if text.startswith("[") and text.endswith("]") else text


def _iso8601(span: timedelta) -> str:
    """`PT1H30M`; only hours, minutes and seconds, which are the same length everywhere."""
    rest = round(span.total_seconds())
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = "".join(f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if count)
    return f"PT{parts or '0S'}"
