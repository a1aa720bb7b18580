"""What cannot be imported: told at its place with a way out, never lost in silence, never a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from generator.importing import FORMATS
from generator.importing.importer import adopt
from tests.generator.test_importing import OBJECT, RULES, imported, pack, shown
from tests.generator.test_wild_files import CONFIGMAP, GRAFANA, HELM, LOGQL, METRICSQL, VMRULE


def rule(text: str) -> str:
    return f"groups:\n- name: g\n  rules:\n  - {text}\n  - {{record: 'a:b', expr: sum(up)}}\n"


NO_DURATION = "'5' is not a duration; write it as 30s, 5m, 1h30m or 7d"

LEFT_OUT = [
    ("{alert: A, expr: 'sum('}", ("4:22", "error", "PromQL: unclosed left parenthesis")),
    ("{alert: A, expr: up == 0, fro: 5m}", ("4:31", "error", "a rule has no key 'fro'")),
    ("{alert: A, expr: up == 0, for: 5}", ("4:36", "error", f"for: {NO_DURATION}")),
    ("{alert: A}", ("4:5", "error", "the rule has no expr")),
    ("{expr: up}", ("4:5", "error", "the rule has no name")),
    ("up", ("4:5", "error", "a rule must be a mapping")),
    ("{alert: A, expr: {a: b}}", ("4:22", "error", "expr is not a text")),
    ("{record: a, expr: up, for: 5m}", ("4:27", "error", "a recording rule has no 'for'")),
    (
        "{alert: A, expr: 'holt_winters(x[5m], 0.1, 0.2) > 1'}",
        ("4:22", "error", "holt_winters is double_exponential_smoothing since Prometheus 3.0: the rule is left out"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "problem"), LEFT_OUT)
def test_a_rule_with_an_error_is_left_out(text: str, problem: tuple[str, str, str], tmp_path: Path) -> None:
    """Whole, with one problem at its place; the others are kept."""
    [one], problems = imported(rule(text), tmp_path)
    assert [told for told in shown(problems) if told[1] == "error"] == [problem]
    assert all(told.hint for told in problems)
    assert (one.left_out, dict(one.kinds)) == (1, {"record": 1})


def test_what_is_no_error_elsewhere_is_not_lost_silently(tmp_path: Path) -> None:
    """A rule that checks only advise about and that cannot be kept has an error here."""
    deep = "(" * 300 + "up" + ")" * 300 + " == 0"
    [one], problems = imported(rule(f"{{alert: A, expr: '{deep}'}}"), tmp_path)
    assert one.left_out == 1
    assert [told[1:] for told in shown(problems) if told[1] == "error"] == [("error", "the rule is left out")]


@pytest.mark.parametrize(("text", "lost"), [(METRICSQL, 3), (LOGQL, 4), (VMRULE, 1)])
def test_other_languages(text: str, lost: int, tmp_path: Path) -> None:
    """Each rule that is no PromQL is left out, and told."""
    [one], problems = imported(text, tmp_path)
    assert 0 < one.left_out <= lost
    assert sum(problem.severity == "error" for problem in problems) == one.left_out


GROUPS = [
    ("{name: g, interval: 5, rules: [{record: a, expr: 1}]}", f"interval: {NO_DURATION}"),
    ("{name: g, limit: ten, rules: [{record: a, expr: 1}]}", "limit is not a whole number"),
    ("{rules: [{record: a, expr: 1}]}", "the group has no name"),
    ("{name: h, rules: [{record: a, expr: 1}]}", "there are two groups 'h'"),
    ("{name: g, labels: [a], rules: [{record: a, expr: 1}]}", "labels must be a mapping"),
    ("{name: g, color: red, rules: [{record: a, expr: 1}]}", "a group has no key 'color'"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), GROUPS)
def test_a_group_with_an_error_is_left_out(text: str, message: str, tmp_path: Path) -> None:
    """What it says of all its rules cannot be kept, so none of them is."""
    [one], problems = imported(f"groups:\n- {{name: h, rules: [{{record: b, expr: 2}}]}}\n- {text}\n", tmp_path)
    assert [problem.message for problem in problems] == [message]
    assert [group["name"] for group in pack(one)["groups"]] == ["h"]
    assert one.left_out == 1


def test_keys_of_other_servers_are_told(tmp_path: Path) -> None:
    """A pack has no word for them, and the rule is kept without."""
    text = OBJECT.replace("- name: g", "- name: g\n      partial_response_strategy: abort")
    [one], problems = imported(text, tmp_path)
    assert one.left_out == 0
    assert shown(problems) == [("7:7", "warning", "'partial_response_strategy' is left out")]


def test_the_second_document_of_a_rule_file(tmp_path: Path) -> None:
    """It is a pack of its own, with a warning: Prometheus has never seen it. Of objects nothing is said."""
    found, problems = imported(f"{RULES}---\n{RULES.replace('Down', 'Up')}", tmp_path)
    assert [one.file.name for one in found] == ["rules.yml", "rules-2.yml"]
    assert [problem.severity for problem in problems] == ["warning"]
    assert imported(f"{OBJECT}---\n{OBJECT}", tmp_path)[1] == []


NO_RULES = [
    (HELM, "is a template: it cannot be read as it is"),
    (RULES.replace("page", "{{ .Values.severity }}"), "is a template: it cannot be read as it is"),
    (RULES.replace("page", "'{{ .Values.severity }}'"), "is a template: it cannot be read as it is"),
    (GRAFANA, "holds Grafana's alerting, no Prometheus rules"),
    (CONFIGMAP, "kind 'ConfigMap' holds no rules"),
    ("apiVersion: tocsin/v1alpha1\nkind: RulePack\nmetadata: {name: a}\ngroups: []\n", "is a rulepack already"),
    ("groups: [\n", "not valid YAML: did not find expected node content, while parsing a flow node"),
    ("groups: []\ngroups: []\n", "the key 'groups' stands twice"),
    ("hello\n", "holds neither a rulepack nor Prometheus rules"),
    ("groups: hello\n", "holds neither a rulepack nor Prometheus rules"),
    ("[1, 2]\n", "holds neither a rulepack nor Prometheus rules"),
    (b"\xff\xfe\x00", "is not UTF-8: invalid start byte at byte 0"),
    (b"groups: \x00\n", "not valid YAML: unacceptable character #x0000"),
    ("ALERT Down\n  IF up == 0\n  FOR 5m\n", "is in the rule format of Prometheus 1.x"),
    ("rule_files: [a]\ntests: []\n", "holds promtool's unit tests, no rules"),
    ("", "holds nothing"),
]


@pytest.mark.parametrize(("text", "message"), NO_RULES)
def test_files_that_cannot_be_imported(text: str | bytes, message: str, tmp_path: Path) -> None:
    """One problem says what it is instead, with a way out; nothing is imported of it."""
    found, [problem] = imported(text, tmp_path)
    assert found == []
    assert problem.message.startswith(message)
    assert problem.hint


def test_jsonnet(tmp_path: Path) -> None:
    """It is told what to do first."""
    found, [problem] = imported("{ groups: [] }", tmp_path, "mixin.jsonnet")
    assert (found, problem.severity) == ([], "error")


def test_a_folder(tmp_path: Path) -> None:
    """What holds no rules is passed over; what is broken and holds some is told."""
    for name, text in {
        "a.yml": RULES,
        "people.yml": "groups: [{name: admins, members: [eve]}]\n",
        "pack.yml": "apiVersion: tocsin/v1alpha1\nkind: RulePack\n",
        "values.yml": "a: [\n",
        "broken.yml": "groups:\n- name: g\n\trules:\n  - alert: A\n",
        "notes.txt": "alert: A\n",
    }.items():
        (tmp_path / name).write_text(text)
    found, problems = adopt([tmp_path])
    assert [one.source for one in found] == [f"{tmp_path.name}/a.yml"]
    assert [Path(problem.at.file).name for problem in problems] == ["broken.yml"]


def test_a_folder_without_rules(tmp_path: Path) -> None:
    """It is a problem: somebody meant another."""
    found, [problem] = adopt([tmp_path])
    assert (found, problem.message) == ([], "holds no rules that could be imported")


@pytest.mark.parametrize("text", ["groups:\n", "groups: null\n", "groups: []\n", "---\n---\ngroups: []\n"])
def test_a_rule_file_without_groups(text: str, tmp_path: Path) -> None:
    """It is one all the same, and its pack has none."""
    [one], problems = imported(text, tmp_path)
    assert problems == []
    assert pack(one)["groups"] == []


JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["groups", "rules", "name", "alert", "record", "expr", "labels", "kind", "spec", "items"]),
            st.one_of(inner, st.sampled_from(["PrometheusRule", "List", "ConfigMap", "up", "up == 0"])),
            max_size=4,
        ),
    ),
    max_leaves=20,
)


@given(JUNK, st.sampled_from(["", *FORMATS]))
def test_junk_is_told_and_never_a_crash(tmp_path_factory: pytest.TempPathFactory, tree: Any, name: str) -> None:
    """Whatever stands in a file: a pack, or a problem."""
    file = tmp_path_factory.getbasetemp() / "junk.yml"
    file.write_text(yaml.safe_dump(tree, allow_unicode=False))
    found, problems = adopt([file], {name: FORMATS[name]} if name else FORMATS)
    assert found or problems
