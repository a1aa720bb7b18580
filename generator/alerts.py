"""One `alert` of a pack, compiled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from generator.about import annotations_of, labels_of, written_twice
from generator.foreign import severity_of
from generator.lifecycle import State
from generator.reading import Reading
from generator.recordings import prefix, recorded
from generator.rule import Origin, Rule
from generator.schema import Alert, Metadata, VerbatimAlert
from generator.template import Plan, Template
from generator.templates import TEMPLATES
from tocsin.problem import Problem
from tocsin.promql import PromQLError
from tocsin.yamltree import YamlPath

ALERT_KEYS = frozenset(field.alias or name for name, field in Alert.model_fields.items())


def compile_alert(item: Mapping[str, Any], path: YamlPath, reading: Reading, pack: Metadata) -> tuple[Rule, ...]:
    """What the item's template records, and the alert; nothing where it has problems, which are noted."""
    name = str(item["alert"])
    keys = _template_keys(item)
    facts = {key: value for key, value in item.items() if key not in keys}
    alert = reading.model(VerbatimAlert if pack.verbatim else Alert, facts, path, name)
    template = _template(item, keys, path, reading, name)
    for problem in written_twice(item, path, reading, name, verbatim=pack.verbatim):
        reading.note(problem)
    if alert and alert.tests:
        from generator.proof.given import look  # few rules have tests, and a build wants nothing of them

        look(alert.tests, "alert", path, reading, name)
    plan = _plan(template, (*path, *keys), reading, name) if template else None
    if alert is None or plan is None or alert.state == State.DISABLED:
        return ()
    rule = Rule(
        kind="alert",
        name=alert.alert,
        expr=plan.expr,
        origin=Origin(reading.document, path),
        expr_path=(keys[0], "expr"),
        labels=labels_of(alert, alert.severity, pack),
        annotations=annotations_of(alert, alert.severity, pack, summary=alert.summary, hold=alert.hold),
        template=keys[0],
        severity=alert.severity or severity_of(alert.labels),
        state=alert.state,
        hold=alert.hold or timedelta(),
        keep_firing_for=alert.keep_firing_for or timedelta(),
    )
    return (*(recorded(recording, rule) for recording in plan.recordings), rule)


def _template_keys(item: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys that name templates; if there is none, the one that seems meant as such."""
    strange = [key for key in item if key not in ALERT_KEYS]
    known = tuple(key for key in strange if key in TEMPLATES)
    meant = (key for key in strange if isinstance(item[key], dict | None) or get_close_matches(key, TEMPLATES))
    return known or tuple(list(meant)[:1])


def _template(
    item: Mapping[str, Any], keys: tuple[str, ...], path: YamlPath, reading: Reading, name: str
) -> Template | None:
    problem = _template_problem(keys, path, reading, name)
    if problem:
        reading.note(problem)
        return None
    [key] = keys
    facts = {} if item[key] is None else reading.mapping(item[key], (*path, key), key)
    return None if facts is None else reading.model(TEMPLATES[key], facts, (*path, key), name)


def _template_problem(keys: tuple[str, ...], path: YamlPath, reading: Reading, name: str) -> Problem | None:
    exist = f"templates: {', '.join(TEMPLATES)}"
    match keys:
        case ():
            message = "the alert has no template: nothing says when it fires"
            return Problem("missing-template", message, reading.document.at(*path), f"add one; {exist}", name)
        case (key,) if key not in TEMPLATES:
            near = get_close_matches(key, TEMPLATES, n=1)
            hint = f"did you mean {near[0]!r}? {exist}" if near else exist
            at = reading.document.at_key(*path, key)
            return Problem("unknown-template", f"unknown template {key!r}", at, hint, name)
        case (_, second, *_):
            message = f"the alert has {len(keys)} templates: {', '.join(keys)}"
            at = reading.document.at_key(*path, second)
            return Problem("two-templates", message, at, "keep one, and write an alert of its own for each other", name)
    return None


def _plan(template: Template, path: YamlPath, reading: Reading, name: str) -> Plan | None:
    try:
        return template.plan(prefix(name))
    except PromQLError as error:
        hint = "an expression to compare needs one value a series, not a range and not a fixed number"
        at = reading.document.at(*path, "expr")
        reading.note(Problem("promql-syntax", f"PromQL: {error}", at, hint, name))
        return None
