"""The alert policies of an SLO of OpenSLO, as tiers: each a burn seen over one window."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from generator.importing.openslo_objects import Objects, Placed
from generator.importing.openslo_spec import AlertCondition, AlertPolicy
from generator.importing.spec import item
from tocsin import duration

NO_WORDS = re.compile(r"[^a-z0-9]+")


def tiers(policies: Placed, objects: Objects) -> Mapping[str, Any] | None:
    """The tiers of the policies in a list, by name; None where one cannot be kept."""
    found: dict[str, Any] = {}
    given = policies.data
    for index in range(len(given) if isinstance(given, list) else 0):
        placed = _placed(policies.below(index), "AlertPolicy", "alertPolicyRef", objects)
        tier = _tier(placed, objects) if placed else None
        if placed is None or tier is None:
            return None
        found[_named(placed.name(), found)] = tier
    return found


def _placed(at: Placed, kind: str, ref: str, objects: Objects) -> Placed | None:
    """The object itself, or the one that is named."""
    data = at.data
    if isinstance(data, str):
        return objects.find(kind, data, at, "")
    if isinstance(data, dict) and ref in data:
        return objects.find(kind, data[ref], at, ref)
    return at


def _named(name: str, taken: Mapping[str, Any]) -> str:
    """As a tier may be called, and no other is."""
    plain = NO_WORDS.sub("-", name.lower()).strip("-") or "burn"
    return next(one for one in _numbered(plain) if one not in taken)


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1


def _tier(placed: Placed, objects: Objects) -> dict[str, Any] | None:
    spec = placed.below("spec")
    policy = spec.reader.model(AlertPolicy, spec.data, spec.path, placed.name())
    if policy is None:
        return None
    if not policy.alert_when_breaching:
        hint = "write alertWhenBreaching: true, or remove the policy: Prometheus tells what is wrong, and when it ends"
        spec.note("the policy does not alert while its condition holds", "alertWhenBreaching", hint=hint)
        return None
    if policy.alert_when_no_data:
        hint = "write an alert of its own for that: absence: {…}, see docs/reference/templates/absence.md"
        spec.warn("alertWhenNoData is left out: without data no burn is known", "alertWhenNoData", hint=hint)
    if policy.alert_when_resolved:
        hint = "set send_resolved in the receiver of Alertmanager; for most it is set"
        spec.warn("that it is resolved is told by Alertmanager", "alertWhenResolved", hint=hint, level="info")
    condition = _placed(spec.below("conditions", 0), "AlertCondition", "conditionRef", objects)
    return _burn(condition, policy, _targets(spec.below("notificationTargets"))) if condition else None


def _burn(placed: Placed, policy: AlertPolicy, targets: str) -> dict[str, Any] | None:
    spec = placed.below("spec")
    given = spec.reader.model(AlertCondition, spec.data, spec.path, placed.name())
    if given is None:
        return None
    condition = given.condition
    return item(
        {
            "alert": placed.name() or None,
            "long": duration.show(condition.lookback_window),
            "long_only": True,
            "factor": condition.threshold,
            "for": duration.show(condition.alert_after) if condition.alert_after else None,
            "labels": item({"severity": given.severity, "notification_target": targets}),
            "annotations": item({"description": given.description or policy.description}),
        }
    )


def _targets(at: Placed) -> str:
    """The names of whom to tell, for routes to go by."""
    given = at.data if isinstance(at.data, list) else []
    names = [one.get("targetRef") or at.below(index).name() for index, one in enumerate(given) if isinstance(one, dict)]
    return ",".join(str(name) for name in names if name)
