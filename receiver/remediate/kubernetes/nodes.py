"""`cordon` and `uncordon`, as kubectl does them: whether pods may be put onto a node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from receiver.remediate.kubernetes.deed import Fate, Read, State, already, another, looked_at
from receiver.remediate.step import About, Done
from tocsin.kubernetes.call import MERGE, Call, Thing


@dataclass(frozen=True, slots=True)
class Cordon:
    """A node takes new pods, or not; those on it stay."""

    name: str
    unschedulable: bool

    @property
    def target(self) -> str:
        return f"node {self.name}"

    def reads(self) -> Call:
        return Call("get", "nodes", name=self.name)

    def others(self, thing: Thing) -> Call | None:
        return None

    def seen(self, read: Read) -> Mapping[str, str]:
        return looked_at(read.thing) | {"unschedulable": "true" if _is(read.thing) else "false"}

    def change(self, read: Read, before: Mapping[str, str], about: About, now: datetime) -> Call | Done:
        if other := another(read, before):
            return other
        if _is(read.thing) is self.unschedulable:
            return already(f"{self.target} is {self._words}")
        body = {"metadata": {"resourceVersion": read.version}, "spec": {"unschedulable": self.unschedulable}}
        return Call("patch", "nodes", name=self.name, body=body, content=MERGE)

    def done(self, before: Mapping[str, str]) -> str:
        return f"{self.target}: {self._words}"

    def fate(self, read: Read | None, sent: Read, before: Mapping[str, str], about: About) -> Fate:
        if read is None:
            return "nobody knows"
        if _is(read.thing) is self.unschedulable:
            return "done"
        return "not yet" if read.version == sent.version else "nobody knows"

    def watches(self) -> Call:
        return self.reads()

    def state(self, thing: Thing | None) -> State:
        return State(ready=thing is not None, words=self._words if thing is not None else "it is gone")

    @property
    def _words(self) -> str:
        return "cordoned" if self.unschedulable else "uncordoned"


def _is(thing: Thing) -> bool:
    return bool(thing.get("spec", {}).get("unschedulable"))
