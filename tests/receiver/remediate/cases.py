"""The runbooks that ship, and the alert that each is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from receiver.engine.occurrence import Occurrence
from receiver.engine.runs_planned import RunPlan
from receiver.remediate.files import read
from receiver.remediate.planning import planned
from receiver.remediate.runbook import Runbook
from receiver.remediate.settings import OverrideSettings
from tests.receiver.remediate.shipped import FILES

NAMES = [file.stem for file in FILES]
POD = {"namespace": "shop", "deployment": "checkout", "severity": "critical"}
PROGRAMS = "/usr/local/lib/tocsin/runbooks"


@dataclass(frozen=True)
class Case:
    """An alert, the target that its labels mean, and what is done about it, in words."""

    labels: Mapping[str, str]
    target: str
    does: tuple[str, ...]
    back: str = ""


CASES = {
    "restart-crash-looping-deployment": Case(
        {"alertname": "KubeDeploymentCrashLooping", **POD},
        "shop/checkout",
        ("restart deployment shop/checkout and wait until it is ready",),
    ),
    "scale-out-on-saturation": Case(
        {"alertname": "DeploymentSaturated", **POD},
        "shop/checkout",
        ("scale deployment shop/checkout by +2",),
        "put shop/checkout back as it was",
    ),
    "rotate-logs-to-free-disk": Case(
        {"alertname": "NodeFilesystemAlmostFull", "instance": "web-1:9100", "mountpoint": "/var"},
        "web-1:9100 /var",
        (f"run {PROGRAMS}/rotate-logs --on=web-1:9100 --below=/var/log --disk=/var --until-free=20",),
    ),
    "fail-over-to-read-replica": Case(
        {"alertname": "PostgresqlDown", "cluster": "pg-shop", "instance": "pg-1:9187"},
        "pg-shop/pg-2",
        ("POST /failover at patroni",),
    ),
    "block-address": Case(
        {"alertname": "LoginBruteForce", "address": "9.9.9.9"},
        "9.9.9.9",
        (f"run {PROGRAMS}/block-address --address=9.9.9.9 --for=1h",),
        f"run {PROGRAMS}/block-address --address=9.9.9.9 --remove",
    ),
}


def about(labels: Mapping[str, str]) -> Occurrence:
    """An alert that fires."""
    return Occurrence(
        id="a1",
        identity="i",
        tenant="",
        source="prod",
        fingerprint="f",
        labels=dict(labels),
        annotations={},
        generator_url="",
        starts_at=datetime(2026, 11, 21, 3, 0, tzinfo=UTC),
    )


def ready(name: str, **override: Any) -> Runbook:
    """A runbook as a configuration names it."""
    overrides = {name: OverrideSettings(**override)} if override else {}
    runbooks, problems = read([f"builtin:{name}"], Path(), overrides)
    assert problems == []
    return runbooks[name]


def plan(name: str, *allow: str, **labels: str) -> RunPlan:
    """What is planned for its typical alert with other labels; the target is allowed, or what is named."""
    runbook = ready(name, allow=allow or (CASES[name].target,), mode="apply")
    return planned(runbook, about({**CASES[name].labels, **labels}))
