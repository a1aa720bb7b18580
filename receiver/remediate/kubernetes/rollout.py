"""Whether a rollout is complete. Source: kubectl's rollout_status.go, which `kubectl rollout status` asks."""

from __future__ import annotations

from typing import Any

from receiver.remediate.kubernetes.deed import State, conditions
from tocsin.kubernetes.call import Thing, meta

UNSEEN = "its controller has not seen the change yet"


def rollout(kind: str, thing: Thing | None, *, deadline: bool = True) -> State:
    """How far the rollout of a workload has come; without `deadline` one that had failed before counts as under way."""
    if thing is None:
        return State(ready=False, words="it is gone", failed=True)
    if int(meta(thing, "generation") or 0) > int(thing.get("status", {}).get("observedGeneration") or 0):
        return State(ready=False, words=UNSEEN)
    match kind:
        case "deployment":
            return _deployment(thing, deadline=deadline)
        case "statefulset":
            return _statefulset(thing)
        case _:
            return _daemonset(thing)


def _deployment(thing: Thing, *, deadline: bool) -> State:
    for one in conditions(thing):
        if deadline and one.get("type") == "Progressing" and one.get("reason") == "ProgressDeadlineExceeded":
            return State(ready=False, words=one.get("message") or "it exceeded its progress deadline", failed=True)
    wanted, status = _wanted(thing), _Count(thing)
    if status.updatedReplicas < wanted:
        return State(ready=False, words=f"{status.updatedReplicas} of {wanted} replicas are updated")
    if status.replicas > status.updatedReplicas:
        return State(ready=False, words=f"{status.replicas - status.updatedReplicas} old replicas are still there")
    if status.replicas > wanted:
        return State(ready=False, words=f"{status.replicas - wanted} replicas too many are still there")
    if status.availableReplicas < status.updatedReplicas:
        words = f"{status.availableReplicas} of {status.updatedReplicas} replicas are available"
        said = (one.get("message") for one in conditions(thing) if one.get("status") == "False")
        return State(ready=False, words="; ".join([words, *filter(None, said)]))
    return State(ready=True, words=f"{status.availableReplicas} of {wanted} replicas are available")


def _statefulset(thing: Thing) -> State:
    wanted, status = _wanted(thing), _Count(thing)
    if status.readyReplicas < wanted:
        return State(ready=False, words=f"{status.readyReplicas} of {wanted} replicas are ready")
    rolling = thing.get("spec", {}).get("updateStrategy", {}).get("rollingUpdate") or {}
    updated = wanted - int(rolling.get("partition") or 0)
    if status.updatedReplicas < updated:
        return State(ready=False, words=f"{status.updatedReplicas} of {updated} replicas are updated")
    if status.replicas > wanted:
        return State(ready=False, words=f"{status.replicas - wanted} replicas too many are still there")
    return State(ready=True, words=f"{status.readyReplicas} of {wanted} replicas are ready")


def _daemonset(thing: Thing) -> State:
    status = _Count(thing)
    wanted = status.desiredNumberScheduled
    if status.updatedNumberScheduled < wanted:
        return State(ready=False, words=f"{status.updatedNumberScheduled} of {wanted} pods are updated")
    if status.numberAvailable < wanted:
        return State(ready=False, words=f"{status.numberAvailable} of {wanted} pods are available")
    return State(ready=True, words=f"{status.numberAvailable} of {wanted} pods are available")


def _wanted(thing: Thing) -> int:
    replicas = thing.get("spec", {}).get("replicas")
    return 1 if replicas is None else int(replicas)


class _Count:
    """The counts of a status: what is not there is 0."""

    def __init__(self, thing: Thing) -> None:
        self._status: dict[str, Any] = thing.get("status") or {}

    def __getattr__(self, name: str) -> int:
        return int(self._status.get(name) or 0)
