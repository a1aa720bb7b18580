"""What somebody else does meanwhile stands; what may not be done does not begin."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from receiver.remediate.step import CannotBegin
from tests.kubernetes import Fault, no_authorities
from tests.receiver.remediate.fake_kubernetes import FakeKubernetes, template
from tests.receiver.remediate.kubernetes_bench import Bench, bench

__all__ = ["no_authorities"]
pytestmark = pytest.mark.usefixtures("no_authorities")

RUN = "tocsin.io/run"


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path) as found:
        yield found


async def test_restore_of_a_scale(cluster: Bench) -> None:
    """The replicas come back that there were; whoever scaled it since is not overruled."""
    thing = cluster.fake.deployment()
    seen = await cluster.look(action="scale", to=5)
    await cluster.does(action="scale", to=5, before=seen)
    cluster.fake.edit(thing, replicas=8)
    done = await cluster.does(action="restore", before=seen)
    assert (done.outcome, thing["spec"]["replicas"]) == ("failed", 8)
    assert "it has 8 replicas, and the step had set 5" in done.reason
    cluster.fake.edit(thing, replicas=5)
    assert (await cluster.does(action="restore", before=seen)).outcome == "succeeded"
    assert thing["spec"]["replicas"] == 3


async def test_what_restore_cannot_put_back(cluster: Bench) -> None:
    """A restart and a deletion stay; and one object's state is not put into another."""
    cluster.fake.deployment()
    cluster.fake.deployment("other")
    seen = await cluster.look(action="rollout-restart")
    done = await cluster.does(action="restore", before=seen)
    assert (done.outcome, "rollout-restart did cannot be put back" in done.reason) == ("failed", True)
    scaled = await cluster.look(action="scale", to=5)
    done = await cluster.does(action="restore", object="other", before=scaled)
    assert (done.outcome, "the step was about shop/checkout" in done.reason) == ("failed", True)
    assert not cluster.fake.heard


def scaled(fake: FakeKubernetes) -> None:
    fake.edit(fake.things["deployments", "shop", "checkout"], replicas=4)


def remade(fake: FakeKubernetes) -> None:
    fake.deployment(images=("shop:1", "shop:2"))


def deployed(fake: FakeKubernetes) -> None:
    thing = fake.things["deployments", "shop", "checkout"]
    fake.edit(thing, template=template("checkout", "shop:9"))
    fake.roll_out(thing)


def remade_pod(fake: FakeKubernetes) -> None:
    fake.pod()


def gone(fake: FakeKubernetes) -> None:
    fake.things.clear()


STEPS: list[dict[str, Any]] = [
    {"action": "rollout-restart"},
    {"action": "scale", "by": 2, "min": 1, "max": 9},
    {"action": "scale", "to": 5},
    {"action": "undo"},
]


@pytest.mark.parametrize("at", ["before reading", "before writing"])
@pytest.mark.parametrize(
    ("settings", "happens"),
    [
        pytest.param(settings, happens, id=f"{'-'.join([settings['action'], *settings][:3])}-{happens.__name__}")
        for settings in STEPS
        for happens in (scaled, remade, deployed, gone)
        if happens is not deployed or settings["action"] != "scale"  # a new template is no matter to a scale
    ],
)
async def test_what_somebody_else_did_meanwhile_stands(
    cluster: Bench, settings: dict[str, Any], happens: Callable[[FakeKubernetes], None], at: str
) -> None:
    """A step upon what is no longer as it was looked at fails, says so, and changes nothing."""
    cluster.fake.deployment(images=("shop:1", "shop:2"))
    if at == "before reading":
        done = await cluster.does(**settings, meanwhile=lambda: happens(cluster.fake))
    else:
        cluster.fake.faults = [Fault("patch", before=lambda: happens(cluster.fake))]
        done = await cluster.does(**settings)
    assert done.outcome == "failed", done
    assert ("is gone" if happens is gone else "somebody changed it meanwhile") in done.reason
    assert "nothing was done" in done.reason
    thing = cluster.fake.things.get(("deployments", "shop", "checkout"))
    assert thing is None or RUN not in thing["metadata"]["annotations"]
    assert thing is None or thing["spec"]["replicas"] == (4 if happens is scaled else 3)


async def test_the_next_pod_of_a_name_lives(cluster: Bench) -> None:
    """A pod that was made anew under its name, as a StatefulSet's is, is not the one that was meant."""
    cluster.fake.pod()
    done = await cluster.does(action="delete-pod", object="checkout-abc", meanwhile=cluster.fake.pod)
    assert (done.outcome, "a new one" in done.reason) == ("failed", True)
    cluster.fake.faults = [Fault("create", before=lambda: remade_pod(cluster.fake))]
    done = await cluster.does(action="delete-pod", object="checkout-abc")
    assert (done.outcome, "a new one" in done.reason) == ("failed", True)


# Where a step does not begin.


@pytest.mark.parametrize(
    ("parts", "settings", "why"),
    [
        ({"spec": {"paused": True}}, {"action": "rollout-restart"}, "is paused: kubectl rollout resume"),
        ({"spec": {"paused": True}}, {"action": "undo"}, "is paused"),
        ({"spec": {"updateStrategy": {"type": "OnDelete"}}}, {"action": "rollout-restart"}, "OnDelete"),
        ({"spec": {}, "metadata": {"deletionTimestamp": "x"}}, {"action": "rollout-restart"}, "being deleted"),
        ({"spec": {}}, {"action": "rollout-restart", "object": "other"}, "deployment shop/other is gone"),
        ({"spec": {}}, {"action": "rollout-restart", "namespace": "kube-system"}, "kube-system is not in"),
        ({"spec": {}}, {"action": "scale", "to": 1, "namespace": "kube-system"}, "namespaces"),
        ({"spec": {}}, {"action": "restore", "namespace": "kube-system"}, "namespaces"),
        ({"spec": {}}, {"action": "rollout-restart", "cluster": "edge"}, "no cluster 'edge'.*: main"),
    ],
)
async def test_what_does_not_begin(cluster: Bench, parts: dict[str, Any], settings: dict[str, Any], why: str) -> None:
    """What is gone, going, paused or not allowed; doing it anyway changes nothing, either."""
    cluster.fake.add("deployments", "shop", "checkout", **parts)
    with pytest.raises(CannotBegin, match=why):
        await cluster.look(**settings)
    assert (await cluster.does(**settings, before={})).outcome == "failed"
    assert not cluster.fake.heard


async def test_nodes_only_where_it_is_said(tmp_path: Path) -> None:
    """Without `nodes: true` no node is touched, also not by `restore`."""
    async with bench(tmp_path, nodes=False) as cluster:
        cluster.fake.add("nodes", "", "n1", spec={})
        with pytest.raises(CannotBegin, match=r"main\.nodes is false"):
            await cluster.look(action="cordon", object="n1")
        assert (await cluster.does(action="restore", object="n1", namespace="", before={})).outcome == "failed"
        assert not cluster.fake.asked
