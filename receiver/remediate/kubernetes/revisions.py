"""The revisions of a deployment: its ReplicaSets.

Source: kubectl's rollback.go and util/deployment/deployment.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tocsin.kubernetes.call import Call, Thing, annotation, meta

REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"

# Those of the deployment's annotations that a rollback leaves as they are (rollback.go, annotationsToSkip).
KEPT = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        REVISION,
        "deployment.kubernetes.io/revision-history",
        "deployment.kubernetes.io/desired-replicas",
        "deployment.kubernetes.io/max-replicas",
        "deprecated.deployment.rollback.to",
    }
)


def listed(deployment: Thing) -> Call:
    """Lists the ReplicaSets that the deployment's selector finds."""
    query = {"labelSelector": _selector(deployment.get("spec", {}).get("selector") or {})}
    return Call("list", "replicasets", meta(deployment, "namespace"), query=query)


def _selector(selector: Mapping[str, Any]) -> str:
    parts = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for one in selector.get("matchExpressions") or ():
        key, values = one["key"], ",".join(one.get("values") or ())
        match one["operator"]:
            case "In":
                parts.append(f"{key} in ({values})")
            case "NotIn":
                parts.append(f"{key} notin ({values})")
            case "Exists":
                parts.append(key)
            case _:
                parts.append(f"!{key}")
    return ",".join(parts)


def owned(deployment: Thing, sets: Iterable[Thing]) -> list[Thing]:
    """Those that the deployment controls, the newest revision first."""
    uid = meta(deployment, "uid")
    ours = (
        one
        for one in sets
        if any(ref.get("controller") and ref.get("uid") == uid for ref in one["metadata"].get("ownerReferences") or ())
    )
    return sorted(ours, key=lambda one: -revision(one))


def revision(thing: Thing) -> int:
    """The number of a ReplicaSet's, or a deployment's, revision; 0: it has none yet."""
    text = annotation(thing, REVISION)
    return int(text) if text.isascii() and text.isdigit() else 0


def template(thing: Thing) -> dict[str, Any]:
    """The template of its pods, without the label that a ReplicaSet adds."""
    found = dict(thing.get("spec", {}).get("template") or {})
    metadata = dict(found.get("metadata") or {})
    metadata["labels"] = {key: value for key, value in (metadata.get("labels") or {}).items() if key != HASH}
    return found | {"metadata": metadata}


def current(deployment: Thing, sets: Iterable[Thing]) -> Thing | None:
    """The ReplicaSet of the template that the deployment has now; None: its controller has not made it yet."""
    wanted = _bare(template(deployment))
    return next((one for one in sets if _bare(template(one)) == wanted), None)


def _bare(value: Any) -> Any:
    """Without what is empty: to the API an empty list and none at all are the same (Semantic.DeepEqual)."""
    if isinstance(value, Mapping):
        bare = {key: _bare(inner) for key, inner in value.items()}
        return {key: inner for key, inner in bare.items() if inner not in (None, {}, [], "")}
    return [_bare(inner) for inner in value] if isinstance(value, list) else value


def images(thing: Thing) -> str:
    """What its pods run."""
    containers = template(thing).get("spec", {}).get("containers") or ()
    return ", ".join(str(one.get("image")) for one in containers)
