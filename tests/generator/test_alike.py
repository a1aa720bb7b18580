"""What the checks remember of one rule changes nothing that is said about another of its shape."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from generator.checking import check_paths
from generator.checks import shadowed_alert
from generator.context import Settings
from generator.matchers import Scoping, scoped
from tests.generator.foreign import checked, rules
from tests.generator.test_rule_files import FINDS, SILENT
from tocsin import data, promql, promql_shape
from tocsin.problem import Problem
from tocsin.promql_shape import Apart

# Of one length, and each with a look of something that a check reads from a text.
VALUES = ["abcdefgh", "x_total>", " or x or", "absent()", "a|b|c|de", "limitk()", "b** {99}", "< rate(<", "$labels."]


def _forgetful(text: str) -> Apart:
    """Every text is a shape of its own."""
    return Apart(text, (text,), (), ())


def _with(value: str, rule: dict[str, object]) -> dict[str, object]:
    """The rule with one more matcher in each of its selectors."""
    into = Scoping({"job": f"={value}"}, {}, frozenset())
    try:
        expr = scoped(promql.parse(str(rule["expr"])), into).text
    except promql.PromQLError:
        return rule
    return {**rule, "expr": expr}


def _alike(items: str) -> str:
    """A rule file of one group for each value, with the same rules."""
    [group] = yaml.safe_load(rules(items))["groups"]
    groups = [{"name": value, "rules": [_with(value, rule) for rule in group["rules"]]} for value in VALUES]
    return yaml.safe_dump({"groups": groups}, sort_keys=False)


def _twice(find: object, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Problem], list[Problem]]:
    """What is found with memory, and without."""
    assert callable(find)
    remembering = find()
    with monkeypatch.context() as patch:
        patch.setattr(promql_shape, "apart", _forgetful)
        patch.setattr(promql, "apart", _forgetful)
        return remembering, find()


@pytest.mark.parametrize("items", list(dict.fromkeys([*(row[3] for row in FINDS), *SILENT])))
def test_verdicts_do_not_depend_on_memory(items: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules that differ in one value each have the problems that they have alone."""
    text = _alike(items)
    with_memory, without = _twice(lambda: checked(text, tmp_path, Settings()), monkeypatch)
    assert with_memory == without


def test_nor_do_the_verdicts_on_packs_that_ship(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that is said of them comes from another rule."""
    with_memory, without = _twice(lambda: check_paths([data.folder("rulepacks")], Settings()), monkeypatch)
    assert with_memory == without


LONG = "sum by (cluster, namespace, workload) (rate(http_requests_total{path!~'a>b<c'}[5m])) / sum(rate(y_total[5m]))"
COMPARED = [f"{side} {limit}" for side in ("x", "(x)", "x{a='>'}", LONG) for limit in ("> 8", ">= 90", "> -5", "< 1e3")]


def test_alerts_whose_texts_differ_shadow_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which alerts are compared is told by their texts, and no shadow is lost by that."""
    exprs = [*COMPARED, *(f"({expr})" for expr in COMPARED), "x", "vector(1)", "x > y", "x > bool 7"]
    items = ", ".join(f'{{alert: A{number}, expr: "{expr}"}}' for number, expr in enumerate(exprs))
    likely = [problem for problem in checked(rules(items), tmp_path, Settings()) if problem.check == "shadowed-alert"]
    monkeypatch.setattr(shadowed_alert, "_likely", lambda rules: rules)
    every = [problem for problem in checked(rules(items), tmp_path, Settings()) if problem.check == "shadowed-alert"]
    assert likely == every
    assert len(every) >= 8
