"""Every action, one line each: from a plan's arguments to the deed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from receiver.remediate.kubernetes.deed import Deed
from receiver.remediate.kubernetes.nodes import Cordon
from receiver.remediate.kubernetes.pods import DeletePod
from receiver.remediate.kubernetes.restart import Restart
from receiver.remediate.kubernetes.scale import Scale, ScaleBack
from receiver.remediate.kubernetes.undo import Undo, UndoBack
from receiver.remediate.step import CannotBegin

ON_NODES = ("cordon", "uncordon")


def deed_of(arguments: Mapping[str, Any]) -> Deed:
    """What an action does; not `restore`, which depends on what its step has done."""
    kind, namespace, name = arguments.get("kind", ""), arguments["namespace"], arguments["object"]
    match arguments["action"]:
        case "rollout-restart":
            return Restart(kind, namespace, name)
        case "scale":
            to, by, percent = (arguments.get(key) for key in ("to", "by", "percent"))
            return Scale(kind, namespace, name, to, by, percent, arguments.get("min", 0), arguments.get("max", 0))
        case "undo":
            return Undo(namespace, name)
        case "delete-pod":
            return DeletePod(namespace, name, arguments["evict"], arguments.get("grace_seconds"))
        case "cordon" | "uncordon" as action:
            return Cordon(name, action == "cordon")
        case other:
            raise CannotBegin(f"{other!r} is no action of kind kubernetes")


def restoring(arguments: Mapping[str, Any], before: Mapping[str, str]) -> Deed:
    """What puts back what a step has changed; `before` is what was seen before that step.

    Raises:
        CannotBegin: it was another object, or nothing that can be put back.
    """
    namespace, name = arguments["namespace"], arguments["object"]
    was = (before.get("namespace", ""), before.get("object", ""))
    if was != (namespace, name):
        raise CannotBegin(f"the step was about {'/'.join(was)}, and this is about {namespace}/{name}")
    match before.get("action"):
        case "scale":
            return ScaleBack(before["kind"], namespace, name)
        case "undo":
            return UndoBack(namespace, name)
        case "cordon" | "uncordon":
            return Cordon(name, before["unschedulable"] == "true")
        case other:
            raise CannotBegin(f"what {other or 'the step'} did cannot be put back")
