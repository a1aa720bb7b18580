"""An API server as far as steps of kind `kubernetes` ask it, with its optimistic locking and a deployment controller.

Sources: apiserver's endpoints/handlers/patch.go, registry/core/pod/storage/eviction.go, the deployment controller.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.kubernetes import ApiServer, Key, Thing, answered, status
from tests.receiver.remediate.patching import changed_by

REVISION = "deployment.kubernetes.io/revision"
GROUPS = {"apps": ("deployments", "statefulsets", "daemonsets", "replicasets"), "": ("pods", "nodes")}
KINDS = {"deployments": "Deployment", "statefulsets": "StatefulSet", "daemonsets": "DaemonSet", "pods": "Pod"}


@dataclass
class FakeKubernetes(ApiServer):
    """Workloads, pods and nodes."""

    GROUPS = GROUPS
    KINDS = KINDS

    budget: int | None = None  # how many evictions a PodDisruptionBudget still allows
    budgets: int = 1

    def deployment(self, name: str = "checkout", replicas: int = 3, images: tuple[str, ...] = ("shop:1",)) -> Thing:
        """A deployment in `shop` that has been rolled out with one image after another, and is ready."""
        spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}}
        thing = self.add("deployments", "shop", name, spec=spec | {"template": template(name, images[0])}, status={})
        for image in images:
            thing["spec"]["template"] = template(name, image)
            self.roll_out(thing)
        return thing

    def pod(self, name: str = "checkout-abc", **metadata: Any) -> Thing:
        """A pod in `shop`, of a ReplicaSet."""
        owner = {"kind": "ReplicaSet", "name": "checkout-6b1", "controller": True}
        parts = {"status": {"phase": "Running"}, "spec": {"nodeName": "n1"}}
        return self.add("pods", "shop", name, metadata={"ownerReferences": [owner]} | metadata, **parts)

    def roll_out(self, thing: Thing) -> None:
        """What the deployment controller does: a ReplicaSet for the template, the newest revision; all ready."""
        metadata, spec = thing["metadata"], thing["spec"]
        sets = [one for key, one in self.things.items() if key[0] == "replicasets" and _owner(one) == metadata["uid"]]
        now = next((one for one in sets if _unhashed(one) == spec["template"]), None)
        newest = max((int(one["metadata"]["annotations"][REVISION]) for one in sets), default=0)
        if now is None:
            code = f"6b{newest + 1}"
            labelled = copy.deepcopy(spec["template"])
            labelled["metadata"]["labels"]["pod-template-hash"] = code
            owner = {"kind": "Deployment", "name": metadata["name"], "uid": metadata["uid"], "controller": True}
            copied = {key: value for key, value in metadata.get("annotations", {}).items() if key != REVISION}
            now = self.add(
                "replicasets",
                metadata["namespace"],
                f"{metadata['name']}-{code}",
                metadata={
                    "labels": labelled["metadata"]["labels"],
                    "ownerReferences": [owner],
                    "annotations": copied | {REVISION: "0"},
                },
                spec={"template": labelled},
            )
        if int(now["metadata"]["annotations"][REVISION]) != newest or newest == 0:
            now["metadata"]["annotations"][REVISION] = str(newest + 1)
        metadata.setdefault("annotations", {})[REVISION] = now["metadata"]["annotations"][REVISION]
        count = spec["replicas"]
        thing["status"] = {
            "observedGeneration": metadata["generation"],
            **dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas", "readyReplicas"), count),
        }
        self.touch(thing)

    def answer(self, verb: str, key: Key, sub: str, request: web.Request, body: Any) -> web.Response:
        resource, namespace, name = key
        if verb == "list":
            wanted = dict(part.split("=") for part in request.query["labelSelector"].split(",") if part)
            items = [one for (res, ns, _), one in self.things.items() if (res, ns) == (resource, namespace)]
            return answered({"items": [one for one in items if wanted.items() <= one["metadata"]["labels"].items()]})
        thing = self.things.get(key)
        if thing is None:
            return status(404, f'{resource} "{name}" not found')
        match verb, sub:
            case "get", "scale":
                return answered(scale_of(thing))
            case "get", _:
                return answered(thing)
            case "patch", _:
                return self._patched(thing, sub, request.content_type, body)
            case "create", "eviction":
                return self._evicted(key, thing, body)
            case _:
                return self._deleted(key, thing, body)

    def _patched(self, thing: Thing, sub: str, kind: str, body: Any) -> web.Response:
        shown = scale_of(thing) if sub else thing
        try:
            after = changed_by(kind, shown, body)
        except AssertionError:  # NewGenericServerResponse does not repeat what the patch library says
            return status(422, "the server rejected our request due to an error in our request")
        if after["metadata"]["resourceVersion"] != thing["metadata"]["resourceVersion"]:
            return status(409, "Operation cannot be fulfilled: the object has been modified")
        spec = thing["spec"] | {"replicas": after["spec"].get("replicas", 0)} if sub else after["spec"]
        if not sub:
            thing["metadata"]["annotations"] = after["metadata"].get("annotations", {})
        if spec != thing["spec"]:
            thing["spec"] = spec
            thing["metadata"]["generation"] += 1
        self.touch(thing)
        return answered(scale_of(thing) if sub else thing)

    def _evicted(self, key: Key, thing: Thing, body: Any) -> web.Response:
        if self.budgets > 1:  # a Status that goes out as if all were well
            failure = {"kind": "Status", "status": "Failure", "code": 500, "message": "more than one budget"}
            return web.json_response(failure, status=201)
        if self.budget is not None:
            if self.budget == 0:
                cause = {"message": "The disruption budget checkout needs 2 healthy pods and has 2 currently"}
                return status(429, "Cannot evict pod as it would violate the pod's disruption budget.", cause)
            self.budget -= 1
        return self._deleted(key, thing, body["deleteOptions"])

    def _deleted(self, key: Key, thing: Thing, options: Any) -> web.Response:
        if options["preconditions"]["uid"] != thing["metadata"]["uid"]:
            return status(409, "Precondition failed: UID in precondition")
        thing["metadata"]["deletionTimestamp"] = "2026-05-04T12:00:00Z"
        thing["metadata"]["deletionGracePeriodSeconds"] = options.get("gracePeriodSeconds", 30)
        self.touch(thing)
        return web.json_response({"kind": "Status", "status": "Success"}, status=201)


def template(name: str, image: str) -> Thing:
    """A pod's template, as the API server shows it."""
    metadata = {"creationTimestamp": None, "labels": {"app": name}}
    return {"metadata": metadata, "spec": {"containers": [{"name": "main", "image": image, "resources": {}}]}}


def scale_of(thing: Thing) -> Thing:
    """The subresource: the same metadata, and the replicas unless there are none (`omitempty`)."""
    kept = {key: thing["metadata"][key] for key in ("name", "namespace", "uid", "resourceVersion")}
    replicas = thing["spec"]["replicas"]
    return {"kind": "Scale", "metadata": kept, "spec": {"replicas": replicas} if replicas else {}, "status": {}}


def _owner(thing: Thing) -> str:
    return str(thing["metadata"]["ownerReferences"][0]["uid"])


def _unhashed(thing: Thing) -> Thing:
    bare: Thing = copy.deepcopy(thing["spec"]["template"])
    del bare["metadata"]["labels"]["pod-template-hash"]
    return bare
