"""Rules of others as packs: what each file becomes, where its comments go, what is told of what cannot be kept."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import yaml

from generator.importing.importer import Adopted, adopt
from tocsin.problem import Problem

RULES = """\
groups:
  - name: g
    rules:
      - {alert: Down, expr: up == 0, labels: {severity: page}}
      - {record: 'a:b', expr: sum(up)}
"""

OBJECT = """\
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: node, namespace: monitoring, labels: {release: stack}}
spec:
  groups:
    - name: g
      rules:
        - {alert: Down, expr: up == 0}
"""

CONFIGMAPS = """\
apiVersion: v1
kind: List
items:
  - kind: ConfigMap
    metadata: {name: rules}
    data:
      other.txt: hello
      node.yml: |
        # Of the nodes.
        groups:
          - name: g
            rules:
              # It is gone.
              - alert: Down
                expr: up == 0
              - alert: Bad
                expr: sum(
"""


def imported(text: str | bytes, folder: Path, name: str = "rules.yml") -> tuple[list[Adopted], list[Problem]]:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return adopt([file])


def pack(one: Adopted) -> Any:
    return yaml.safe_load(one.file.text)


def below_head(one: Adopted) -> str:
    """The text of the pack from its groups on, comments included."""
    return one.file.text.partition("groups:\n")[2]


def shown(problems: list[Problem]) -> list[tuple[str, str, str]]:
    ordered = sorted(problems, key=lambda problem: problem.at)
    return [(f"{one.at.line}:{one.at.column}", one.severity, one.message) for one in ordered]


def test_a_rule_file(tmp_path: Path) -> None:
    """The pack is called like the file, is built as it stands, and says what became of each rule."""
    [one], problems = imported(RULES, tmp_path, "Node Rules.yml")
    assert problems == []
    assert one.file.name == "node-rules.yml"
    assert (dict(one.kinds), one.file.rules, one.left_out) == ({"threshold": 1, "record": 1}, 2, 0)
    assert pack(one) == {
        "apiVersion": "tocsin/v1alpha1",
        "kind": "RulePack",
        "metadata": {"name": "node-rules", "verbatim": True},
        "groups": [
            {
                "name": "g",
                "rules": [
                    {"alert": "Down", "threshold": {"expr": "up", "equals": 0}, "labels": {"severity": "page"}},
                    {"record": "a:b", "expr": "sum(up)"},
                ],
            }
        ],
    }


def test_a_prometheusrule(tmp_path: Path) -> None:
    """The pack is called like the object; what the operator chooses it by stands at its head."""
    [one], problems = imported(OBJECT, tmp_path)
    assert problems == []
    assert one.file.name == "node.yml"
    assert one.file.text.splitlines()[1:3] == ["# PrometheusRule monitoring/node", "# with the label release: stack"]


def test_objects_of_one_name(tmp_path: Path) -> None:
    """Each is called by its namespace, too; where that is the same, by a number."""
    other = OBJECT.replace("monitoring,", "shop,")
    found, _ = imported("---\n".join([OBJECT, other, other, OBJECT.replace("node", "disk")]), tmp_path)
    assert [one.file.name for one in found] == ["monitoring-node.yml", "shop-node.yml", "shop-node-2.yml", "disk.yml"]


def test_files_of_one_name(tmp_path: Path) -> None:
    """Each is called by its folder, too."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "rules.yml").write_text(RULES)
    found, _ = adopt([tmp_path])
    assert [one.file.name for one in found] == ["a-rules.yml", "b-rules.yml"]


def test_rule_files_in_configmaps(tmp_path: Path) -> None:
    """A pack for each, called by its key; comments and places are those of the file around it."""
    [one], problems = imported(CONFIGMAPS, tmp_path, "manifest.yml")
    assert one.file.name == "node.yml"
    assert "# Of the nodes.\n" in one.file.text
    assert "      # It is gone.\n      - alert: Down\n" in one.file.text
    assert one.left_out == 1
    assert shown(problems) == [("17:23", "error", "PromQL: unclosed left parenthesis")]


def test_a_list_of_objects(tmp_path: Path) -> None:
    """A pack for each, with the comments of its own."""
    text = dedent("""\
        # All.
        kind: List
        items:
          # The first.
          - kind: PrometheusRule
            metadata: {name: a}
            spec:
              groups:
                # Of a.
                - name: g
                  rules: []
          # The second.
          - kind: PrometheusRule
            metadata: {name: b}
            spec:
              groups:
                - name: h  # Of b.
                  rules: []
        """)
    (first, second), problems = imported(text, tmp_path)
    assert problems == []
    comments = [[line.strip() for line in one.file.text.splitlines()[1:] if "#" in line] for one in (first, second)]
    assert comments == [
        ["# PrometheusRule a", "# All.", "# The first.", "# Of a."],
        ["# PrometheusRule b", "# The second.", "# Of b."],
    ]


def test_anchors_are_unfolded(tmp_path: Path) -> None:
    """Each rule says all of it; a comment stays where it is written."""
    text = dedent("""\
        groups:
          - name: g
            rules:
              - &down # the first
                alert: Down
                expr: up == 0
                labels: &labels {severity: page}
              - {<<: *down, alert: Other} # the second
              - *down # the third
              - {record: 'a:b', expr: 1, labels: *labels}
        """)
    [one], problems = imported(text, tmp_path)
    assert problems == []
    [group] = pack(one)["groups"]
    assert [rule.get("alert", rule.get("record")) for rule in group["rules"]] == ["Down", "Other", "Down", "a:b"]
    assert [rule["labels"] for rule in group["rules"]] == [{"severity": "page"}] * 4
    assert one.file.text.count("# the first") == 1


def test_parameters_are_not_meant(tmp_path: Path) -> None:
    """A text that a pack would take for a parameter is written so that it is none, and others are left alone."""
    [one], _ = imported(
        RULES.replace("severity: page", "a: $(x), b: $$(y), c: '$$$(z)', d: $(1), e: '$( f)', f: '${g}'"), tmp_path
    )
    [group] = pack(one)["groups"]
    assert group["rules"][0]["labels"] == {
        "a": "$$(x)",
        "b": "$$$(y)",
        "c": "$$$$(z)",
        "d": "$(1)",
        "e": "$( f)",
        "f": "${g}",
    }
