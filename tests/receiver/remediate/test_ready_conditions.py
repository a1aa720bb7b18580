"""The guards and verifications of the runbooks that ship, asked of worlds in which they hold, and do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.processes import run
from receiver.engine.runs_planned import Condition
from tests.real import Binaries
from tests.receiver.remediate.cases import NAMES, plan, ready

BLOCK, FAIL_OVER, RESTART, ROTATE, SCALE = NAMES
DEPLOYMENT = 'namespace="shop",deployment="checkout"'
OTHER = 'namespace="shop",deployment="other"'
WELL: dict[str, Mapping[str, str]] = {
    RESTART: {
        f"kube_deployment_status_replicas_available{{{DEPLOYMENT}}}": "2",
        f"kube_deployment_spec_replicas{{{DEPLOYMENT}}}": "3",
        f"kube_deployment_status_replicas_updated{{{DEPLOYMENT}}}": "3",
        f"kube_deployment_metadata_generation{{{DEPLOYMENT}}}": "7",
        f"kube_deployment_status_observed_generation{{{DEPLOYMENT}}}": "7",
    },
    SCALE: {
        f"kube_deployment_spec_replicas{{{DEPLOYMENT}}}": "3",
        f"kube_deployment_status_replicas_available{{{DEPLOYMENT}}}": "3",
        f'ALERTS{{alertname="DeploymentSaturated",alertstate="firing",{DEPLOYMENT}}}': "1",
        f'ALERTS{{alertname="DeploymentSaturated",alertstate="firing",{OTHER}}}': "1",
    },
    ROTATE: {
        'node_filesystem_avail_bytes{instance="web-1:9100",mountpoint="/var"}': "5",
        'node_filesystem_size_bytes{instance="web-1:9100",mountpoint="/var"}': "100",
        'node_filesystem_readonly{instance="web-1:9100",mountpoint="/var"}': "0",
        'node_filesystem_readonly{instance="web-2:9100",mountpoint="/var"}': "1",
    },
    FAIL_OVER: {
        'probe_success{cluster="pg-shop",role="primary",instance="a"}': "0",
        'probe_success{cluster="pg-shop",role="primary",instance="b"}': "0",
        'pg_up{cluster="pg-shop",member="pg-1"}': "0",
        'pg_up{cluster="pg-shop",member="pg-2"}': "1",
        'pg_replication_lag_seconds{cluster="pg-shop",member="pg-2"}': "3",
        'pg_replication_is_replica{cluster="pg-shop",member="pg-2"}': "1",
    },
    BLOCK: {'ALERTS{alertname="LoginBruteForce",alertstate="firing",address="9.9.9.9"}': "1"},
}
# Series that are otherwise (None: not there), and the one guard that stands against it then.
AGAINST: list[tuple[str, Mapping[str, str | None], int]] = [
    (RESTART, {f"kube_deployment_status_replicas_available{{{DEPLOYMENT}}}": "0"}, 0),
    (RESTART, {f"kube_deployment_status_replicas_available{{{DEPLOYMENT}}}": None}, 0),
    (RESTART, {f"kube_deployment_status_replicas_updated{{{DEPLOYMENT}}}": "2"}, 1),
    (RESTART, {f"kube_deployment_metadata_generation{{{DEPLOYMENT}}}": "8"}, 2),
    (SCALE, {'kube_horizontalpodautoscaler_info{namespace="shop",scaletargetref_name="checkout"}': "1"}, 0),
    (SCALE, {f"kube_deployment_status_replicas_available{{{DEPLOYMENT}}}": "2"}, 1),
    (
        SCALE,
        {
            f"kube_deployment_spec_replicas{{{DEPLOYMENT}}}": "10",
            f"kube_deployment_status_replicas_available{{{DEPLOYMENT}}}": "10",
        },
        2,
    ),
    (ROTATE, {'node_filesystem_avail_bytes{instance="web-1:9100",mountpoint="/var"}': "50"}, 0),
    (ROTATE, {'node_filesystem_readonly{instance="web-1:9100",mountpoint="/var"}': "1"}, 1),
    (FAIL_OVER, {'probe_success{cluster="pg-shop",role="primary",instance="b"}': None}, 0),
    (FAIL_OVER, {'probe_success{cluster="pg-shop",role="primary",instance="c"}': "1"}, 1),
    (FAIL_OVER, {'pg_up{cluster="pg-shop",member="pg-2"}': "0"}, 2),
    (FAIL_OVER, {'pg_up{cluster="pg-shop",member="pg-2"}': "1x18 0 1x9"}, 2),
    (FAIL_OVER, {'pg_replication_lag_seconds{cluster="pg-shop",member="pg-2"}': "3x9 40 3x10"}, 3),
    (BLOCK, {'ALERTS{alertname="LoginBruteForce",alertstate="firing",address="9.9.9.9"}': None}, 0),
]
# What must have come about for it to have helped.
HELPED: dict[str, Mapping[str, str | None]] = {
    RESTART: {f"kube_deployment_status_replicas_available{{{DEPLOYMENT}}}": "3"},
    SCALE: {f'ALERTS{{alertname="DeploymentSaturated",alertstate="firing",{DEPLOYMENT}}}': None},
    ROTATE: {'node_filesystem_avail_bytes{instance="web-1:9100",mountpoint="/var"}': "30"},
    FAIL_OVER: {'pg_replication_is_replica{cluster="pg-shop",member="pg-2"}': "0"},
    BLOCK: {'ALERTS{alertname="LoginBruteForce",alertstate="firing",address="9.9.9.9"}': None},
}


@dataclass(frozen=True)
class Question:
    """A condition, the series that it is asked of, and whether it must hold."""

    what: str
    condition: Condition
    series: Mapping[str, str | None]
    holds: bool


def questions() -> list[Question]:
    """Every guard and verification, asked of a world in which it holds and of one in which it does not."""
    found = []
    for name in NAMES:
        made = plan(name)
        assert made.verification is not None
        helped = {**WELL[name], **HELPED[name]}
        verified = made.verification.conditions
        found += [Question(f"{name} may begin: {one.name}", one, WELL[name], holds=True) for one in made.guards]
        found += [Question(f"{name} helped: {one.name}", one, helped, holds=True) for one in verified]
        found.append(Question(f"{name} did not help: {verified[0].name}", verified[0], WELL[name], holds=False))
    for name, otherwise, number in AGAINST:
        guard, world = plan(name).guards[number], {**WELL[name], **otherwise}
        found.append(Question(f"{name}: {guard.name} against it", guard, world, holds=False))
    return found


def as_test(question: Question) -> dict[str, Any]:
    """The question for promtool: the expression within its bounds, which gives a sample exactly if it holds."""
    condition, series = question.condition, question.series
    bounds = {
        ">": condition.above, "<": condition.below, ">=": condition.at_least, "<=": condition.at_most,
        "==": condition.equals,
    }  # fmt: skip
    expr = f"({condition.expr})" + "".join(f" {sign} {bound}" for sign, bound in bounds.items() if bound is not None)
    given = [{"series": name, "values": _values(text)} for name, text in series.items() if text is not None]
    samples = [{"labels": "{}", "value": 1}] if question.holds else []
    asked = {"expr": f"count({expr})", "eval_time": "20m", "exp_samples": samples}
    return {"interval": "1m", "input_series": given, "promql_expr_test": [asked]}


def _values(text: str) -> str:
    """One value for 20 minutes and more, or values as promtool writes them."""
    return text if "x" in text else f"{text}x30"


def test_each_guard_can_refuse() -> None:
    """Of every guard there is a world that stands against it."""
    refused = {(name, number) for name, _, number in AGAINST}
    every = {(name, number) for name in NAMES for number, _ in enumerate(ready(name).settings.guards)}
    assert every == refused


@pytest.mark.real
async def test_guards_and_verifications(tmp_path: Path, binaries: Binaries) -> None:
    """Asked of Prometheus's own engine, each says yes where it should and no where it should."""
    files = {tmp_path / f"{number:03}.yml": question for number, question in enumerate(questions())}
    for file, question in files.items():
        file.write_text(f"# {question.what}\n" + yaml.safe_dump({"tests": [as_test(question)]}), encoding="utf-8")
    said = await run(binaries.promtool, "test", "rules", *files)
    assert said.count("SUCCESS") == len(files)
