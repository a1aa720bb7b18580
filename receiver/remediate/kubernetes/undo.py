"""`undo`, as `kubectl rollout undo` does it, and what takes it back: the template of another ReplicaSet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from receiver.remediate.kubernetes.deed import RUN, Fate, Read, State, already, another, looked_at, meanwhile, workload
from receiver.remediate.kubernetes.restart import by_annotation
from receiver.remediate.kubernetes.revisions import KEPT, current, images, listed, owned, revision, template
from receiver.remediate.kubernetes.rollout import rollout
from receiver.remediate.step import About, CannotBegin, Done, NotNow
from tocsin.kubernetes.call import JSON_PATCH, Call, Thing, meta


@dataclass(frozen=True, slots=True)
class Rollback:
    """What undoing and its rollback share: both bring back the template of a ReplicaSet that `before` names."""

    namespace: str
    name: str

    @property
    def target(self) -> str:
        return f"deployment {self.namespace}/{self.name}"

    def reads(self) -> Call:
        return workload("deployment", self.namespace, self.name)

    def others(self, thing: Thing) -> Call | None:
        return listed(thing)

    def seen(self, read: Read) -> Mapping[str, str]:
        seen = looked_at(read.thing)
        if read.thing.get("spec", {}).get("paused"):
            raise CannotBegin(f"{self.target} is paused: kubectl rollout resume deployment/{self.name}")
        sets = owned(read.thing, read.others)
        now = current(read.thing, sets)
        if now is None or now is not sets[0]:
            raise NotNow(f"{self.target}: its newest revision has only just begun")
        if len(sets) < 2 or not revision(sets[1]):
            raise CannotBegin(f"{self.target} has no earlier revision: see its revisionHistoryLimit")
        return seen | {
            "revision": str(revision(now)),
            "replicaset": meta(now, "name"),
            "images": images(now),
            "to_revision": str(revision(sets[1])),
            "to_replicaset": meta(sets[1], "name"),
            "to_images": images(sets[1]),
        }

    def brought_to(self, read: Read, name: str, about: About) -> Call | Done:
        """The template and the annotations of a ReplicaSet, put into the deployment."""
        source = next((one for one in owned(read.thing, read.others) if meta(one, "name") == name), None)
        if source is None:
            return meanwhile(f"its ReplicaSet {name} is gone")
        own, its = (one["metadata"].get("annotations") or {} for one in (read.thing, source))
        kept = {key: value for key, value in own.items() if key in KEPT}
        taken = {key: value for key, value in its.items() if key not in KEPT}
        body = [
            {"op": "test", "path": "/metadata/resourceVersion", "value": read.version},
            {"op": "replace", "path": "/spec/template", "value": template(source)},
            {"op": "add", "path": "/metadata/annotations", "value": kept | taken | {RUN: about.key}},
        ]
        return Call("patch", "deployments", self.namespace, self.name, body=body, content=JSON_PATCH)

    def fate(self, read: Read | None, sent: Read, before: Mapping[str, str], about: About) -> Fate:
        return by_annotation(read, sent, about)

    def watches(self) -> Call:
        return self.reads()

    def state(self, thing: Thing | None) -> State:
        return rollout("deployment", thing)


@dataclass(frozen=True, slots=True)
class Undo(Rollback):
    """To the previous revision."""

    def change(self, read: Read, before: Mapping[str, str], about: About, now: datetime) -> Call | Done:
        if other := another(read, before):
            return other
        generation, set_name = meta(read.thing, "generation"), _current_name(read)
        if set_name == before["to_replicaset"]:
            return already(f"{self.target} is at the template of revision {before['to_revision']}")
        if generation != before.get("generation") or set_name != before["replicaset"]:
            return meanwhile(f"its generation is {generation}, and was {before.get('generation')}")
        return self.brought_to(read, before["to_replicaset"], about)

    def done(self, before: Mapping[str, str]) -> str:
        what = f"{before['images']} → {before['to_images']}"
        return f"{self.target}: taken back from revision {before['revision']} to {before['to_revision']} ({what})"


@dataclass(frozen=True, slots=True)
class UndoBack(Rollback):
    """To the revision that there was, unless somebody else has changed the template since."""

    def change(self, read: Read, before: Mapping[str, str], about: About, now: datetime) -> Call | Done:
        if other := another(read, before):
            return other
        set_name = _current_name(read)
        if set_name == before["replicaset"]:
            return already(f"{self.target} is at the template of revision {before['revision']}")
        if set_name != before["to_replicaset"]:
            return meanwhile("its template is neither the one that the step had set nor the one before")
        return self.brought_to(read, before["replicaset"], about)

    def done(self, before: Mapping[str, str]) -> str:
        return f"{self.target}: back at the template of revision {before['revision']} ({before['images']})"


def _current_name(read: Read) -> str:
    found = current(read.thing, owned(read.thing, read.others))
    return meta(found, "name") if found is not None else ""
