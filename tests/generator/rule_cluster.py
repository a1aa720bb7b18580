"""An API server as far as PrometheusRules are concerned: optimistic locking, pages, preconditions, a webhook.

Sources: Kubernetes API concepts; apiextensions-apiserver (unknown kinds answer `404 page not found`); the operator's
webhook, which marks what it let in.
"""

from __future__ import annotations

import copy
import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import Any, ClassVar

from aiohttp import web

from tests.kubernetes import ApiServer, Key, Thing, answered, status

RESOURCE = "prometheusrules"
METADATA = "as=PartialObjectMetadataList"
NOW = "2026-05-04T12:00:00Z"
VALIDATED = {"prometheus-operator-validated": "true"}


@dataclass
class RuleCluster(ApiServer):
    """PrometheusRules in the namespaces that there are."""

    GROUPS: ClassVar = {"monitoring.coreos.com": (RESOURCE,)}
    KINDS: ClassVar = {RESOURCE: "PrometheusRule"}

    namespaces: set[str] = field(default_factory=lambda: {"monitoring"})
    refused: dict[str, str] = field(default_factory=dict)  # by name: what the webhook says
    expired: int = 0  # so many lists cannot be continued
    endless: bool = False
    installed: bool = True
    pages: list[tuple[str, int]] = field(default_factory=list)  # (what was listed, how many)
    managers: list[str | None] = field(default_factory=list)

    def rule(self, name: str, labels: dict[str, str] | None = None, **spec: Any) -> Thing:
        """One in `monitoring`, as if somebody had made it."""
        return self.add(RESOURCE, "monitoring", name, metadata={"labels": labels or {}}, spec={"groups": []} | spec)

    def named(self, name: str) -> Thing:
        """The one of that name."""
        return self.things[RESOURCE, "monitoring", name]

    @property
    def names(self) -> list[str]:
        """All of `monitoring`."""
        return sorted(name for _, _, name in self.things)

    def changes(self) -> list[str]:
        """The verbs that changed something, or tried to."""
        return [verb for verb, _ in self.heard]

    def answer(self, verb: str, key: Key, sub: str, request: web.Request, body: Any) -> web.Response:
        if not self.installed:
            return web.Response(status=404, text="404 page not found\n")
        if verb == "list":
            return self._listed(key[1], request)
        if verb not in ("get", "delete"):
            self.managers.append(request.query.get("fieldManager"))
            if words := self.refused.get(body["metadata"]["name"]):
                return status(422, f'admission webhook "rules.example" denied the request: {words}')
        if verb == "create":
            return self._created(key[1], body)
        thing = self.things.get(key)
        if thing is None:
            return status(404, f'{RESOURCE}.monitoring.coreos.com "{key[2]}" not found')
        match verb:
            case "get":
                return answered(thing)
            case "update":
                return self._updated(key, thing, body)
            case _:
                return self._deleted(key, thing, body)

    def _listed(self, namespace: str, request: web.Request) -> web.Response:
        selector = request.query.get("labelSelector", "")
        wanted = dict(part.split("=") for part in selector.split(",") if part)
        found = [one for (_, ns, _), one in sorted(self.things.items()) if ns == namespace]
        items = [one for one in found if wanted.items() <= (one["metadata"].get("labels") or {}).items()]
        start = int(b64decode(request.query["continue"])) if "continue" in request.query else 0
        if start and self.expired:
            self.expired -= 1
            return status(410, "The provided continue parameter is too old")
        end = start + int(request.query["limit"])
        more = {"continue": b64encode(str(end).encode()).decode()} if end < len(items) or self.endless else {}
        page = items[start:end]
        if METADATA in request.headers["Accept"]:
            page = [{"metadata": one["metadata"]} for one in page]
        self.pages.append(("names" if METADATA in request.headers["Accept"] else selector, len(page)))
        return web.json_response(text=json.dumps({"items": page, "metadata": more}, sort_keys=True))

    def _created(self, namespace: str, body: Any) -> web.Response:
        name = body["metadata"]["name"]
        if namespace not in self.namespaces:
            missing = status(404, f'namespaces "{namespace}" not found')
            missing.text = json.dumps(json.loads(missing.text or "") | {"details": {"kind": "namespaces"}})
            return missing
        if (RESOURCE, namespace, name) in self.things:
            return status(409, f'{RESOURCE}.monitoring.coreos.com "{name}" already exists')
        assert "resourceVersion" not in body["metadata"]
        parts = {key: value for key, value in body["metadata"].items() if key not in ("name", "namespace")}
        managed = [{"manager": "tocsin", "operation": "Update", "fieldsV1": {}}]
        metadata = parts | {
            "annotations": VALIDATED,
            "managedFields": managed,
            "creationTimestamp": NOW,
        }
        made = self.add(RESOURCE, namespace, name, metadata=metadata, spec=copy.deepcopy(body["spec"]))
        made["apiVersion"] = body["apiVersion"]
        return answered(made)

    def _updated(self, key: Key, thing: Thing, body: Any) -> web.Response:
        assert body["apiVersion"] == "monitoring.coreos.com/v1"
        assert (body["metadata"]["namespace"], body["metadata"]["name"]) == key[1:]
        same = {part: body["metadata"].get(part) == thing["metadata"][part] for part in ("uid", "resourceVersion")}
        if not all(same.values()):
            return status(409, "Operation cannot be fulfilled: the object has been modified")
        self.things[key] = after = copy.deepcopy(body)
        if after["spec"] != thing["spec"]:
            after["metadata"]["generation"] += 1
        self.touch(after)
        return answered(after)

    def _deleted(self, key: Key, thing: Thing, options: Any) -> web.Response:
        for part in ("uid", "resourceVersion"):
            if options["preconditions"][part] != thing["metadata"][part]:
                return status(409, f"Precondition failed: {part} in precondition")
        if thing["metadata"].get("finalizers"):
            thing["metadata"]["deletionTimestamp"] = NOW
            return answered(thing)
        del self.things[key]
        return web.json_response({"kind": "Status", "status": "Success"})
