"""`delete-pod`: by the eviction API, which respects PodDisruptionBudgets, or outright."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from receiver.remediate.kubernetes.deed import Fate, Read, State, already, looked_at, meanwhile
from receiver.remediate.step import About, CannotBegin, Done
from tocsin.kubernetes.call import Call, Thing, meta

MIRROR = "kubernetes.io/config.mirror"  # a static pod: the kubelet owns it, and the API server shows it only


@dataclass(frozen=True, slots=True)
class DeletePod:
    """One pod, which its controller makes anew."""

    namespace: str
    name: str
    evict: bool = True
    grace_seconds: int | None = None

    @property
    def target(self) -> str:
        return f"pod {self.namespace}/{self.name}"

    def reads(self) -> Call:
        return Call("get", "pods", self.namespace, self.name)

    def others(self, thing: Thing) -> Call | None:
        return None

    def seen(self, read: Read) -> Mapping[str, str]:
        seen = looked_at(read.thing)
        metadata = read.thing.get("metadata", {})
        if MIRROR in (metadata.get("annotations") or {}):
            raise CannotBegin(f"{self.target} is a static pod, which only its node's kubelet can end")
        owner = next((one for one in metadata.get("ownerReferences") or () if one.get("controller")), None)
        if owner is None:
            raise CannotBegin(f"{self.target} has no controller: nobody would make it anew")
        known = {
            "owner": f"{owner.get('kind')} {owner.get('name')}",
            "phase": str(read.thing.get("status", {}).get("phase") or ""),
            "node": str(read.thing.get("spec", {}).get("nodeName") or ""),
        }
        return seen | {key: value for key, value in known.items() if value}

    def change(self, read: Read, before: Mapping[str, str], about: About, now: datetime) -> Call | Done:
        if meta(read.thing, "uid") != before.get("uid"):
            return meanwhile("the pod of that name is a new one")
        if meta(read.thing, "deletionTimestamp"):
            return already(f"{self.target} is being deleted")
        options: dict[str, object] = {"preconditions": {"uid": before["uid"]}}
        if self.grace_seconds is not None:
            options["gracePeriodSeconds"] = self.grace_seconds
        if not self.evict:
            body = {"apiVersion": "v1", "kind": "DeleteOptions", **options}
            return Call("delete", "pods", self.namespace, self.name, body=body)
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "deleteOptions": options,
        }
        return Call("create", "pods", self.namespace, self.name, "eviction", eviction)

    def done(self, before: Mapping[str, str]) -> str:
        return f"{self.target}: {'evicted' if self.evict else 'deleted'}"

    def fate(self, read: Read | None, sent: Read, before: Mapping[str, str], about: About) -> Fate:
        """Gone, on its way, or another one of that name: then it was done, by whomever."""
        gone = read is None or meta(read.thing, "uid") != before.get("uid")
        return "done" if gone or (read and meta(read.thing, "deletionTimestamp")) else "not yet"

    def watches(self) -> Call:
        return self.reads()

    def state(self, thing: Thing | None) -> State:
        if thing is None or not meta(thing, "deletionTimestamp"):  # none, or the next one of its name
            return State(ready=True, words="it is gone")
        return State(ready=False, words="it is still ending")
