"""What templates and SLOs record for their alerts: how it is called, and that each series is written once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from generator.reading import Reading
from generator.rule import Identity, Rule
from generator.template import Recording
from tocsin.problem import Problem

BETWEEN_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")


def prefix(alert: str) -> str:
    """How the names of an alert's recordings begin: `tocsin:http_errors_high` for HTTPErrorsHigh."""
    return "tocsin:" + "_".join(word for word in BETWEEN_WORDS.split(alert) if word).lower()


def recorded(recording: Recording, alert: Rule) -> Rule:
    """The recording as a rule, which stands where its alert does and shares what is wrong with it."""
    return Rule(
        kind="record",
        name=recording.name,
        expr=recording.expr,
        origin=alert.origin,
        expr_path=alert.expr_path,
        labels=recording.labels,
        annotations={},
        recorded_for=alert.name,
        state=alert.state,
    )


def once(rules: Sequence[Rule], records: dict[Identity, Rule], reading: Reading) -> Iterator[Rule]:
    """The rules of one item without recordings that an earlier item brought; `records` grows.

    What people write is left to them: they may record two expressions under one name.
    """
    told = False
    if any(not rule.state.written for rule in rules):
        records = dict(records)  # nothing that is written may rest on what a draft records
    for rule in rules:
        first = records.setdefault(rule.identity, rule) if rule.kind == "record" else rule
        if first is rule or not (rule.recorded_for or first.recorded_for):
            yield rule
        elif rule.expr.text != first.expr.text and not told:
            told = True  # the item's other recordings differ because this one does
            reading.note(_two_expressions(rule, first))


def _two_expressions(rule: Rule, first: Rule) -> Problem:
    message = f"{rule.name} is recorded from another expression already, at {first.at_name()}"
    hint = "rename one: what is recorded is called after its alert or its sli"
    return rule.problem("duplicate-record", message, rule.at_name(), hint)
