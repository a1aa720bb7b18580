"""The roles that are shipped allow what each action asks for, and nothing else."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kubernetes import no_authorities
from tests.receiver.remediate.fake_kubernetes import GROUPS, FakeKubernetes
from tests.receiver.remediate.kubernetes_bench import bench

__all__ = ["no_authorities"]

ROLES = yaml.safe_load_all((Path(__file__).parents[3] / "deploy/kubernetes/remediation-rbac.yaml").read_text())
RULES = {one["metadata"]["name"]: one["rules"] for one in ROLES if one["kind"] in ("Role", "ClusterRole")}
WORKLOADS = ("deployment", "statefulset", "daemonset")

STEPS: dict[str, list[dict[str, Any]]] = {
    "tocsin-rollout-restart": [{"action": "rollout-restart", "kind": kind, "wait_ready": True} for kind in WORKLOADS],
    "tocsin-scale": [{"action": "scale", "kind": kind, "to": 5, "wait_ready": True} for kind in WORKLOADS[:2]],
    "tocsin-undo": [{"action": "undo", "wait_ready": True}],
    "tocsin-evict-pod": [{"action": "delete-pod", "object": "checkout-abc", "wait_ready": True}],
    "tocsin-delete-pod": [{"action": "delete-pod", "object": "checkout-abc", "evict": False, "wait_ready": True}],
    "tocsin-cordon": [{"action": "cordon", "object": "n1"}, {"action": "uncordon", "object": "n1"}],
}
LEFT = ("tocsin-rollout-restart", "tocsin-evict-pod", "tocsin-delete-pod")  # which nothing puts back


def allowed(name: str) -> set[tuple[str, str, str]]:
    """(group, verb, resource) of a role."""
    parts = (product(one["apiGroups"], one["verbs"], one["resources"]) for one in RULES[name])
    return {three for part in parts for three in part}


def shop() -> FakeKubernetes:
    fake = FakeKubernetes()
    spec = fake.deployment(images=("shop:1", "shop:2"))["spec"]
    for kind in WORKLOADS[1:]:
        counts = dict.fromkeys(("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable"), 3)
        fake.add(f"{kind}s", "shop", "checkout", spec=dict(spec), status={"readyReplicas": 3} | counts)
    fake.pod()
    fake.add("nodes", "", "n1", spec={})
    return fake


def test_every_role_is_one_of_an_action() -> None:
    """No role is left without the steps that need it."""
    assert set(RULES) == set(STEPS)


@pytest.mark.usefixtures("no_authorities")
@pytest.mark.parametrize("name", STEPS)
async def test_what_a_role_allows(tmp_path: Path, name: str) -> None:
    """Looking, doing, waiting and putting back ask for exactly what the role allows."""
    fake = shop()

    def settle() -> None:
        for (resource, _, _), one in list(fake.things.items()):
            if resource == "deployments":
                fake.roll_out(one)
            elif resource in ("statefulsets", "daemonsets"):
                observed = {"observedGeneration": one["metadata"]["generation"]}
                updated = dict.fromkeys(("readyReplicas", "updatedReplicas", "replicas"), one["spec"]["replicas"])
                one["status"] |= observed | updated
        fake.things.pop(("pods", "shop", "checkout-abc"), None)

    async with bench(tmp_path, fake) as cluster:
        cluster.patience.meanwhile.append(settle)
        for settings in STEPS[name]:
            seen = await cluster.look(**settings)
            done = await cluster.does(**settings, before=seen)
            assert done.outcome == "succeeded", done
            back = {"action": "restore", "object": settings.get("object", "checkout")}
            if name == "tocsin-cordon":
                back["namespace"] = ""
            if name not in LEFT:
                assert (await cluster.does(**back, before=seen)).outcome == "succeeded"
    groups = {resource: group for group, resources in GROUPS.items() for resource in resources}
    asked = {(groups[what.partition("/")[0]], verb, what) for verb, what in fake.asked}
    assert asked == allowed(name)
