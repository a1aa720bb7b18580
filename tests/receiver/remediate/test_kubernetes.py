"""What each action does to a cluster, and how it is put back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from receiver.remediate.step import CannotBegin, NotNow
from tests.kubernetes import Fault, no_authorities
from tests.receiver.remediate.fake_kubernetes import FakeKubernetes, template
from tests.receiver.remediate.kubernetes_bench import Bench, bench

__all__ = ["no_authorities"]
pytestmark = pytest.mark.usefixtures("no_authorities")

RESTARTED = "kubectl.kubernetes.io/restartedAt"
RUN = "tocsin.io/run"


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path) as found:
        yield found


def image(fake: FakeKubernetes, name: str = "checkout") -> str:
    """What a deployment's pods run."""
    template = fake.things["deployments", "shop", name]["spec"]["template"]
    return str(template["spec"]["containers"][0]["image"])


# Restart.


@pytest.mark.parametrize("kind", ["deployment", "statefulset", "daemonset"])
async def test_a_restart_changes_the_template_as_kubectl_does(cluster: Bench, kind: str) -> None:
    """The pods' template gets kubectl's annotation, the workload ours; nothing else changes."""
    before = template("checkout", "shop:1")
    thing = cluster.fake.add(f"{kind}s", "shop", "checkout", spec={"template": template("checkout", "shop:1")})
    thing["metadata"]["annotations"] = {"team": "pay"}
    done = await cluster.does(action="rollout-restart", kind=kind)
    assert (done.outcome, done.output) == ("succeeded", f"{kind} shop/checkout: restarted")
    annotations = thing["spec"]["template"]["metadata"].pop("annotations")
    assert annotations == {RESTARTED: "2026-05-04T12:00:00+00:00"}
    assert thing["spec"]["template"]["spec"] == before["spec"]
    assert thing["metadata"]["annotations"] == {"team": "pay", RUN: "run-1/0"}


async def test_a_restart_happens_once_a_step(cluster: Bench) -> None:
    """Whoever does the same step again changes nothing: the workload bears the step's key."""
    cluster.fake.deployment()
    seen = await cluster.look(action="rollout-restart")
    assert (await cluster.does(action="rollout-restart", before=seen)).outcome == "succeeded"
    again = await cluster.does(action="rollout-restart", before=seen)
    assert (again.outcome, len(cluster.fake.heard)) == ("succeeded", 1)
    assert "nothing had to be done" in again.output


async def test_what_only_a_status_changes_is_no_conflict(cluster: Bench) -> None:
    """A deployment whose status changes between reading and writing is read once more, and then changed."""
    thing = cluster.fake.deployment()
    cluster.fake.faults = [Fault("patch", before=lambda: cluster.fake.touch(thing)) for _ in range(2)]
    assert (await cluster.does(action="rollout-restart")).outcome == "succeeded"
    assert [verb for verb, _ in cluster.fake.asked] == ["get", "get", "patch", "get", "patch", "get", "patch"]


# Scale.


SCALES = [
    ({"to": 5}, 3, 5),
    ({"to": 0}, 3, 0),
    ({"to": 2}, 0, 2),
    ({"by": 2, "min": 1, "max": 10}, 3, 5),
    ({"by": 2, "min": 1, "max": 4}, 3, 4),
    ({"by": -2, "min": 2, "max": 10}, 3, 2),
    ({"by": 1, "min": 1, "max": 10}, 0, 1),
    ({"percent": 50, "min": 1, "max": 10}, 3, 5),
    ({"percent": 1, "min": 1, "max": 10}, 3, 4),
    ({"percent": -50, "min": 1, "max": 10}, 3, 1),
    ({"percent": -100, "min": 0, "max": 10}, 3, 0),
    ({"percent": 100, "min": 1, "max": 1000}, 300, 600),
]


@pytest.mark.parametrize(("how", "replicas", "wanted"), SCALES)
async def test_scaling(cluster: Bench, how: dict[str, Any], replicas: int, wanted: int) -> None:
    """So many replicas come of each way to say it, and only the subresource is written."""
    thing = cluster.fake.deployment(replicas=replicas)
    done = await cluster.does(action="scale", **how)
    assert (done.outcome, done.output) == (
        "succeeded",
        f"deployment shop/checkout: scaled from {replicas} to {wanted}",
    )
    assert thing["spec"]["replicas"] == wanted
    assert {what for _, what in cluster.fake.asked} == {"deployments/scale"}


@pytest.mark.parametrize(
    ("how", "replicas"),
    [
        ({"by": 1, "min": 1, "max": 3}, 3),
        ({"by": 1, "min": 1, "max": 3}, 30),  # never fewer by a step that adds
        ({"by": -1, "min": 3, "max": 9}, 3),
        ({"by": -1, "min": 3, "max": 9}, 2),
        ({"percent": 50, "min": 0, "max": 9}, 0),
    ],
)
async def test_scaling_ends_at_its_bounds(cluster: Bench, how: dict[str, Any], replicas: int) -> None:
    """At its bound, or beyond it, a step does not begin."""
    cluster.fake.deployment(replicas=replicas)
    with pytest.raises(CannotBegin, match=rf"has {replicas or 'no'} replicas"):
        await cluster.look(action="scale", **how)


async def test_who_has_so_many_already_is_left_alone(cluster: Bench) -> None:
    """Scaling to what there is succeeds, and writes nothing."""
    cluster.fake.deployment(replicas=5)
    assert (await cluster.does(action="scale", to=5)).outcome == "succeeded"
    assert not cluster.fake.heard


# Undo.


async def test_undo_takes_the_previous_revision(cluster: Bench) -> None:
    """The template of the revision before comes back, as it was, so that its ReplicaSet is used again."""
    thing = cluster.fake.deployment(images=("shop:1", "shop:2", "shop:3"))
    thing["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = "{}"
    seen = await cluster.look(action="undo")
    assert {key: seen[key] for key in ("revision", "to_revision", "images", "to_images")} == {
        "revision": "3",
        "to_revision": "2",
        "images": "shop:3",
        "to_images": "shop:2",
    }
    done = await cluster.does(action="undo", before=seen)
    assert "taken back from revision 3 to 2 (shop:3 → shop:2)" in done.output
    assert thing["spec"]["template"] == template("checkout", "shop:2")
    annotations = thing["metadata"]["annotations"]
    assert annotations["kubectl.kubernetes.io/last-applied-configuration"] == "{}"
    assert (annotations["deployment.kubernetes.io/revision"], annotations[RUN]) == ("3", "run-1/0")
    cluster.fake.roll_out(thing)
    assert annotations["deployment.kubernetes.io/revision"] == "4"
    assert len([key for key in cluster.fake.things if key[0] == "replicasets"]) == 3


async def test_undo_of_an_undo(cluster: Bench) -> None:
    """`restore` brings the revision back that there was, whatever its number is by now; and again changes nothing."""
    thing = cluster.fake.deployment(images=("shop:1", "shop:2"))
    seen = await cluster.look(action="undo")
    await cluster.does(action="undo", before=seen)
    cluster.fake.roll_out(thing)
    assert image(cluster.fake) == "shop:1"
    done = await cluster.does(action="restore", before=seen)
    assert (done.outcome, image(cluster.fake)) == ("succeeded", "shop:2")
    writes = len(cluster.fake.heard)
    assert (await cluster.does(action="restore", before=seen)).outcome == "succeeded"
    assert len(cluster.fake.heard) == writes


async def test_undo_needs_an_earlier_revision(cluster: Bench) -> None:
    """A deployment without a history cannot be taken back; one that has only just been changed can, shortly."""
    thing = cluster.fake.deployment()
    with pytest.raises(CannotBegin, match="no earlier revision"):
        await cluster.look(action="undo")
    cluster.fake.edit(thing, template=template("checkout", "shop:2"))
    with pytest.raises(NotNow, match="only just begun"):
        await cluster.look(action="undo")


async def test_only_its_own_replicasets_count(cluster: Bench) -> None:
    """A ReplicaSet with the same labels that belongs to somebody else is no revision."""
    cluster.fake.deployment(images=("shop:1", "shop:2"))
    stranger = cluster.fake.deployment("stranger", images=("evil:1", "evil:9"))
    for (resource, _, name), one in cluster.fake.things.items():
        if resource == "replicasets" and name.startswith("stranger"):
            one["metadata"]["labels"]["app"] = "checkout"
    assert stranger["metadata"]["name"] == "stranger"
    await cluster.does(action="undo")
    assert image(cluster.fake) == "shop:1"


# Pods and nodes.


async def test_a_pod_is_evicted(cluster: Bench) -> None:
    """By the eviction API, this very pod, with the grace that the step gives it."""
    thing = cluster.fake.pod()
    seen = await cluster.look(action="delete-pod", object="checkout-abc", grace="5s")
    assert {key: seen[key] for key in ("owner", "phase", "node")} == {
        "owner": "ReplicaSet checkout-6b1",
        "phase": "Running",
        "node": "n1",
    }
    done = await cluster.does(action="delete-pod", object="checkout-abc", grace="5s", before=seen)
    assert done.output == "pod shop/checkout-abc: evicted"
    assert thing["metadata"]["deletionGracePeriodSeconds"] == 5
    assert ("create", "pods/eviction") in cluster.fake.asked


async def test_a_pod_is_deleted_outright(cluster: Bench) -> None:
    """Without `evict` no budget is asked."""
    cluster.fake.pod()
    cluster.fake.budget = 0
    assert (await cluster.does(action="delete-pod", object="checkout-abc", evict=False)).outcome == "succeeded"


async def test_a_budget_stands_against_an_eviction(cluster: Bench) -> None:
    """It is tried again for as long as the step has; then it has failed, and the budget says why."""
    thing = cluster.fake.pod()
    cluster.fake.budget = 0
    done = await cluster.does(action="delete-pod", object="checkout-abc", timeout="12s")
    assert done.outcome == "failed"
    assert "needs 2 healthy pods and has 2" in done.reason
    assert "nothing was done" in done.reason
    assert cluster.patience.slept == [5.0, 5.0]
    assert "deletionTimestamp" not in thing["metadata"]


async def test_a_budget_that_allows_it_later(cluster: Bench) -> None:
    """A budget that allows one eviction while the step waits lets it through."""
    cluster.fake.pod()
    cluster.fake.budget = 0
    cluster.patience.meanwhile.append(lambda: setattr(cluster.fake, "budget", 1))
    assert (await cluster.does(action="delete-pod", object="checkout-abc")).outcome == "succeeded"


async def test_two_budgets_refuse_in_an_answer_that_looks_well(cluster: Bench) -> None:
    """The API server sends this refusal as a 201 whose Status says 500."""
    cluster.fake.pod()
    cluster.fake.budgets = 2
    done = await cluster.does(action="delete-pod", object="checkout-abc")
    assert (done.outcome, "more than one budget" in done.reason) == ("failed", True)


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        ({"ownerReferences": []}, "no controller"),
        ({"annotations": {"kubernetes.io/config.mirror": "x"}}, "static pod"),
        ({"deletionTimestamp": "2026-05-04T11:59:00Z"}, "being deleted already"),
    ],
)
async def test_pods_that_are_not_deleted(cluster: Bench, metadata: dict[str, Any], why: str) -> None:
    """A pod that nobody would make anew, that is not the API server's, or that is on its way already."""
    cluster.fake.pod(**metadata)
    with pytest.raises(CannotBegin, match=why):
        await cluster.look(action="delete-pod", object="checkout-abc")


async def test_a_node_is_cordoned_and_put_back(cluster: Bench) -> None:
    """`restore` leaves it as it was: also cordoned, where it had been."""
    node = cluster.fake.add("nodes", "", "n1", spec={})
    seen = await cluster.look(action="cordon", object="n1")
    assert (await cluster.does(action="cordon", object="n1", before=seen)).output == "node n1: cordoned"
    assert node["spec"] == {"unschedulable": True}
    assert (await cluster.does(action="restore", object="n1", namespace="", before=seen)).outcome == "succeeded"
    assert node["spec"] == {"unschedulable": False}
    node["spec"]["unschedulable"] = True
    seen = await cluster.look(action="cordon", object="n1")
    await cluster.does(action="restore", object="n1", namespace="", before=seen)
    assert node["spec"] == {"unschedulable": True}
    assert (await cluster.does(action="uncordon", object="n1")).outcome == "succeeded"
    assert node["spec"] == {"unschedulable": False}
