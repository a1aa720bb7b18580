"""`gcp`: the custom resource `Rules` of Google Cloud's Managed Service for Prometheus.

Source: prometheus-engine, monitoring.googleapis.com/v1. A group has name, interval and rules; the service adds the
labels project_id, location, cluster and namespace to every selector and result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from generator.emit import Rendering
from generator.rule import Pack
from generator.targets import manifests
from generator.targets.dialect import Dialect, spoken
from generator.version import OLDEST, Version
from generator.yamltext import Tree
from tocsin.problem import Problem

UNKNOWN = frozenset({"keep_firing_for", "limit", "query_offset", "labels"})
INJECTED = ("project_id", "location", "cluster", "namespace")


def render(pack: Pack, version: Version = OLDEST) -> Rendering:
    """The pack as `Rules` of the same name; as several where it is large."""
    said, problems = spoken(pack, Dialect("gcp", version, UNKNOWN))
    return manifests.render(said, [*problems, *_overwritten(said)], _manifest)


def _manifest(name: str, groups: Sequence[Tree]) -> Tree:
    return {
        "apiVersion": "monitoring.googleapis.com/v1",
        "kind": "Rules",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "tocsin"}},
        "spec": {"groups": groups},
    }


def _overwritten(pack: Pack) -> Iterator[Problem]:
    for rule in pack.rules:
        for label in INJECTED:
            if label in rule.labels:
                message = f"the label {label!r} is overwritten: the service puts its own into each result"
                hint = "call it otherwise, or remove it"
                yield rule.problem("target", message, rule.origin.at_key("labels", label), hint)
