"""Verbatim packs: their rules say everything themselves, and a build adds nothing."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest
import yaml

from generator.catalogue.page import page
from generator.pipeline import Compiled, compile_packs
from generator.targets import rulefile
from tests.generator.packs import compile_text, shown
from tocsin.problem import has_errors

HEAD = """\
apiVersion: tocsin/v1alpha1
kind: RulePack
metadata: {name: test, owner: platform, verbatim: true}
groups:
  - name: group
    rules:
"""


def verbatim(rules: str) -> str:
    """A verbatim pack of one group; the first rule stands on line 7, column 7."""
    return HEAD + indent(dedent(rules).strip(), "      ") + "\n"


def rules_of(compiled: Compiled) -> list[dict[str, Any]]:
    assert not has_errors(compiled.problems), compiled.problems
    [file] = compiled.files
    [group] = yaml.safe_load(file.text)["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


PLAIN = """\
- alert: Down
  threshold: {expr: up, equals: 0}
  for: 5m
  labels: {severity: page, owner: me, alertname: x, tocsin_state: y}
  annotations: {summary: Gone, tocsin_for: 1h, tocsin_pack: z, runbook_url: u}
"""


def test_nothing_is_added(tmp_path: Path) -> None:
    """Neither from the pack nor from the rule's own keys, and names that Tocsin uses elsewhere are free."""
    assert rules_of(compile_text(verbatim(PLAIN), tmp_path)) == [
        {
            "alert": "Down",
            "expr": "up == 0",
            "for": "5m",
            "labels": {"severity": "page", "owner": "me", "alertname": "x", "tocsin_state": "y"},
            "annotations": {"summary": "Gone", "tocsin_for": "1h", "tocsin_pack": "z", "runbook_url": "u"},
        }
    ]
    bare = "- {alert: Down, promql: {expr: up == 0}}"
    assert rules_of(compile_text(verbatim(bare), tmp_path)) == [{"alert": "Down", "expr": "up == 0"}]


def test_names_stay_as_they_are(tmp_path: Path) -> None:
    """A blank at an end is a part of a name; nothing at all is none."""
    rule = "- {alert: ' Down ', heartbeat: }"
    assert rules_of(compile_text(verbatim(rule), tmp_path)) == [{"alert": " Down ", "expr": "vector(1)"}]
    [problem] = compile_text(verbatim(rule.replace("' Down '", "''")), tmp_path).problems
    assert problem.message == "alert: is empty"


def test_what_a_key_asks_for_is_written(tmp_path: Path) -> None:
    """The keys of an alert mean what they mean elsewhere."""
    rule = """\
    - alert: Down
      heartbeat:
      severity: critical
      category: business
      owner: web
      summary: Gone
      description: Look
      runbook: https://example.org
    """
    assert rules_of(compile_text(verbatim(rule), tmp_path)) == [
        {
            "alert": "Down",
            "expr": "vector(1)",
            "labels": {"severity": "critical", "category": "business", "owner": "web"},
            "annotations": {"summary": "Gone", "description": "Look", "runbook_url": "https://example.org"},
        }
    ]


def test_nothing_is_said_twice(tmp_path: Path) -> None:
    """A key and a label of the same meaning are a mistake here as elsewhere."""
    rule = (
        "- {alert: Down, heartbeat: , severity: info, labels: {severity: page}, summary: a, annotations: {summary: b}}"
    )
    assert [(check, message) for _, check, message in shown(compile_text(verbatim(rule), tmp_path).problems)] == [
        ("reserved-name", "Tocsin writes 'severity' itself, from 'severity'"),
        ("reserved-name", "Tocsin writes 'summary' itself, from 'summary'"),
    ]


@pytest.mark.parametrize("said", ["severity: critical", "labels: {severity: page}"])
def test_an_alert_in_testing_wakes_nobody(said: str, tmp_path: Path) -> None:
    """However its severity is said: what was meant stands in an annotation."""
    [rule] = rules_of(compile_text(verbatim(f"- {{alert: Down, heartbeat: , state: testing, {said}}}"), tmp_path))
    assert rule["labels"] == {"severity": "info", "tocsin_state": "testing"}
    assert rule["annotations"] == {"tocsin_severity": said.rsplit(": ", maxsplit=1)[-1].rstrip("}")}


def test_a_tenant_s_label_is_added(tmp_path: Path) -> None:
    """It is what scopes the rules; beside it nothing is."""
    (tmp_path / "pack.yml").write_text(verbatim(PLAIN))
    tenant = "apiVersion: tocsin/v1alpha1\nkind: Tenant\nmetadata: {name: acme, owner: us}\npacks: [test]\n"
    changed = "rules: {Down: {labels: {severity: critical}}}\n"
    (tmp_path / "tenant.yml").write_text(f"{tenant}matchers: {{cluster: a}}\n{changed}")
    compiled = compile_packs([tmp_path], rulefile.render)
    [rule] = rules_of(compiled)
    assert rule["expr"] == 'up{cluster="a"} == 0'
    assert rule["labels"] == {
        "severity": "critical",
        "owner": "me",
        "alertname": "x",
        "tocsin_state": "y",
        "tenant": "acme",
    }
    assert all(pack.verbatim for pack in compiled.packs)


UNWISE = [
    ("forgotten-absence", "{alert: A, promql: {expr: 'present_over_time(x[1h]) unless x'}, for: 2h%s}"),
    ("value-in-label", "{alert: A, promql: {expr: x > 1}, for: 5m, labels: {v: '{{ $value }}'}%s}"),
    ("experimental-function", "{alert: A, promql: {expr: 'mad_over_time(x[5m]) > 1'}%s}"),
    ("promql-syntax", "{alert: A, promql: {expr: 'x[5m]'}%s}"),
    ("duplicate-alert", "{alert: A, heartbeat: %s}\n- {alert: A, heartbeat: %s}"),
]


@pytest.mark.parametrize(("check", "rule"), UNWISE)
def test_what_prometheus_loads_is_built(check: str, rule: str, tmp_path: Path) -> None:
    """A verdict of ours is a warning where the rules are kept as they are, and an error where they are ours."""
    own = ", severity: info, summary: a"
    levels = []
    for text in (verbatim(f"- {rule}".replace("%s", "")), verbatim(f"- {rule}".replace("%s", own))):
        file = tmp_path / "pack.yml"
        file.write_text(text if own not in text else text.replace(", verbatim: true", ""))
        problems = compile_packs([file], lambda pack: rulefile.render(pack, (3, 5))).problems
        levels.append({problem.severity for problem in problems if problem.check == check})
    assert levels == [{"warning"}, {"error"}]


REFUSED = [
    ("annotation-template", "{alert: A, heartbeat: , annotations: {a: '{{ $foo }}'}}"),
    ("promql-syntax", "{alert: A, promql: {expr: 'x{a=~\"b**\"} > 1'}}"),
    ("invalid-name", "{alert: A, heartbeat: , labels: {__name__: b}}"),
]


@pytest.mark.parametrize(("check", "rule"), REFUSED)
def test_what_prometheus_refuses_is_not_built(check: str, rule: str, tmp_path: Path) -> None:
    """It would take the whole file with it."""
    compiled = compile_text(verbatim(f"- {rule}"), tmp_path)
    assert [problem.check for problem in compiled.problems if problem.severity == "error"] == [check]


QUOTED = [
    "{alert: A, heartbeat: , labels: {a.b: c}}",
    "{alert: A, heartbeat: , annotations: {a b: c}}",
    "{record: a.b, expr: up}",
]


@pytest.mark.parametrize("rule", QUOTED)
def test_names_that_must_be_quoted(rule: str, tmp_path: Path) -> None:
    """They are built for a Prometheus that knows them, and an error for an older one, which would refuse the file."""
    file = tmp_path / "pack.yml"
    file.write_text(verbatim(f"- {rule}"))
    [problem] = [one for one in compile_packs([file], rulefile.render).problems if one.severity == "error"]
    assert (problem.check, problem.at.line) == ("target", 7)
    assert "--prometheus-version 3.0" in problem.hint
    assert compile_packs([file], lambda pack: rulefile.render(pack, (3, 0))).files


def test_a_group_s_label_that_must_be_quoted(tmp_path: Path) -> None:
    """It is told once, where it stands."""
    file = tmp_path / "pack.yml"
    file.write_text(verbatim(PLAIN).replace("- name: group\n", "- name: group\n    labels: {a.b: c}\n"))
    [problem] = compile_packs([file], rulefile.render).problems
    assert (problem.check, problem.at.line, problem.at.column) == ("target", 6, 14)


def test_a_place_below_annotations(tmp_path: Path) -> None:
    """What is wrong with an annotation that has a key elsewhere is told where it stands."""
    rule = "- {alert: A, heartbeat: , annotations: {summary: '{{ $foo }}'}}"
    [problem] = compile_text(verbatim(rule), tmp_path).problems
    assert (problem.check, problem.at.line, problem.at.column) == ("annotation-template", 7, 60)


def test_the_catalogue_shows_them(tmp_path: Path) -> None:
    """With the severity that the label means, or none."""
    text = page(compile_text(verbatim(f"{PLAIN}- {{alert: Other, heartbeat: }}"), tmp_path).packs[0])
    assert "| [Down](#down) | critical | 5m | Gone |" in text
    assert "| [Other](#other) |  | 0s |  |" in text


def test_verbatim_is_true_or_false(tmp_path: Path) -> None:
    """Anything else is told at its place."""
    [problem] = compile_text(verbatim(PLAIN).replace("verbatim: true", "verbatim: maybe"), tmp_path).problems[:1]
    assert (problem.check, problem.at.line) == ("value", 3)


@pytest.mark.parametrize("offset", [None, "0s", "1m"])
def test_an_offset_of_zero_is_one(offset: str | None, tmp_path: Path) -> None:
    """It stands against the server's own, so it is built; none is left to the server."""
    said = f"    query_offset: {offset}\n" if offset else ""
    file = tmp_path / "pack.yml"
    file.write_text(verbatim(PLAIN).replace("- name: group\n", f"- name: group\n{said}"))
    [built] = compile_packs([file], lambda pack: rulefile.render(pack, (3, 5))).files
    assert yaml.safe_load(built.text)["groups"][0].get("query_offset") == offset
