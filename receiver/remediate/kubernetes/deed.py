"""What an action is: what it reads, what it changes, and how one sees whether it was done. Pure, one module each.

Every change carries the resourceVersion that was read just before, so that whatever somebody else does in between makes
the API server refuse it (409). Source: Kubernetes API concepts, "Resource versions"; kubectl's own restart, rollback
and cordon.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from receiver.remediate.step import About, CannotBegin, Done
from tocsin.kubernetes.call import Call, Thing, meta

RUN = "tocsin.io/run"  # the annotation that names the step that was done last
RESTARTED = "kubectl.kubernetes.io/restartedAt"

Fate = Literal["done", "not done", "not yet", "nobody knows"]


@dataclass(frozen=True, slots=True)
class Read:
    """What was read: the object, and others that belong to it."""

    thing: Thing
    others: tuple[Thing, ...] = field(default=())

    @property
    def version(self) -> str:
        return meta(self.thing, "resourceVersion")


@dataclass(frozen=True, slots=True)
class State:
    """How far something has come: `failed` for good, where that shows."""

    ready: bool
    words: str
    failed: bool = False


class Deed(Protocol):
    """One action upon one object."""

    @property
    def target(self) -> str:
        """In words: `deployment shop/checkout`."""
        ...

    def reads(self) -> Call:
        """Reads the object."""
        ...

    def others(self, thing: Thing) -> Call | None:
        """Lists what else must be known."""
        ...

    def seen(self, read: Read) -> Mapping[str, str]:
        """How things are, for people and for a rollback.

        Raises:
            CannotBegin: it is not as it must be.
            NotNow: it will be, shortly.
        """
        ...

    def change(self, read: Read, before: Mapping[str, str], about: About, now: datetime) -> Call | Done:
        """What is to be sent; or that it is done already, or must not be done any more."""
        ...

    def done(self, before: Mapping[str, str]) -> str:
        """In words what was done."""
        ...

    def fate(self, read: Read | None, sent: Read, before: Mapping[str, str], about: About) -> Fate:
        """What became of a change whose answer was lost; `read` None: the object is gone.

        `not yet`: it was not done, and could still be, as long as the API server may be busy with it.
        """
        ...

    def watches(self) -> Call:
        """Reads what tells whether it is ready."""
        ...

    def state(self, thing: Thing | None) -> State:
        """How far it has come; None: it is gone."""
        ...


def workload(kind: str, namespace: str, name: str) -> Call:
    """Reads a deployment, a statefulset or a daemonset."""
    return Call("get", f"{kind}s", namespace, name)


def looked_at(thing: Thing) -> dict[str, str]:
    """What every kind of object tells of itself.

    Raises:
        CannotBegin: it is being deleted.
    """
    if thing.get("metadata", {}).get("deletionTimestamp"):
        raise CannotBegin(f"{meta(thing, 'name')} is being deleted already")
    return {key: meta(thing, key) for key in ("uid", "resourceVersion", "generation") if meta(thing, key)}


def another(read: Read, before: Mapping[str, str]) -> Done | None:
    """Whether it is not the object that was looked at."""
    if meta(read.thing, "uid") == before.get("uid"):
        return None
    return meanwhile("it was deleted and made again")


def meanwhile(what: str) -> Done:
    """Nothing is done, since somebody else did something."""
    return Done("failed", reason=f"somebody changed it meanwhile: {what}; nothing was done")


def already(what: str) -> Done:
    """Nothing need be done."""
    return Done("succeeded", output=f"{what} already; nothing had to be done")


def conditions(thing: Thing) -> Iterator[Mapping[str, str]]:
    """The conditions of its status."""
    yield from thing.get("status", {}).get("conditions") or ()
