"""`scale`, and what takes it back: the subresource `scale` alone, so that its role can change nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from receiver.remediate.kubernetes.deed import Fate, Read, State, already, another, looked_at, meanwhile, workload
from receiver.remediate.kubernetes.rollout import rollout
from receiver.remediate.step import About, CannotBegin, Done
from tocsin.kubernetes.call import MERGE, Call, Thing


@dataclass(frozen=True, slots=True)
class Scaled:
    """What scaling and its rollback share: both bring a workload to a number that stands in `before`."""

    kind: str
    namespace: str
    name: str

    @property
    def target(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    def reads(self) -> Call:
        return Call("get", f"{self.kind}s", self.namespace, self.name, "scale")

    def others(self, thing: Thing) -> Call | None:
        return None

    def patched(self, read: Read, replicas: int) -> Call:
        body = {"metadata": {"resourceVersion": read.version}, "spec": {"replicas": replicas}}
        return Call("patch", f"{self.kind}s", self.namespace, self.name, "scale", body, MERGE)

    def watches(self) -> Call:
        return workload(self.kind, self.namespace, self.name)

    def state(self, thing: Thing | None) -> State:
        return rollout(self.kind, thing, deadline=False)  # a deployment that is scaled begins no new rollout


@dataclass(frozen=True, slots=True)
class Scale(Scaled):
    """To a number, or by so many, or by so many percent; the latter two within bounds."""

    to: int | None = None
    by: int | None = None
    percent: int | None = None
    least: int = 0
    most: int = 0

    def seen(self, read: Read) -> Mapping[str, str]:
        replicas = replicas_of(read.thing)
        return looked_at(read.thing) | {"replicas": str(replicas), "wanted": str(self._wanted(replicas))}

    def _wanted(self, replicas: int) -> int:
        """Never against the direction that was asked for: more than the most is not made fewer by `by: +1`."""
        if self.to is not None:
            return self.to
        change = self.by if self.by is not None else _share(replicas, self.percent or 0)
        if change > 0 and replicas >= self.most:
            raise CannotBegin(f"{self.target} has {replicas} replicas, and may have {self.most} at most")
        if change < 0 and replicas <= self.least:
            raise CannotBegin(f"{self.target} has {replicas} replicas, and must have {self.least} at least")
        if change == 0:
            raise CannotBegin(f"{self.target} has no replicas; {self.percent:+}% of none are none")
        return min(max(replicas + change, self.least), self.most)

    def change(self, read: Read, before: Mapping[str, str], about: About, now: datetime) -> Call | Done:
        if other := another(read, before):
            return other
        replicas, wanted = replicas_of(read.thing), int(before["wanted"])
        if replicas == wanted:
            return already(f"{self.target} has {wanted} replicas")
        if replicas != int(before["replicas"]):
            return meanwhile(f"it has {replicas} replicas, and had {before['replicas']}")
        return self.patched(read, wanted)

    def done(self, before: Mapping[str, str]) -> str:
        return f"{self.target}: scaled from {before['replicas']} to {before['wanted']}"

    def fate(self, read: Read | None, sent: Read, before: Mapping[str, str], about: About) -> Fate:
        return _by_replicas(read, sent, int(before["wanted"]))


@dataclass(frozen=True, slots=True)
class ScaleBack(Scaled):
    """To the number that there was, unless somebody else has scaled it since."""

    def seen(self, read: Read) -> Mapping[str, str]:
        return looked_at(read.thing) | {"replicas": str(replicas_of(read.thing))}

    def change(self, read: Read, before: Mapping[str, str], about: About, now: datetime) -> Call | Done:
        if other := another(read, before):
            return other
        replicas, was = replicas_of(read.thing), int(before["replicas"])
        if replicas == was:
            return already(f"{self.target} has {was} replicas")
        if replicas != int(before["wanted"]):
            return meanwhile(f"it has {replicas} replicas, and the step had set {before['wanted']}")
        return self.patched(read, was)

    def done(self, before: Mapping[str, str]) -> str:
        return f"{self.target}: scaled back to {before['replicas']}"

    def fate(self, read: Read | None, sent: Read, before: Mapping[str, str], about: About) -> Fate:
        return _by_replicas(read, sent, int(before["replicas"]))


def replicas_of(thing: Thing) -> int:
    """What is asked for; none is left out of the JSON (autoscaling/v1, `omitempty`)."""
    return int(thing.get("spec", {}).get("replicas") or 0)


def _share(replicas: int, percent: int) -> int:
    share = -(-replicas * abs(percent) // 100)  # rounded up
    return share if percent > 0 else -share


def _by_replicas(read: Read | None, sent: Read, wanted: int) -> Fate:
    if read is None:
        return "nobody knows"
    if replicas_of(read.thing) == wanted:
        return "done"
    return "not yet" if read.version == sent.version else "nobody knows"
