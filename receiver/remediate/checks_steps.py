"""Checks of steps: what they are done with is configured, and lets them in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from receiver.people.named import missing, missing_target
from receiver.remediate.config import RemediationSettings
from receiver.remediate.findings import Config, Finding, steps
from receiver.remediate.runbook import Runbook
from receiver.remediate.step import StepSettings
from receiver.remediate.steps.ansible import AnsibleStep
from receiver.remediate.steps.exec import ExecEdge, ExecStep
from receiver.remediate.steps.http import HttpStep
from receiver.remediate.steps.kubernetes import KubernetesEdge, KubernetesStep
from receiver.remediate.steps.notify import NotifyStep
from receiver.remediate.steps.silence import SilenceStep
from receiver.remediate.values import names_in
from tocsin.yamltree import YamlPath

Needed = Iterator[tuple[YamlPath, str, str]]  # where within the step, what is missing, the way out


def steps_can_be_done(runbook: Runbook, config: Config | None) -> Iterator[Finding]:
    """Each step finds its endpoint, cluster, programs, playbooks or people."""
    if config is None:
        return
    for path, step in steps(runbook):
        for inner, message, hint in needed(step, config):
            yield Finding("not-configured", (*path, *inner), message, hint)


def needed(step: StepSettings, config: Config) -> Needed:
    """What the configuration has not that a step is done with."""
    remediation = config.remediation or RemediationSettings()
    match step:
        case ExecStep():
            yield from _exec(step, remediation.exec)
        case HttpStep():
            yield from _http(step, remediation)
        case KubernetesStep():
            yield from _kubernetes(step, remediation.kubernetes)
        case AnsibleStep() if remediation.ansible is None:
            yield (), "no playbooks are configured", "set remediation.ansible"
        case SilenceStep() if not config.alertmanagers:
            yield (), "no source says where its Alertmanager is", "add sources.alertmanager.reconcile.alertmanagers"
        case SilenceStep() if step.source:
            of = "a source with reconcile.alertmanagers"
            yield from _one_of(("source",), step.source, config.alertmanagers, of)
        case NotifyStep():
            for number, target in enumerate(step.to):
                found = missing_target(target, config, config.channels)
                if found is not None:
                    yield ("to", number), *found


def _exec(step: ExecStep, edge: ExecEdge) -> Needed:
    program = Path(step.command[0])
    if not any(program.is_relative_to(folder) for folder in edge.allow):
        folders = ", ".join(map(str, edge.allow)) or "none"
        hint = f"programs may be started from: {folders} (remediation.exec.allow)"
        yield ("command", 0), f"{program} may not be started", hint
    for variable, name in step.secrets.items():
        yield from _one_of(("secrets", variable), name, edge.secrets, "a secret of remediation.exec.secrets")


def _http(step: HttpStep, remediation: RemediationSettings) -> Needed:
    edge = remediation.http.get(step.endpoint)
    if edge is None:
        yield from _one_of(("endpoint",), step.endpoint, remediation.http, "an endpoint of remediation.http")
        return
    for key, message, hint in edge.misused(step.method, step.host):
        yield (key,), message, hint


def _kubernetes(step: KubernetesStep, clusters: Mapping[str, KubernetesEdge]) -> Needed:
    if step.cluster:
        yield from _one_of(("cluster",), step.cluster, clusters, "a cluster of remediation.kubernetes")
    elif not clusters:
        yield (), "no cluster is configured", "add one: remediation.kubernetes.NAME"
    elif len(clusters) > 1:
        yield (), "there are several clusters; which of them?", f"add cluster: {' or '.join(sorted(clusters))}"
    name = step.cluster or next(iter(clusters), "")
    edge = clusters.get(name)
    if edge is None or (len(clusters) > 1 and not step.cluster):
        return
    if step.namespace and not names_in(step.namespace) and step.namespace not in edge.namespaces:
        hint = f"add it to remediation.kubernetes.{name}.namespaces"
        yield ("namespace",), f"nothing may be done in {step.namespace}", hint
    if step.action_ in ("cordon", "uncordon") and not edge.nodes:
        yield ("action",), "nodes may not be touched", f"set remediation.kubernetes.{name}.nodes"


def _one_of(path: YamlPath, name: str, names: Mapping[str, object], what: str) -> Needed:
    found = missing(name, names, what)
    if found is not None:
        yield path, *found
