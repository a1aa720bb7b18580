"""Rule files inside ConfigMaps are checked where they stand."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from generator.checking import check_paths
from generator.configmaps import rule_files
from generator.context import Settings
from tests.generator.foreign import found
from tocsin import yamltree

CONFIGMAP = dedent("""\
    # what the chart left
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: rules}
    data:
      prometheus.yml: |
        rule_files: [/etc/rules/*.yml]
      first.yml: |

        groups:
          - name: a
            rules:
              - alert: A
                expr: sum(up
      second.rules: |-
          groups:
            - name: b
              rules:
                - alert: B
                  expr: up > 1
                  labels: {severity: info}
      third.yaml: "groups: [{name: c, rules: [\\n- alert: C\\n]}]"
      notes.txt: |
        - alert: D
    ---
    kind: ConfigMap
    data: {fourth.yml: "groups:\\n- name: d\\n  rules:\\n  - alert: E\\n    expr: up > 1\\n"}
    """)


def test_places_are_those_of_the_file(tmp_path: Path) -> None:
    """Within a block each line has its own place; a text in quotes has one."""
    told = [(p.check, p.rule, p.at.line, p.at.column) for p in found(CONFIGMAP, tmp_path)]
    assert told == [
        ("promql-syntax", "A", 14, 19),
        ("constant-comparison", "B", 20, 21),
        ("yaml", "", 22, 15),
        ("constant-comparison", "E", 27, 75),
    ]
    lines = CONFIGMAP.splitlines()
    assert [lines[line - 1][column - 1 :][:4] for _, rule, line, column in told if rule] == ["sum(", "up >", "up >"]


def test_suppression_within(tmp_path: Path) -> None:
    """A comment within the block silences the line below it."""
    comment = "# tocsin: ignore constant-comparison: a trial\n"
    quiet = re.sub(r"^( +)(expr: up > 1\n)", rf"\1{comment}\1\2", CONFIGMAP, flags=re.M)
    assert [p.rule for p in found(quiet, tmp_path) if p.check == "constant-comparison"] == ["E"]


@pytest.mark.parametrize(
    "text", ["kind: ConfigMap\ndata: {a.txt: x}\n", "kind: ConfigMap\ndata: 5\n", "kind: ConfigMap\n"]
)
def test_a_configmap_without_rules(text: str, tmp_path: Path) -> None:
    """Named on the command line it is one clear problem; in a folder it is passed over."""
    [problem] = found(text, tmp_path)
    assert "'ConfigMap' holds no rules" in problem.message
    (tmp_path / "ok.yml").write_text("groups: [{name: g, rules: [{alert: A, expr: up == 0}]}]\n")
    assert check_paths([tmp_path], Settings()).problems == ()


def test_in_a_list_and_in_a_folder(tmp_path: Path) -> None:
    """What `kubectl get -o yaml` prints is read, too."""
    inner = "\n".join(f"  {line}" for line in CONFIGMAP.split("---\n")[1].splitlines())
    (tmp_path / "all.yml").write_text(f"kind: List\nitems:\n-{inner[1:]}\n")
    outcome = check_paths([tmp_path], Settings())
    assert [(p.rule, p.at.line) for p in outcome.problems] == [("E", 4)]
    assert outcome.counted == "1 rule file, 1 rule"


@given(text=st.text("ab:-|>{}[]\"'\n #!&*%\t\r\u2028", max_size=60), style=st.sampled_from(["|", ">", '"', "'", None]))
def test_any_text_in_any_style(text: str, style: str | None) -> None:
    """Whatever a key holds, its problems stand in the file."""
    body = f"- alert: A\n{text}"
    written = yaml.safe_dump({"kind": "ConfigMap", "data": {"a.yml": body}}, default_style=style)
    documents, _ = yamltree.parse(written, "x.yml")
    found, problems = rule_files(documents, written)
    last = written.count("\n") + 1
    places = [at for document in found for at in document.marks.values()] + [problem.at for problem in problems]
    assert all(0 < at.line <= last and at.column > 0 for at in places)
