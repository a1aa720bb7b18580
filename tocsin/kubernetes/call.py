"""A call of the Kubernetes API as plain data: its path, and the permission (RBAC) that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Thing = Mapping[str, Any]  # an object of the API, as its JSON has it

METHODS = {"get": "GET", "list": "GET", "patch": "PATCH", "create": "POST", "update": "PUT", "delete": "DELETE"}
GROUPS = {
    **dict.fromkeys(("deployments", "statefulsets", "daemonsets", "replicasets"), "apps"),
    "prometheusrules": "monitoring.coreos.com",
}  # each in version v1

MERGE = "application/merge-patch+json"  # RFC 7396
JSON_PATCH = "application/json-patch+json"  # RFC 6902
PLAIN = "application/json"


@dataclass(frozen=True, slots=True)
class Call:
    """`verb` is RBAC's. Every name in it has been checked: they stand in the path as they are."""

    verb: str
    resource: str
    namespace: str = ""  # empty: the resource is the cluster's
    name: str = ""
    sub: str = ""
    body: object = None
    content: str = PLAIN
    query: Mapping[str, str] = field(default_factory=dict)
    accept: str = PLAIN

    @property
    def method(self) -> str:
        return METHODS[self.verb]

    @property
    def path(self) -> str:
        group = GROUPS.get(self.resource)
        parts = [f"apis/{group}/v1" if group else "api/v1"]
        if self.namespace:
            parts += ["namespaces", self.namespace]
        return "/" + "/".join([*parts, *(part for part in (self.resource, self.name, self.sub) if part)])

    @property
    def permission(self) -> str:
        """What the role must allow: `patch on deployments/scale (apps) in namespace shop`."""
        group = f" ({GROUPS[self.resource]})" if self.resource in GROUPS else ""
        where = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.verb} on {self.resource}{'/' * bool(self.sub)}{self.sub}{group}{where}"


def meta(thing: Thing, key: str) -> str:
    """A field of the metadata as text: `uid`, `resourceVersion`, `generation`."""
    metadata = thing.get("metadata")
    return str(metadata.get(key) or "") if isinstance(metadata, dict) else ""


def annotation(thing: Thing, key: str) -> str:
    """An annotation, or an empty text."""
    return str((thing.get("metadata", {}).get("annotations") or {}).get(key) or "")
