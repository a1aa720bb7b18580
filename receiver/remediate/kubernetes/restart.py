"""`rollout-restart`, as `kubectl rollout restart` does it (objectrestarter.go): an annotation of the pods' template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from receiver.remediate.kubernetes.deed import (
    RESTARTED,
    RUN,
    Fate,
    Read,
    State,
    already,
    another,
    looked_at,
    meanwhile,
    workload,
)
from receiver.remediate.kubernetes.rollout import rollout
from receiver.remediate.step import About, CannotBegin, Done
from tocsin.kubernetes.call import MERGE, Call, Thing, annotation, meta


@dataclass(frozen=True, slots=True)
class Restart:
    """Every pod of a workload is replaced, a few at a time, as its update strategy says."""

    kind: str
    namespace: str
    name: str

    @property
    def target(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    def reads(self) -> Call:
        return workload(self.kind, self.namespace, self.name)

    def others(self, thing: Thing) -> Call | None:
        return None

    def seen(self, read: Read) -> Mapping[str, str]:
        spec = read.thing.get("spec", {})
        seen = looked_at(read.thing)
        if spec.get("paused"):
            raise CannotBegin(f"{self.target} is paused: kubectl rollout resume {self.kind}/{self.name}")
        if spec.get("updateStrategy", {}).get("type") == "OnDelete":
            raise CannotBegin(f"{self.target} has the update strategy OnDelete: its pods are replaced by hand only")
        replicas = spec.get("replicas")
        return seen if replicas is None else seen | {"replicas": str(replicas)}

    def change(self, read: Read, before: Mapping[str, str], about: About, now: datetime) -> Call | Done:
        if other := another(read, before):
            return other
        if annotation(read.thing, RUN) == about.key:
            return already(f"{self.target} is restarted")
        generation = meta(read.thing, "generation")
        if generation != before.get("generation"):
            return meanwhile(f"its generation is {generation}, and was {before.get('generation')}")
        body = {
            "metadata": {"resourceVersion": read.version, "annotations": {RUN: about.key}},
            "spec": {"template": {"metadata": {"annotations": {RESTARTED: now.isoformat(timespec="seconds")}}}},
        }
        return Call("patch", f"{self.kind}s", self.namespace, self.name, body=body, content=MERGE)

    def done(self, before: Mapping[str, str]) -> str:
        return f"{self.target}: restarted"

    def fate(self, read: Read | None, sent: Read, before: Mapping[str, str], about: About) -> Fate:
        return by_annotation(read, sent, about)

    def watches(self) -> Call:
        return self.reads()

    def state(self, thing: Thing | None) -> State:
        return rollout(self.kind, thing)


def by_annotation(read: Read | None, sent: Read, about: About) -> Fate:
    """What became of a change that would have left our annotation, and that needs the version it was sent for."""
    if read is None:
        return "nobody knows"
    if annotation(read.thing, RUN) == about.key:
        return "done"
    return "not yet" if read.version == sent.version else "not done"
