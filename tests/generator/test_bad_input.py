"""What people get wrong in a pack: each has its place, its message and a way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.templates import TEMPLATES
from tests.generator.packs import HEAD, alert, compile_text, pack, shown

# (what is wrong, the file, place, check, part of the message)
CASES = [
    ("YAML error", "kind: RulePack\nmetadata: {name: [}\n", "2:19", "yaml", "not valid YAML"),
    ("tab", "kind: RulePack\nmetadata:\n\tname: x\n", "3:1", "yaml", "not valid YAML"),
    ("duplicate key", HEAD + "kind: RulePack\ngroups: []\n", "4:1", "duplicate-key", "'kind' stands twice"),
    ("empty file", "", "0:0", "kind", "the file is empty"),
    ("only comments", "# nothing\n", "0:0", "kind", "the file is empty"),
    ("binary file", b"\x00\xff\xfe\x80", "0:0", "read", "is not UTF-8"),
    ("control character", b"kind: RulePack\x07\n", "0:0", "yaml", "not valid YAML"),
    ("a list", "- kind: RulePack\n", "1:1", "kind", "a rulepack is a mapping"),
    ("a word", "RulePack\n", "1:1", "kind", "a rulepack is a mapping"),
    ("no kind", "metadata: {name: x}\n", "1:1", "kind", "the key 'kind' is missing"),
    ("another kind", "apiVersion: v1\nkind: ConfigMap\n", "2:7", "kind", "kind 'ConfigMap' is not RulePack"),
    ("kind is a list", "kind: [RulePack]\n", "1:7", "kind", "is not RulePack"),
    ("another version", pack("[]").replace("v1alpha1", "v2"), "1:13", "value", "Input should be 'tocsin/v1alpha1'"),
    ("no groups", HEAD, "1:1", "missing-key", "the key 'groups' is missing"),
    ("groups no list", HEAD + "groups: 5\n", "4:9", "value", "groups: must be a list"),
    ("group no mapping", HEAD + "groups: [5]\n", "4:10", "value", "a group must be a mapping"),
    ("unusable name", pack("[]").replace("name: test", "name: Test_1"), "3:18", "value", "cannot name a pack"),
    ("unknown key", pack("[]").replace("owner", "ownr"), "3:24", "unknown-key", "unknown key 'metadata.ownr'"),
    ("unknown key of a group", pack("[]") + "    intervall: 1m\n", "8:5", "unknown-key", "unknown key 'intervall'"),
    ("two groups of a name", pack("[]") + "  - {name: group, rules: []}\n", "8:12", "duplicate-group", "two groups"),
    ("unknown key of an alert", pack(alert("heartbeat:", sumary="x")), "11:9", "unknown-key", "unknown key 'sumary'"),
    (
        "missing severity",
        pack("- {alert: A, heartbeat: {}, summary: x}"),
        "7:9",
        "missing-key",
        "'severity' is missing",
    ),
    (
        "unknown severity",
        pack(alert("heartbeat:", severity="page")),
        "9:19",
        "value",
        "'critical', 'warning' or 'info'",
    ),
    ("empty summary", pack(alert("heartbeat:", summary='""')), "10:18", "value", "summary: is empty"),
    ("no duration", pack(alert("heartbeat:", for_="soon")), "11:14", "value", "'soon' is not a duration"),
    ("a bare number as duration", pack(alert("heartbeat:", for_="5")), "11:14", "value", "5 is not a duration"),
    ("no template", pack("- {alert: A, severity: info, summary: x}"), "7:9", "missing-template", "has no template"),
    ("unknown template", pack(alert("treshold: {expr: up}")), "8:9", "unknown-template", "template 'treshold'"),
    ("two templates", pack(alert("heartbeat: {}", promql="{expr: up}")), "11:9", "two-templates", "2 templates"),
    ("template no mapping", pack(alert("threshold: 5")), "8:20", "value", "threshold must be a mapping"),
    ("unknown key of a template", pack(alert("heartbeat: {evry: 1m}")), "8:21", "unknown-key", "unknown key 'evry'"),
    ("PromQL error", pack(alert("promql: {expr: 'sum(up'}")), "8:24", "promql-syntax", "unclosed left parenthesis"),
    ("PromQL error of a record", pack("- {record: a, expr: 'up{'}"), "7:27", "promql-syntax", "end of input"),
    ("PromQL is a list", pack(alert("promql: {expr: [up]}")), "8:24", "promql-syntax", "not an expression"),
    (
        "a bad number in a condition",
        pack(
            "- alert: A\n  severity: info\n  summary: x\n"
            "  composite:\n    all:\n      - ratio: {errors: e, total: t, above: 5}"
        ),
        "12:51",
        "ratio",
        "all.0.ratio.above: 5 is never exceeded",
    ),
    (
        "PromQL error of a condition",
        pack(alert("composite: {any: [a > 1, 'sum(']}")),
        "8:34",
        "promql-syntax",
        "any.1: PromQL",
    ),
    (
        "a short window",
        pack(alert("rate_of_change: {expr: a, rises_faster_than: 1, window: 1s}")),
        "8:65",
        "window",
        "1s is",
    ),
    (
        "a range to compare",
        pack(alert("threshold: {expr: 'up[5m]', above: 1}")),
        "8:27",
        "promql-syntax",
        "only scalar and instant vector",
    ),
    (
        "two scalars to compare",
        pack(alert("threshold: {expr: '1', above: 1}")),
        "8:27",
        "promql-syntax",
        "comparisons between scalars",
    ),
    ("rule no mapping", pack("- up"), "7:9", "value", "a rule must be a mapping"),
    ("rule without a name", pack("- {expr: up}"), "7:9", "rule-kind", "the rule has no name"),
    ("alert and record", pack("- {alert: a, record: b, expr: up}"), "7:9", "rule-kind", "an alert, a record or an slo"),
    (
        "parameter not declared",
        pack(alert("threshold: {expr: up, above: $(limit)}")),
        "8:38",
        "missing-parameter",
        "the parameter 'limit' is not declared",
    ),
    (
        "parameter out of bounds",
        pack(alert("threshold: {expr: x, above: $(limit)}"), params="{limit: {default: 200, min: 0, max: 100}}"),
        "4:27",
        "param",
        "200 is out of its bounds, 0 to 100",
    ),
    (
        "bounds of a text",
        pack(alert("heartbeat:", summary="$(word)"), params="{word: {default: x, min: 0}}"),
        "4:26",
        "param",
        "bounds need a number",
    ),
    (
        "parameter without default",
        pack(alert("heartbeat:", summary="$(word)"), params="{word: {unit: x}}"),
        "4:10",
        "missing-key",
        "the key 'default' is missing",
    ),
    (
        "parameter is a list",
        pack(alert("heartbeat:", summary="$(word)"), params="{word: {default: [1]}}"),
        "4:26",
        "value",
        "neither a number nor a text",
    ),
    ("params no mapping", pack("[]", params="5"), "4:9", "value", "params: must be a mapping"),
    (
        "param no mapping",
        pack("- record: a:b\n  expr: $(a)", params="{a: 5}"),
        "4:13",
        "value",
        "a parameter is a mapping",
    ),
    (
        "severity as a label",
        pack(alert("heartbeat:", labels="{severity: page}")),
        "11:18",
        "reserved-name",
        "Tocsin writes 'severity' itself",
    ),
    (
        "summary as an annotation",
        pack(alert("heartbeat:", annotations="{summary: x}")),
        "11:23",
        "reserved-name",
        "Tocsin writes 'summary' itself",
    ),
]


@pytest.mark.parametrize(
    ("text", "place", "check", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_one_mistake_is_one_problem(text: str, place: str, check: str, message: str, tmp_path: Path) -> None:
    """Each mistake gives one problem, at its place, with a hint; and no files."""
    compiled = compile_text(text, tmp_path)
    [problem] = compiled.problems
    [(where, name, what)] = shown(compiled.problems)
    assert (where, name) == (place, check)
    assert message in what
    assert problem.at.file == str(tmp_path / "pack.yml")
    assert problem.hint
    assert not compiled.files


def test_all_problems_at_once(tmp_path: Path) -> None:
    """Mistakes in the head, a parameter, a template and an alert, and what the checks say, come in one run."""
    text = pack(
        """
        - alert: A
          threshold: {expr: "sum(", above: high}
          summary: $(nowhere)
        - {alert: B, heartbeat: {}, severity: info, summary: x}
        - {alert: B, heartbeat: {}, severity: info, summary: y}
        """,
        params="{unused: {default: 1}}",
    ).replace("name: test", "name: NO")
    assert [(place, check) for place, check, _ in shown(compile_text(text, tmp_path).problems)] == [
        ("3:18", "value"),
        ("4:10", "unused-parameter"),
        ("8:9", "missing-key"),
        ("9:27", "promql-syntax"),
        ("9:42", "value"),
        ("10:18", "missing-parameter"),
        ("12:17", "duplicate-alert"),
    ]


def test_unknown_template_lists_those_that_exist(tmp_path: Path) -> None:
    """Whoever mistypes a template sees what was likely meant, and all there are."""
    [problem] = compile_text(pack(alert("treshold: {expr: up, above: 1}")), tmp_path).problems
    assert problem.hint == f"did you mean 'threshold'? templates: {', '.join(TEMPLATES)}"


def test_unknown_key_suggests_a_near_one(tmp_path: Path) -> None:
    """The hint for a mistyped key of a template names the key that is nearest."""
    [problem] = compile_text(pack(alert("threshold: {expr: up, above: 1, abov: 2}")), tmp_path).problems
    assert problem.hint == "did you mean 'above'?"
    assert problem.rule == "Test"


def test_undeclared_parameter_gives_no_second_problem(tmp_path: Path) -> None:
    """An expression that is one undeclared parameter is not also called bad PromQL."""
    compiled = compile_text(
        pack(alert("threshold: {expr: $(limt), above: $(limit)}"), "{limit: {default: 1}}"), tmp_path
    )
    [problem] = compiled.problems
    assert problem.hint == "did you mean $(limit)?"
