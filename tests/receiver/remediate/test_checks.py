"""Checks of runbooks: each finds its fault, in its place, and is silent where there is none."""

from __future__ import annotations

from typing import Any

import pytest

from receiver.remediate.checks import problems_of
from tests.receiver.remediate.books import runbook
from tests.receiver.remediate.checking import GUARD, exec_step, found


def test_a_runbook_without_a_fault() -> None:
    """Nothing is said of a runbook that is as it should be, with a configuration and without one."""
    more: dict[str, Any] = {
        "guards": [GUARD, {"expr": "absent(down)"}, {"expr": "sum(up) > 3 unless down"}],
        "approval": {"role": "lead", "count": 2, "notify": ["team:ops", "user:bob", "skill:postgres"]},
        "verify": {"conditions": [{"expr": "sum(up)", "at_least": 1, "where": {"namespace": "$(namespace)"}}]},
    }
    assert found(more) == []
    assert list(problems_of(runbook(**more), None)) == []


UNKNOWN = "$(namespac): 'namespac' is not a value or a parameter of the runbook"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            {"steps": [exec_step("$(namespace)", "$(deployment)", "$(namespac)")]},
            ("error", "unknown-value", "$(namespac)", UNKNOWN),
        ),
        (
            {"steps": [exec_step("$(namespace)"), {**exec_step(), "rollback": exec_step("$(namespac)")}]},
            ("error", "unknown-value", "$(namespac)", UNKNOWN),
        ),
        (
            {"steps": [exec_step(env={"A": "$(namespac)"})]},
            ("error", "unknown-value", "$(namespac)", UNKNOWN),
        ),
        (
            {"guards": [{**GUARD, "where": {"a": "$(namespac)"}}]},
            ("error", "unknown-value", "$(namespac)", UNKNOWN),
        ),
        (
            {"target": {"is": "$(namespac)/$(deployment)/$(namespace)", "allow": ["a"]}},
            ("error", "unknown-value", "$(namespac)/$(deployment)/$(namespace)", UNKNOWN),
        ),
        (
            {
                "target": {
                    "is": "$(namespace)/$(deployment)",
                    "allow": ["a"],
                    "fleet": {"name": "$(namespac)", "share": 0.1, "size": 3},
                }
            },
            ("error", "unknown-value", "$(namespac)", UNKNOWN),
        ),
        (
            {"steps": [exec_step("$(date +%s)")]},
            ("warning", "no-value", "$(date +%s)", "a '$(' stands here that begins no value, and stays as it is"),
        ),
        ({"params": {"grace": 30}}, ("info", "unused-value", "30", "$(grace) is used nowhere")),
        (
            {"params": {"namespace": "x"}},
            (
                "error",
                "twice",
                "x",
                "namespace is both a value of the alert and a parameter; which of them is $(namespace)?",
            ),
        ),
        (
            {"target": {"is": "$(namespace)", "allow": ["a"]}},
            (
                "info",
                "beside-target",
                "$(deployment)",
                "$(deployment) is no part of the target: the allow-list says nothing of it, its pattern alone does",
            ),
        ),
        (
            {"target": {"is": "$(namespace)$(deployment)", "allow": ["a"]}},
            (
                "error",
                "target",
                "$(namespace)$(deployment)",
                "two values touch in $(namespace)$(deployment): ab and c make the same name as a and bc",
            ),
        ),
        (
            {"target": {"is": "$(namespace)/$(deployment)"}},
            (
                "warning",
                "nothing-allowed",
                "is: $(namespace)/$(deployment)",
                "the runbook may work on nothing: allow and allow_matching are empty",
            ),
        ),
        (
            {"target": {"is": "$(namespace)/$(deployment)", "allow_matching": ["shop/.+", "(?s).+"]}},
            ("warning", "everything-allowed", "(?s).+", "(?s).+ fits whatever an alert names: it allows every target"),
        ),
    ],
)
def test_values_and_targets(more: dict[str, Any], told: tuple[str, str, str, str]) -> None:
    """Values come from somewhere and go somewhere; a target can be told from others, and some are allowed."""
    assert told in found(more)


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ({"expr": "sum(rate(x)"}, ("promql-syntax", "PromQL: unclosed left parenthesis")),
        (
            {"expr": "sum(up) + rate(up)", "above": 1},
            (
                "promql-syntax",
                "PromQL: expected type matrix in call to function 'rate', got vector (character 11 of the expression)",
            ),
        ),
        (
            {"expr": "foo(up)"},
            ("promql-syntax", "PromQL: unknown function with name 'foo' (character 1 of the expression)"),
        ),
        (
            {"expr": 'up{a=~"b|("}'},
            ("promql-syntax", "PromQL: illegal regex for b|( (character 8 of the expression)"),
        ),
        (
            {"expr": "sum(up) > $(most)"},
            ("promql-syntax", "values are not put into the text of an expression (character 11 of the expression)"),
        ),
        ({"expr": "up[5m]", "above": 1}, ("promql-type", "a range or a text, where one number is wanted")),
        ({"expr": '("a")', "above": 1}, ("promql-type", "a range or a text, where one number is wanted")),
        ({"expr": "up[5m:1m]", "above": 1}, ("promql-type", "a range or a text, where one number is wanted")),
        (
            {"expr": "vector(1)", "above": 0, "where": {"a": "b"}},
            ("matchers", "the expression has no selector that could take matchers"),
        ),
        (
            {"expr": "up", "above": 0, "where": {"a-b": "b"}},
            ("matchers", "'a-b' is not a label"),
        ),
        (
            {"expr": "up", "above": 0, "where": {"__name__": "b"}},
            ("matchers", "'__name__' is not a label"),
        ),
        ({"expr": "sum(up)"}, ("always", "without a bound it holds as soon as there is a value")),
        ({"expr": "a + on (x) b or c"}, ("always", "without a bound it holds as soon as there is a value")),
    ],
)
def test_expressions(condition: dict[str, Any], told: tuple[str, str]) -> None:
    """What is no PromQL, gives no number or takes no matchers is told before it is needed; with its place in it."""
    (guarded,) = found({"guards": [condition]})
    assert guarded[1::2] == told
    assert guarded[2] in (condition["expr"], "b", "a: b")
    assert guarded in found({"verify": {"conditions": [condition]}})


def test_an_expression_that_counts_a_fleet() -> None:
    """It is held to the same, but needs no bound."""
    fleet = {"name": "web", "share": 0.1, "expr": "count(up"}
    target = {"is": "$(namespace)/$(deployment)", "allow": ["a"], "fleet": fleet}
    assert found({"target": target}) == [
        ("error", "promql-syntax", "count(up", "PromQL: unclosed left parenthesis"),
    ]
    assert found({"target": {**target, "fleet": {**fleet, "expr": "count(up)"}}}) == []
