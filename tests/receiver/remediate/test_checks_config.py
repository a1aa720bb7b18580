"""Checks of runbooks against a configuration: people, endpoints, overrides; and of a configuration's runbooks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from receiver.config import ReceiverConfig
from receiver.remediate.checks import check
from tests.receiver.remediate.books import text, there
from tests.receiver.remediate.checking import CONFIG, GUARD, config, configured, exec_step, found
from tocsin import yamltree
from tocsin.config import load, validate
from tocsin.errors import InputError
from tocsin.problem import has_errors


@pytest.mark.parametrize(
    ("approval", "told"),
    [
        ({"role": "leed"}, ("unknown-role", "'leed' is not a role")),
        ({"role": "responder"}, ("role", "the role 'responder' may approve nothing")),
        (
            {"role": "lead", "count": 3},
            ("too-few-approvers", "3 must agree, and alice and bob of the role 'lead' may approve"),
        ),
        (
            {"count": 5},
            ("too-few-approvers", "5 must agree, and alice and bob and carol and dan may approve"),
        ),
        ({"role": "viewer"}, ("role", "the role 'viewer' may approve nothing")),
        ({"notify": ["team:opps"]}, ("unknown-target", "'opps' is not a team")),
        ({"notify": ["chat"]}, ("unknown-target", "'chat' is not a channel")),
    ],
)
def test_approvals(approval: dict[str, Any], told: tuple[str, str]) -> None:
    """An approval that nobody could ever give is told before it is asked for."""
    ((severity, check_name, place, message),) = found({"approval": approval, "mode": "apply"})
    assert severity == "error"
    assert (check_name, message) == told
    assert place in ("leed", "responder", "viewer", "3", "5", "team:opps", "chat")


@pytest.mark.parametrize(
    ("tenants", "told"),
    [
        (["acme"], None),
        (["acme", "other"], "1 must agree, and no user of the role 'acme-lead' may approve for tenant 'other'"),
    ],
)
def test_approvals_of_a_tenant(tenants: list[str], told: str | None) -> None:
    """There is somebody to approve for each of the runbook's tenants."""
    messages = [one[3] for one in found({"approval": {"role": "acme-lead"}, "tenants": tenants})]
    assert messages == ([told] if told else [])


def test_without_users_anybody_may_approve() -> None:
    """Where nobody can be told from anybody, an approval is asked for all the same, but no role can be."""
    nobody = ReceiverConfig.model_validate({"remediation": CONFIG["remediation"]})
    assert found({"approval": {}}, nobody) == []
    assert [one[1] for one in found({"approval": {"role": "admin"}}, nobody)] == ["too-few-approvers"]


@pytest.mark.parametrize(
    "asks",
    [
        {"guards": [GUARD, GUARD]},
        {"verify": {"conditions": [GUARD]}},
        {
            "target": {
                "is": "$(namespace)/$(deployment)",
                "allow": ["a"],
                "fleet": {"name": "web", "share": 0.5, "expr": "count(up)"},
            }
        },
    ],
)
def test_somebody_must_answer_questions(asks: dict[str, Any]) -> None:
    """A runbook that asks something needs a Prometheus; it is told once."""
    for mode, severity in (("dry-run", "warning"), ("apply", "error")):
        (told,) = found({**asks, "mode": mode}, config(prometheus=None))
        assert told[:2] == (severity, "no-prometheus")
        assert told[3] == "nobody is asked: no Prometheus is configured"


CLUSTER = {"in_cluster": True, "namespaces": ["shop"]}
DEPLOYMENT = {"action": "rollout-restart", "namespace": "$(namespace)", "object": "$(deployment)"}
OPEN = {"url": "http://$(host):80", "hosts": ["a"]}


@pytest.mark.parametrize(
    ("step", "remediation", "told"),
    [
        ({"exec": {"command": ["/usr/local/lib/runbooks/a/b"]}}, {}, None),
        (
            {"exec": {"command": ["/usr/local/lib/runbooks-not/a"]}},
            {},
            "/usr/local/lib/runbooks-not/a may not be started",
        ),
        ({"exec": {"command": ["/bin/a"]}}, {"exec": {}}, "/bin/a may not be started"),
        (exec_step(secrets={"A": "token"}), {}, "'token' is not a secret of remediation.exec.secrets"),
        ({"http": {"endpoint": "shop"}}, {}, "'shop' is not an endpoint of remediation.http"),
        ({"http": {"endpoint": "shop"}}, {"http": {"shop": {"url": "https://a"}}}, None),
        (
            {"http": {"endpoint": "shop", "method": "DELETE"}},
            {"http": {"shop": {"url": "https://a"}}},
            "the endpoint does not take DELETE",
        ),
        ({"http": {"endpoint": "shop"}}, {"http": {"shop": OPEN}}, "the endpoint's host is open: http://$(host):80"),
        ({"http": {"endpoint": "shop", "host": "$(deployment)"}}, {"http": {"shop": OPEN}}, None),
        (
            {"http": {"endpoint": "shop", "host": "$(deployment)"}},
            {"http": {"shop": {"url": "https://a"}}},
            "the endpoint's host is fixed: https://a",
        ),
        ({"kubernetes": DEPLOYMENT}, {}, "no cluster is configured"),
        ({"kubernetes": DEPLOYMENT}, {"kubernetes": {"a": CLUSTER}}, None),
        (
            {"kubernetes": DEPLOYMENT},
            {"kubernetes": {"a": CLUSTER, "b": CLUSTER}},
            "there are several clusters; which of them?",
        ),
        ({"kubernetes": {**DEPLOYMENT, "cluster": "b"}}, {"kubernetes": {"a": CLUSTER, "b": CLUSTER}}, None),
        (
            {"kubernetes": {**DEPLOYMENT, "cluster": "c"}},
            {"kubernetes": {"a": CLUSTER}},
            "'c' is not a cluster of remediation.kubernetes",
        ),
        (
            {"kubernetes": {**DEPLOYMENT, "namespace": "bank"}},
            {"kubernetes": {"a": CLUSTER}},
            "nothing may be done in bank",
        ),
        (
            {"kubernetes": {"action": "cordon", "object": "$(deployment)"}},
            {"kubernetes": {"a": CLUSTER}},
            "nodes may not be touched",
        ),
        ({"ansible": {"playbook": "a.yml", "limit": "web-1"}}, {}, "no playbooks are configured"),
        ({"silence": {"labels": ["alertname"], "for": "1h"}}, {}, "no source says where its Alertmanager is"),
        ({"notify": {"to": ["team:ops", "user:zoe"], "text": "Look"}}, {}, "'zoe' is not a user"),
        ({"wait": {"for": "1s"}}, {}, None),
    ],
)
def test_what_steps_are_done_with(step: dict[str, Any], remediation: dict[str, Any], told: str | None) -> None:
    """A step whose endpoint, cluster, program or people are not configured is told before it is to be done."""
    more = {"mode": "apply", "steps": [step]}
    problems = [one for one in found(more, config(**remediation)) if one[1] == "not-configured"]
    assert [one[3] for one in problems] == ([told] if told else [])


def test_a_dry_run_needs_nothing(tmp_path: Path) -> None:
    """What a runbook would be done with is missed once it acts; until then it is a warning."""
    book = text(approval={"role": "leed"}, guards=[GUARD])
    for mode, taken in (("dry-run", True), ("apply", False)):
        remediation = {"runbook_files": ["*.yml"], "runbooks": {"restart": {"mode": mode}}, "prometheus": None}
        file = configured(tmp_path, {**remediation, "exec": {}}, a=book)
        (document,), _ = yamltree.read(file)
        value, problems = validate(document, ReceiverConfig, {})
        assert (value is not None) is taken
        assert [one.check for one in problems] == ["no-prometheus", "unknown-role", "not-configured"]


def test_files_are_checked(tmp_path: Path) -> None:
    """Every problem of several files at once, with the configuration's overrides; without one, less is known."""
    good, bad = tmp_path / "good.yml", tmp_path / "bad.yml"
    good.write_text(text(approval={"role": "leed"}, guards=[{"expr": "sum("}]))
    bad.write_text(text(metadata={"name": "bad"}, mode="aply"))
    using = config(runbooks={"restart": {"no_approval": True}, "elsewhere": {}})
    assert sorted((Path(one.at.file).name, one.rule) for one in check([good, bad], using)) == [
        ("bad.yml", ""),
        ("good.yml", "restart"),
    ]
    assert {one.check for one in check([good], None)} == {"promql-syntax"}
    assert {one.check for one in check([good], config())} == {"promql-syntax", "unknown-role"}


def test_a_configuration_holds_its_runbooks(tmp_path: Path) -> None:
    """What has been checked is what is in force: the files are read once, from the configuration's folder."""
    file = configured(tmp_path, {"runbook_files": ["*.yml"], "runbooks": {"restart": {"mode": "apply"}}}, a=text())
    settings = load(file, ReceiverConfig).remediation
    assert settings is not None
    (tmp_path / "a.yml").unlink()
    runbooks, problems = settings.read_runbooks
    assert [(one.name, one.settings.mode) for one in runbooks.values()] == [("restart", "apply")]
    assert problems == []


@pytest.mark.parametrize(
    ("remediation", "book", "told"),
    [
        ({"runbook_files": ["*.yml"]}, text(mode="aply"), "a.yml: aply: mode: Input should be"),
        ({"runbook_files": ["*.yml"]}, text(guards=[{"expr": "sum("}]), "a.yml: sum(: PromQL: unclosed"),
        ({"runbook_files": ["b/*.yml"]}, text(), "b/*.yml: no such file"),
        (
            {"prometheus": {"url": "http://a:secret@127.0.0.1"}},
            text(),
            "receiver.yaml: http://a:secret@127.0.0.1: remediation.prometheus.url: a name or password",
        ),
        (
            {"runbook_files": ["*.yml"], "runbooks": {"restrat": {}}},
            text(),
            "receiver.yaml: {}: 'restrat' is not a runbook of remediation.runbook_files",
        ),
        (
            {"runbook_files": ["*.yml"], "runbooks": {"restart": {"params": {"grase": 1}}}},
            text(params={"grace": 30}),
            "receiver.yaml: 1: 'grase' is not a parameter of restart",
        ),
        (
            {"runbook_files": ["*.yml"], "runbooks": {"restart": {"params": {"grace": "long"}}}},
            text(params={"grace": 30}),
            "receiver.yaml: long: restart: grace must be a number",
        ),
        (
            {"runbook_files": ["*.yml"], "runbooks": {"restart": {"approval": {"role": "leed"}}}},
            text(mode="apply"),
            "receiver.yaml: leed: restart: 'leed' is not a role",
        ),
        (
            {"runbook_files": ["*.yml"], "runbooks": {"restart": {"approval": {}, "no_approval": True}}},
            text(),
            "receiver.yaml: approval: {}: remediation.runbooks.restart: approval and no_approval contradict each other",
        ),
        (
            {"runbook_files": ["*.yml"], "runbooks": {"restart": {"hold_page": "1h"}}},
            text(),
            "receiver.yaml: 1h: remediation.runbooks.restart.hold_page: a page cannot be held back",
        ),
    ],
)
def test_a_configuration_with_faults(remediation: dict[str, Any], book: str, told: str, tmp_path: Path) -> None:
    """A fault in a runbook, or in what is said of it, is told with its place, and nothing comes into force."""
    with pytest.raises(InputError) as refused:
        load(configured(tmp_path, remediation, a=book), ReceiverConfig)
    (problem,) = [one for one in refused.value.problems if one.severity == "error"]
    file = Path(problem.at.file)
    place = f"{file.name}: {there(file.read_text(), problem.at)}: " if file.is_file() else ""
    assert (place + problem.message.replace(f"{tmp_path}/", "")).startswith(told)


def test_a_warning_does_not_keep_a_configuration_out(tmp_path: Path) -> None:
    """What is merely odd is told, and the configuration comes into force."""
    nothing = text(target={"is": "$(namespace)/$(deployment)"})
    file = configured(tmp_path, {"runbook_files": ["*.yml"]}, a=nothing)
    (document,), _ = yamltree.read(file)
    value, problems = validate(document, ReceiverConfig, {})
    assert value is not None
    assert [(one.check, one.severity) for one in problems] == [("nothing-allowed", "warning")]
    assert not has_errors(problems)
