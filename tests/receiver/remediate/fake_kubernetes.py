"""An API server as far as steps of kind `kubernetes` ask it, with its optimistic locking, a small deployment controller
and the faults that the real one and the ways to it have.

Sources: apiserver's endpoints/handlers/patch.go, registry/core/pod/storage/eviction.go, the deployment controller.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml
from aiohttp import web

from tests.receiver.remediate.patching import changed_by

TOKEN = "eyJhbGciOiJSUzI1NiJ9.c2VjcmV0LW9mLXRoZS1jbHVzdGVy.c2lnbmF0dXJl"
REVISION = "deployment.kubernetes.io/revision"
VERBS = {"GET": "get", "PATCH": "patch", "POST": "create", "DELETE": "delete"}
GROUPS = {"apps": ("deployments", "statefulsets", "daemonsets", "replicasets"), "": ("pods", "nodes")}
KINDS = {"deployments": "Deployment", "statefulsets": "StatefulSet", "daemonsets": "DaemonSet", "pods": "Pod"}

Thing = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """What happens to the next request of a verb. `doing`: whether it is done before it goes wrong."""

    verb: str
    status: int = 0
    retry_after: str | None = None
    doing: bool = False
    ends: Literal["answer", "silence", "break", "truncated"] = "answer"
    before: Callable[[], None] | None = None  # somebody else is faster
    plain: bool = False  # a proxy's answer, not the API server's


@dataclass
class FakeKubernetes:
    """The objects by (resource, namespace, name), and what was asked."""

    things: dict[tuple[str, str, str], Thing] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)  # (verb, resource/subresource)
    heard: list[tuple[str, Any]] = field(default_factory=list)  # (verb, body) of what changes
    timeouts: list[str | None] = field(default_factory=list)
    forbidden: set[str] = field(default_factory=set)  # "patch deployments/scale"
    budget: int | None = None  # how many evictions a PodDisruptionBudget still allows
    budgets: int = 1
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1001))
    silent: asyncio.Event = field(default_factory=asyncio.Event)

    # What stands in the cluster.

    def add(self, resource: str, namespace: str, name: str, **parts: Any) -> Thing:
        """An object, as if somebody had made it."""
        number = next(self.numbers)
        metadata = {"name": name, "uid": f"uid-{number}", "resourceVersion": str(number), "generation": 1}
        if namespace:
            metadata["namespace"] = namespace
        thing = {"kind": KINDS.get(resource, ""), "metadata": metadata | parts.pop("metadata", {}), **parts}
        self.things[resource, namespace, name] = thing
        return thing

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

    def touch(self, thing: Thing) -> None:
        """Its status, or something else that matters to nobody, changes."""
        thing["metadata"]["resourceVersion"] = str(next(self.numbers))

    def edit(self, thing: Thing, **spec: Any) -> None:
        """Somebody else changes its spec."""
        thing["spec"] |= spec
        thing["metadata"]["generation"] += 1
        self.touch(thing)

    # What it answers.

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Any request."""
        found = request.match_info
        group, resource, namespace, name, sub = (found.get(key, "") for key in ("group", "res", "ns", "name", "sub"))
        verb = "list" if request.method == "GET" and not name else VERBS[request.method]
        self.asked.append((verb, f"{resource}/{sub}" if sub else resource))
        self.timeouts.append(request.query.get("timeout"))
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return status(401, f"Unauthorized: {request.headers.get('Authorization')}")  # no real one would tell
        if resource not in GROUPS[group] or f"{verb} {self.asked[-1][1]}" in self.forbidden:
            return status(403, f'{resource} "{name}" is forbidden: User "system:serviceaccount:a:b" cannot {verb} it')
        body = await request.json() if request.can_read_body else None
        if verb not in ("get", "list"):
            self.heard.append((verb, body))
        fault = next((one for one in self.faults if one.verb == verb), None)
        if fault is None:
            return self._answer(verb, (resource, namespace, name), sub, request, body)
        self.faults.remove(fault)
        if fault.before:
            fault.before()
        real = fault.doing or (fault.ends == "answer" and not fault.status)
        answer = self._answer(verb, (resource, namespace, name), sub, request, body) if real else None
        return await self._spoilt(fault, request, answer)

    async def _spoilt(self, fault: Fault, request: web.Request, answer: web.Response | None) -> web.StreamResponse:
        assert request.transport is not None
        match fault.ends:
            case "silence":
                await self.silent.wait()
            case "break":
                request.transport.close()
            case "truncated":
                return web.Response(text='{"kind": "Deployment", "metadata": {"na', content_type="application/json")
            case "answer":
                if not fault.status:
                    assert answer is not None
                    return answer
                headers = {"Retry-After": fault.retry_after} if fault.retry_after is not None else {}
                if fault.plain:
                    return web.Response(status=fault.status, text="<html>upstream</html>", headers=headers)
                return status(fault.status, "etcdserver: it went wrong", headers=headers)
        return web.Response(status=500)

    def _answer(self, verb: str, key: tuple[str, str, str], sub: str, request: web.Request, body: Any) -> web.Response:
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

    def _evicted(self, key: tuple[str, str, str], thing: Thing, body: Any) -> web.Response:
        if self.budgets > 1:  # a Status that goes out as if all were well
            failure = {"kind": "Status", "status": "Failure", "code": 500, "message": "more than one budget"}
            return web.json_response(failure, status=201)
        if self.budget is not None:
            if self.budget == 0:
                cause = {"message": "The disruption budget checkout needs 2 healthy pods and has 2 currently"}
                return status(429, "Cannot evict pod as it would violate the pod's disruption budget.", cause)
            self.budget -= 1
        return self._deleted(key, thing, body["deleteOptions"])

    def _deleted(self, key: tuple[str, str, str], thing: Thing, options: Any) -> web.Response:
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


def status(
    code: int, message: str, cause: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> web.Response:
    """What the API server says when it says no."""
    details = {"causes": [cause]} if cause else {}
    body = {"kind": "Status", "status": "Failure", "code": code, "message": message, "details": details}
    return web.json_response(body, status=code, headers=headers)


def answered(thing: Thing) -> web.Response:
    return web.json_response(text=json.dumps(thing))


def _owner(thing: Thing) -> str:
    return str(thing["metadata"]["ownerReferences"][0]["uid"])


def _unhashed(thing: Thing) -> Thing:
    bare: Thing = copy.deepcopy(thing["spec"]["template"])
    del bare["metadata"]["labels"]["pod-template-hash"]
    return bare


@asynccontextmanager
async def running(fake: FakeKubernetes, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The server's address."""
    app = web.Application()
    for front in ("/api/v1", "/apis/{group}/v1"):
        for path in ("/namespaces/{ns}/{res}", "/{res}"):
            for rest in ("", "/{name}", "/{name}/{sub}"):
                app.router.add_route("*", front + path + rest, fake.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        port = runner.addresses[0][1]
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    finally:
        fake.silent.set()
        await runner.cleanup()


def kubeconfig(folder: Path, server: str, token: str = TOKEN, **cluster: Any) -> Path:
    """A kubeconfig file for it."""
    file = folder / "kubeconfig"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "fake", "user": "tocsin"}}],
        "clusters": [{"name": "fake", "cluster": {"server": server} | cluster}],
        "users": [{"name": "tocsin", "user": {"token": token}}],
    }
    file.write_text(yaml.safe_dump(content))
    return file
