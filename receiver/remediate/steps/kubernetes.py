"""Steps of kind `kubernetes`: what may be asked of a cluster. `remediate/kubernetes/` does it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from receiver.people.settings import Name
from receiver.remediate.step import StepSettings
from receiver.remediate.values import Unfit, Values
from tocsin.config import Duration, Settings
from tocsin.kubernetes.names import LABEL, SUBDOMAIN

Kind = Literal["deployment", "statefulset", "daemonset"]
ActionName = Literal["rollout-restart", "scale", "undo", "delete-pod", "cordon", "uncordon", "restore"]

# Which settings an action knows, besides those that every one has.
OWN: Mapping[str, frozenset[str]] = {
    "rollout-restart": frozenset({"kind", "namespace", "wait_ready"}),
    "scale": frozenset({"kind", "namespace", "to", "by", "percent", "min", "max", "wait_ready"}),
    "undo": frozenset({"kind", "namespace", "wait_ready"}),
    "delete-pod": frozenset({"namespace", "grace", "evict", "wait_ready"}),
    "cordon": frozenset(),
    "uncordon": frozenset(),
    "restore": frozenset({"namespace", "wait_ready"}),
}
EVERY = frozenset({"name", "timeout", "cluster", "action_", "object_"})
KINDS_OF: Mapping[str, tuple[str, ...]] = {"scale": ("deployment", "statefulset"), "undo": ("deployment",)}

RESTORED = frozenset({"scale", "undo", "cordon", "uncordon"})


class KubernetesEdge(Settings):
    """A cluster, and who we are there."""

    kubeconfig_file: Path | None = Field(None, description="A kubeconfig; whoever it names is whom the cluster sees.")
    context: str | None = Field(None, description="The context in it; default: its current one.")
    in_cluster: bool = Field(False, description="Or: the cluster we run in, by the service account of our pod.")
    namespaces: tuple[str, ...] = Field(
        (), description="The namespaces in which steps may do anything; none by default."
    )
    nodes: bool = Field(False, description="Whether steps may cordon and uncordon nodes.")
    timeout: Duration = Field(timedelta(seconds=10), description="How long one request may take.")

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if (self.kubeconfig_file is None) is not self.in_cluster:
            hint = "write kubeconfig_file: FILE, or in_cluster: true"
            raise PydanticCustomError("cluster", "needs kubeconfig_file or in_cluster, one of them", {"hint": hint})
        if self.in_cluster and self.context is not None:
            hint = "leave context out, or name a kubeconfig_file"
            raise PydanticCustomError("cluster", "context belongs to a kubeconfig", {"hint": hint})
        return self


class KubernetesStep(StepSettings):
    """One change to one object."""

    KIND: ClassVar[str] = "kubernetes"
    TIMEOUT: ClassVar[timedelta] = timedelta(minutes=2)

    cluster: Name | None = Field(None, description="Its name in `remediation.kubernetes`; default: the only one.")
    action_: ActionName = Field(alias="action", description="What is done.")
    kind: Kind = Field("deployment", description="What kind of workload it is.")
    namespace: str = Field("", description="Where it is; may name values.")
    object_: str = Field(
        alias="object", description="What the workload, the pod or the node is called; may name values."
    )
    to: int | None = Field(None, ge=0, description="How many replicas there will be.")
    by: int | None = Field(None, description="Or how many more than there are; fewer with a minus.")
    percent: int | None = Field(None, ge=-100, description="Or how many percent more, rounded away from zero.")
    min: int | None = Field(None, ge=0, description="The fewest that `by` and `percent` may lead to.")
    max: int | None = Field(None, ge=0, description="The most that they may lead to.")
    grace: Duration | None = Field(None, description="How long the pod has to end; default: as its own settings say.")
    evict: bool = Field(
        True, description="Whether PodDisruptionBudgets are respected; else the pod is deleted outright."
    )
    wait_ready: bool = Field(False, description="Whether the step ends only when all replicas are available again.")

    @model_validator(mode="after")
    def _what_the_action_knows(self) -> Self:
        unknown = self.model_fields_set - OWN[self.action_] - EVERY
        if unknown:
            known = ", ".join(sorted(OWN[self.action_])) or "nothing but object"
            raise _refused(f"{self.action_} has no {', '.join(sorted(unknown))}", f"it takes {known}")
        kinds = KINDS_OF.get(self.action_)
        if kinds and self.kind not in kinds:
            raise _refused(f"{self.action_} cannot be done to a {self.kind}", f"only to a {' or '.join(kinds)}")
        if self.action_ in ("cordon", "uncordon", "restore"):
            return self
        if not self.namespace:
            raise _refused(f"{self.action_} needs a namespace", "add namespace: …")
        return self

    @model_validator(mode="after")
    def _how_many(self) -> Self:
        if self.action_ != "scale":
            return self
        ways = [name for name in ("to", "by", "percent") if getattr(self, name) is not None]
        if len(ways) != 1:
            raise _refused("scale takes to, by or percent, one of them", "write to: 5, or by: +2, or percent: +50")
        if self.to is None and (self.min is None or self.max is None):
            raise _refused(f"{ways[0]} needs bounds", "add min: and max:")
        if self.to is not None and (self.min, self.max) != (None, None):
            raise _refused("to is a number that needs no bounds", "leave min and max out")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise _refused(f"min is {self.min} and max {self.max}", "min is the smaller one")
        if 0 in (self.by, self.percent):
            raise _refused(f"{ways[0]}: 0 changes nothing", "write +1 or -1")
        return self

    @property
    def only_takes_back(self) -> bool:
        return self.action_ == "restore"

    def unfit_to_take_back(self, step: StepSettings) -> str:
        if self.action_ != "restore":
            return ""
        if not isinstance(step, KubernetesStep):
            return f"restore cannot take back a step of kind {step.KIND}"
        if step.action_ not in RESTORED:
            return f"restore cannot take back {step.action_}; only {', '.join(sorted(RESTORED))}"
        if (self.cluster, self.namespace, self.object_) != (step.cluster, step.namespace, step.object_):
            return "restore needs the same cluster, namespace and object as its step"
        return ""

    def planned(self, values: Values) -> tuple[str, Mapping[str, object]]:
        namespace = _checked(values.fill(self.namespace), LABEL, "a namespace") if self.namespace else ""
        name = _checked(values.fill(self.object_), SUBDOMAIN, "the name of an object")
        target = f"{namespace}/{name}" if namespace else name
        arguments: dict[str, object] = {"action": self.action_, "namespace": namespace, "object": name}
        given = {key: getattr(self, key) for key in ("cluster", "to", "by", "percent", "min", "max")}
        arguments |= {key: value for key, value in given.items() if value is not None}
        if self.action_ in ("rollout-restart", "scale", "undo"):
            arguments["kind"] = self.kind
        if self.action_ == "delete-pod":
            arguments["evict"] = self.evict
            if self.grace is not None:
                arguments["grace_seconds"] = int(self.grace.total_seconds())
        if self.wait_ready:
            arguments["wait_ready"] = True
        where = f" in cluster {self.cluster}" if self.cluster else ""
        return self._in_words(target) + where, arguments

    def _in_words(self, target: str) -> str:
        ready = " and wait until it is ready" if self.wait_ready else ""
        match self.action_:
            case "rollout-restart":
                return f"restart {self.kind} {target}{ready}"
            case "scale":
                return f"scale {self.kind} {target} {self._by()}{ready}"
            case "undo":
                return f"take {self.kind} {target} back to its previous revision{ready}"
            case "delete-pod":
                gone = " and wait until it is gone" if self.wait_ready else ""
                return f"{'evict' if self.evict else 'delete'} pod {target}{gone}"
            case "restore":
                return f"put {target} back as it was before the step{ready}"
            case _:
                return f"{self.action_} node {target}"

    def _by(self) -> str:
        if self.to is not None:
            return f"to {self.to}"
        change = f"{self.by:+}" if self.by is not None else f"{self.percent:+}%"
        return f"by {change}, between {self.min} and {self.max}"


def _refused(message: str, hint: str) -> PydanticCustomError:
    return PydanticCustomError("kubernetes", "{message}", {"message": message, "hint": hint})


def _checked(text: str, pattern: re.Pattern[str], what: str) -> str:
    if len(text) > 253 or not pattern.fullmatch(text):
        raise Unfit(f"{text[:80]!r} cannot be {what}: lower-case letters, digits and - (RFC 1123)")
    return text
