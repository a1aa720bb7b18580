"""Whether a rollout is complete, and which revisions there are."""

from __future__ import annotations

from typing import Any

import pytest

from receiver.remediate.kubernetes.revisions import current, images, listed, owned
from receiver.remediate.kubernetes.rollout import rollout

READY: dict[str, dict[str, Any]] = {
    "deployment": {"replicas": 3, "updatedReplicas": 3, "availableReplicas": 3},
    "statefulset": {"replicas": 3, "updatedReplicas": 3, "readyReplicas": 3},
    "daemonset": {"desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3},
}


def thing(status: dict[str, Any], *, generation: int = 2, **spec: Any) -> dict[str, Any]:
    observed = {"observedGeneration": 2}
    return {"metadata": {"generation": generation}, "spec": {"replicas": 3} | spec, "status": observed | status}


@pytest.mark.parametrize("kind", READY)
def test_complete(kind: str) -> None:
    """Each kind is complete when its controller has seen the change and every pod is new and available."""
    assert rollout(kind, thing(READY[kind])).ready
    unseen = rollout(kind, thing(READY[kind], generation=3))
    assert (unseen.ready, unseen.failed, unseen.words) == (False, False, "its controller has not seen the change yet")
    assert not rollout(kind, {"metadata": {"generation": 1}, "spec": {}}).ready
    assert rollout(kind, None).failed


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ("deployment", {"updatedReplicas": 2}, "2 of 3 replicas are updated"),
        ("deployment", {"replicas": 4}, "1 old replicas are still there"),
        ("deployment", {"replicas": 4, "updatedReplicas": 4}, "1 replicas too many are still there"),
        ("deployment", {"availableReplicas": 1}, "1 of 3 replicas are available"),
        ("deployment", {"availableReplicas": None}, "0 of 3 replicas are available"),
        ("statefulset", {"readyReplicas": 2}, "2 of 3 replicas are ready"),
        ("statefulset", {"updatedReplicas": 2}, "2 of 3 replicas are updated"),
        ("statefulset", {"replicas": 5}, "2 replicas too many"),
        ("daemonset", {"updatedNumberScheduled": 1}, "1 of 3 pods are updated"),
        ("daemonset", {"numberAvailable": 0}, "0 of 3 pods are available"),
    ],
)
def test_under_way(kind: str, status: dict[str, Any], words: str) -> None:
    """What is missing is said."""
    state = rollout(kind, thing(READY[kind] | status))
    assert (state.ready, state.failed) == (False, False)
    assert words in state.words


def test_a_partition_is_left_alone() -> None:
    """Of a StatefulSet only the pods above its partition are updated; that is complete."""
    partial: dict[str, Any] = {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}}
    assert rollout("statefulset", thing(READY["statefulset"] | {"updatedReplicas": 1}, **partial)).ready
    assert not rollout("statefulset", thing(READY["statefulset"] | {"updatedReplicas": 0}, **partial)).ready


def test_none_are_wanted() -> None:
    """A workload with no replicas is complete; one that does not say has one."""
    none = dict.fromkeys(READY["deployment"], 0)
    assert rollout("deployment", thing(none, replicas=0)).ready
    assert not rollout("deployment", thing(none, replicas=None)).ready


@pytest.mark.parametrize(
    ("selector", "query"),
    [
        ({"matchLabels": {"app": "checkout", "tier": "web"}}, "app=checkout,tier=web"),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["x", "y"]}]}, "a in (x,y)"),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["x"]}]}, "a notin (x)"),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, "a"),
        ({"matchLabels": {"b": "c"}, "matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, "b=c,!a"),
    ],
)
def test_selectors(selector: dict[str, Any], query: str) -> None:
    """A selector as its text, as the API takes it."""
    deployment = {"metadata": {"namespace": "shop"}, "spec": {"selector": selector}}
    assert listed(deployment).query == {"labelSelector": query}
    assert listed(deployment).path == "/apis/apps/v1/namespaces/shop/replicasets"


def replica_set(name: str, revision: str, uid: str = "u", **metadata: Any) -> dict[str, Any]:
    annotations = {"deployment.kubernetes.io/revision": revision}
    labels = {"app": "checkout", "pod-template-hash": name}
    return {
        "metadata": {
            "name": name,
            "annotations": annotations,
            "ownerReferences": [{"uid": uid, "controller": True}],
        },
        "spec": {"template": {"metadata": {"labels": labels} | metadata, "spec": {"containers": [{"image": name}]}}},
    }


def test_revisions() -> None:
    """The newest number first, as numbers; of nobody else; one without a number last."""
    deployment = {"metadata": {"uid": "u"}, "spec": {}}
    sets = [replica_set("a", "9"), replica_set("b", "10"), replica_set("c", "11", uid="v"), replica_set("d", "x")]
    assert [one["metadata"]["name"] for one in owned(deployment, sets)] == ["b", "a", "d"]


def test_templates_that_mean_the_same() -> None:
    """What is empty in one and missing in the other makes no difference; an annotation does."""
    containers = [{"image": "a", "resources": {}}]
    template = {
        "metadata": {"creationTimestamp": None, "labels": {"app": "checkout"}},
        "spec": {"containers": containers},
    }
    deployment = {"metadata": {"uid": "u"}, "spec": {"template": template}}
    same, other = replica_set("a", "1", annotations={}), replica_set("a", "2", annotations={"x": "y"})
    assert current(deployment, [other, same]) is same
    assert current(deployment, [other]) is None
    assert images(same) == "a"
