"""Patches as an API server applies them: RFC 7396, and as much of RFC 6902 as kubectl uses."""

from __future__ import annotations

import copy
from typing import Any

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"


def changed_by(kind: str, thing: dict[str, Any], patch: Any) -> dict[str, Any]:
    """The object after a patch.

    Raises:
        AssertionError: a `test` does not hold, or there is nothing to be replaced.
    """
    after: dict[str, Any] = copy.deepcopy(thing)
    if kind == MERGE:
        merged: dict[str, Any] = _merged(after, patch)
        return merged
    assert kind == JSON_PATCH, kind
    for one in patch:
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in one["path"].split("/")[1:]]
        holder: Any = after
        for part in way:
            holder = holder[part]
        match one["op"]:
            case "test":
                assert holder.get(last) == one["value"]
            case "replace":
                assert last in holder
                holder[last] = one["value"]
            case "add":
                holder[last] = one["value"]
    return after


def _merged(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result
